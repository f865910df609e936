// When a supervised process is started again, and when it is taken for hung: decisions only, no
// processes. Times are the caller's, so a test moves them. Not thread-safe; plain values.
#ifndef SHMCONF_SUPERVISOR_CHILD_STATE_H_
#define SHMCONF_SUPERVISOR_CHILD_STATE_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace shmconf::supervisor {

// A clock that stands still while the machine sleeps, so that nobody is called hung for that.
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

inline constexpr std::chrono::milliseconds kFirstDelay{100};
inline constexpr std::chrono::milliseconds kLongestDelay{5'000};
inline constexpr std::chrono::seconds kHealthyAfter{60};
inline constexpr std::chrono::seconds kHungAfter{20};

// The pause before each start: 100 ms, doubling to 5 s while lives are short.
class RestartBackoff {
 public:
  // After a process that lived for `lived`.
  std::chrono::milliseconds next(std::chrono::nanoseconds lived);

 private:
  std::chrono::milliseconds delay_{0};
};

class ChildState {
 public:
  explicit ChildState(Time first_start) : start_due_(first_start) {}

  // 0: not running.
  [[nodiscard]] pid_t pid() const { return pid_; }

  // `stamp` is the liveness stamp that is there now: a predecessor's, or 0.
  void started(pid_t pid, std::uint64_t stamp, Time now);

  // The process is gone (or could not be started: pid() is 0). Returns the pause before the next.
  std::chrono::milliseconds ended(Time now);

  // How long it has run; zero while it does not.
  [[nodiscard]] std::chrono::nanoseconds running_for(Time now) const;

  // When to start it; nullopt while it runs.
  [[nodiscard]] std::optional<Time> start_due() const;

  // Whether it runs and its stamp has not moved for kHungAfter, counted from its start, from each
  // moment that this function saw the stamp move, and from the last time that it answered true.
  [[nodiscard]] bool hung(std::uint64_t stamp, Time now);

  // The caller itself has not run for a while, so the child may not have either: its time counts anew.
  void excuse(Time now) { stamp_moved_ = now; }

  // When hung() could become true if no stamp comes; nullopt while it does not run.
  [[nodiscard]] std::optional<Time> hung_due() const;

 private:
  pid_t pid_ = 0;
  Time started_{};
  Time start_due_;
  std::uint64_t stamp_ = 0;
  Time stamp_moved_{};
  RestartBackoff backoff_;
};

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_CHILD_STATE_H_
