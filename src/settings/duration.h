// Durations as people write them: 500ms, 30s, 15m, 1h, 1m30s.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_SETTINGS_DURATION_H_
#define SHMCONF_SETTINGS_DURATION_H_

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "settings/complaint.h"
#include "shmconf/result.h"

namespace shmconf::settings {

// Whole numbers with the units h, m, s and ms, each at most once and from large to small. Neither
// a sign, a fraction nor a number without unit is accepted: Consul itself reads "30" as 30 ns.
std::variant<std::chrono::milliseconds, Complaint> examine_duration(std::string_view text);

// The same, for callers that report a single error: kInvalid.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// The shortest text that parse_duration() reads back as the same value; requires one of 0 or more.
std::string format_duration(std::chrono::milliseconds duration);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_DURATION_H_
