// What the control page says of the configuration and of the sidecar, and what that means for a
// start. Pure functions over the page; thread-safe.
#ifndef SHMCONF_SUPERVISOR_CONDITION_H_
#define SHMCONF_SUPERVISOR_CONDITION_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "settings/settings.h"
#include "shmconf/format.h"
#include "shmconf/result.h"
#include "supervisor/child_state.h"

namespace shmconf::supervisor {

struct Condition {
  std::uint64_t page = 0;         // which page says so: its creation time, never used twice
  std::uint32_t generation = 0;   // the counter; 0: no configuration
  std::uint64_t sync_count = 0;   // of comparisons with Consul
  std::uint64_t sources_hash = 0; // what the configuration was read from; 0: from anywhere
  bool live = false;              // watch or heartbeat has a contact with Consul that is not overdue
  bool supervised = false;        // some supervisor of this name stamps its liveness
  std::string trouble;            // what fails at present; empty: nothing
};

// `now` is CLOCK_BOOTTIME.
Condition look_at(const format::ControlPage& page, std::chrono::nanoseconds now);

// One line for the service manager.
std::string to_status(const Condition& condition);

enum class Verdict { kWait, kGo, kGiveUp };

// When what depends on a configuration may start.
struct Readiness {
  Time began{};
  std::chrono::milliseconds startup_timeout{5'000};
  std::uint64_t page_before = 0;  // when this run began
  std::uint64_t sync_count_before = 0;
  std::uint64_t sources_hash = 0;  // what the settings ask for

  static Readiness begin(const Condition& condition, const settings::Settings& settings, Time now);

  // With a sidecar of our own: at this run's first comparison with Consul. From startup_timeout on,
  // one from the same sources will do: it survived in the segment, or the heartbeat restored the
  // backup. Without any: given up, but not before the heartbeat has had kRestoreTime.
  [[nodiscard]] Verdict judge(const Condition& condition, Time now) const;

  // With another's sidecar: at once if it is alive, in touch with Consul and has the same sources; else
  // as above, but what it compares counts only for its own sources.
  [[nodiscard]] Verdict judge_attached(const Condition& condition, Time now) const;

  // Whether Consul was asked and answered since then.
  [[nodiscard]] bool compared(const Condition& condition) const;
  // Whether what is published was read from the sources that the settings name.
  [[nodiscard]] bool fits(const Condition& condition) const;
};

inline constexpr std::chrono::milliseconds kRestoreTime{2'500};

// For the log, when what survived was taken because Consul did not answer in time.
std::string last_known_configuration(const Readiness& readiness, const Condition& condition);

// kNotReady: what was waited for, and what failed meanwhile.
Error no_configuration(const Readiness& readiness, const Condition& condition);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_CONDITION_H_
