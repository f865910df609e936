#include "supervisor/child_state.h"

#include <algorithm>

namespace shmconf::supervisor {

std::chrono::milliseconds RestartBackoff::next(std::chrono::nanoseconds lived) {
  if (delay_ == std::chrono::milliseconds::zero() || lived >= kHealthyAfter) {
    delay_ = kFirstDelay;
  } else {
    delay_ = std::min(delay_ * 2, kLongestDelay);
  }
  return delay_;
}

void ChildState::started(pid_t pid, std::uint64_t stamp, Time now) {
  pid_ = pid;
  started_ = now;
  stamp_ = stamp;
  stamp_moved_ = now;
}

std::chrono::nanoseconds ChildState::running_for(Time now) const {
  return pid_ == 0 ? std::chrono::nanoseconds::zero() : now - started_;
}

std::chrono::milliseconds ChildState::ended(Time now) {
  const auto lived = running_for(now);
  pid_ = 0;
  const auto pause = backoff_.next(lived);
  start_due_ = now + pause;
  return pause;
}

std::optional<Time> ChildState::start_due() const {
  if (pid_ != 0) return std::nullopt;
  return start_due_;
}

bool ChildState::hung(std::uint64_t stamp, Time now) {
  if (pid_ == 0) return false;
  if (stamp != stamp_) {
    stamp_ = stamp;
    stamp_moved_ = now;
  }
  if (now - stamp_moved_ < kHungAfter) return false;
  stamp_moved_ = now;
  return true;
}

std::optional<Time> ChildState::hung_due() const {
  if (pid_ == 0) return std::nullopt;
  return stamp_moved_ + kHungAfter;
}

}  // namespace shmconf::supervisor
