// What `shmconf status` prints, as people and as programs read it.
//
// Pure functions; thread-safe. The ages in a Status become points of time by `now`, the wall clock.
#ifndef SHMCONF_DISPLAY_STATUS_TEXT_H_
#define SHMCONF_DISPLAY_STATUS_TEXT_H_

#include <array>
#include <chrono>
#include <string>

#include "shmconf/result.h"
#include "shmconf/status.h"

namespace shmconf::display {

using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// "absent", "not ready" and so on.
const char* error_name(ErrorCode code);

// "2026-01-02T03:04:05.678Z".
std::string utc_text(WallTime time);

// "340 ms", "12.3 s", "5 min 2 s", "3 h 4 min", "2 d 5 h".
std::string age_text(std::chrono::nanoseconds age);

// By format::Role.
inline constexpr std::array<const char*, format::kRoleCount> kRoleNames = {"watch", "heartbeat", "supervisor"};

// "stale since 2026-01-02T03:04:00.678Z (5.0 s ago)".
std::string verdict_line(const Status& status, WallTime now);

// "17, 4711": of Consul, one for each source; "none".
std::string index_list(const Status& status);

// "alive, last contact 1.2 s ago, 40 answers, 3 published, 1 failure, 2 starts".
std::string role_line(const RoleStatus& role);

// The last error, escaped for a terminal, and whether it is over; empty: there was none.
std::string role_error(const RoleStatus& role);

// Lines of a name and a value, aligned.
std::string status_text(const Status& status, const std::string& name, WallTime now);

// The same as one JSON object. Generation and indexes are strings, since they are 64-bit numbers
// that many JSON readers would round. Times are UTC, ages seconds; what never happened is null.
std::string status_json(const Status& status, const std::string& name, WallTime now);

// The object where there is no configuration: the verdict is null, and "error" says why.
std::string no_status_json(const Error& error, const std::string& name);

}  // namespace shmconf::display

#endif  // SHMCONF_DISPLAY_STATUS_TEXT_H_
