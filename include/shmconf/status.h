// Status: what a reader can tell of the configuration that it reads and of the processes behind it.
//
// A plain value, a moment's picture; copy freely. Ages are counted from the moment of the call.
#ifndef SHMCONF_STATUS_H_
#define SHMCONF_STATUS_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shmconf/export.h"
#include "shmconf/format.h"

namespace shmconf {

enum class Verdict : std::uint8_t {
  kLive = 0,    // a process is alive and Consul answered it in time
  kStale = 1,   // a process is alive, but Consul is failing or overdue: the last good one is served
  kBackup = 2,  // a process is alive and serves the backup: Consul has not answered since the start
  kDead = 3,    // neither watch nor heartbeat is alive: the last good one is served, nothing renews it
};

// "live", "stale", "backup" or "dead".
SHMCONF_EXPORT const char* verdict_name(Verdict verdict) noexcept;
// "consul", "backup" or "dev".
SHMCONF_EXPORT const char* origin_name(format::Origin origin) noexcept;

// Durations by length, as of about one moment.
struct DurationCounts {
  // Up to each of format::kDurationBoundsNs; the last: longer.
  std::array<std::uint64_t, format::kDurationBoundsNs.size() + 1> counts{};
  std::uint64_t sum_ns = 0;
};

// One process of the sidecar, as it says of itself. An age is empty where it never happened.
struct RoleStatus {
  bool alive = false;  // it stamped within format::kDeadAfterNs and has not ended
  std::optional<std::chrono::nanoseconds> stamp_age;    // empty too after a clean end
  std::optional<std::chrono::nanoseconds> contact_age;  // since the last good answer of Consul
  std::optional<std::chrono::nanoseconds> failing_for;  // empty: its last query succeeded
  std::chrono::nanoseconds stale_after{0};              // a contact older than this is overdue
  std::uint64_t failures = 0;                           // these four since the control page was made
  std::uint64_t queries = 0;
  std::uint64_t publishes = 0;
  std::uint64_t starts = 0;
  std::array<std::uint64_t, format::kComparisonCount> comparisons{};  // by format::Comparison; these five likewise
  std::array<std::uint64_t, format::kErrorKinds> errors{};            // by ErrorCode
  std::uint64_t backup_failures = 0;
  DurationCounts propagation;  // see format::RoleCounters
  DurationCounts publish;
  std::string last_error;  // kept after recovery: failing_for tells
};

struct Status {
  Verdict verdict = Verdict::kDead;
  // Since the last good contact of watch or heartbeat, whichever is later; empty: none yet.
  std::optional<std::chrono::nanoseconds> contact_age;

  std::uint64_t generation = 0;
  std::uint64_t key_count = 0;
  std::uint64_t pointer_count = 0;   // leaves and branches of JSON documents
  std::uint64_t key_value_bytes = 0;
  std::uint64_t snapshot_bytes = 0;  // with table, indexes and padding
  format::Origin origin = format::Origin::kConsul;
  std::vector<std::uint64_t> indexes;  // of Consul, one for each source
  std::chrono::sys_time<std::chrono::nanoseconds> published{};  // this generation
  std::chrono::sys_time<std::chrono::nanoseconds> read{};       // its content, from Consul

  bool from_file = false;  // read from a backup file, since there was neither sidecar nor segment
  bool retired = false;    // the segment was given up and no other one is there yet
  std::string problem;     // why the newest generation cannot be read, and the last one is; empty: it can
  std::uint64_t sync_count = 0;               // successful comparisons with Consul
  std::uint64_t settled_rounds_exceeded = 0;  // publishes whose sources never stood still
  std::uint64_t server_starts = 0;            // of `serve` under the present segment's supervisors
  std::array<RoleStatus, format::kRoleCount> roles;  // by format::Role
  std::string directory;                             // <root>/<name>; empty after open_backup()
  std::string backup_file;                           // empty: none

  [[nodiscard]] const RoleStatus& role(format::Role which) const {
    return roles[static_cast<std::size_t>(which)];
  }
};

}  // namespace shmconf

#endif  // SHMCONF_STATUS_H_
