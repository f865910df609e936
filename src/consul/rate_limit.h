// RateLimit: a token bucket that bounds how often Consul is asked when an index spins: one that moves
// at each query, or answers that come back at once.
//
// Pure: the caller passes the clock, any that does not go back. Not thread-safe.
#ifndef SHMCONF_CONSUL_RATE_LIMIT_H_
#define SHMCONF_CONSUL_RATE_LIMIT_H_

#include <chrono>

namespace shmconf::consul {

class RateLimit {
 public:
  using Time = std::chrono::nanoseconds;

  // burst queries at once, then one each interval. Requires burst >= 1 and a positive interval.
  RateLimit(int burst, Time interval, Time now) noexcept
      : interval_(interval), reach_(interval * (burst - 1)), next_(now - reach_) {}

  // Takes one token and returns how long to wait until it is there; zero: go at once.
  [[nodiscard]] Time take(Time now) noexcept {
    // However long nothing was asked, a full bucket does not gain.
    if (next_ < now - reach_) next_ = now - reach_;
    const Time wait = next_ > now ? next_ - now : Time{0};
    next_ += interval_;
    return wait;
  }

 private:
  Time interval_;
  Time reach_;
  Time next_;  // the earliest time of the next query, counted without the burst
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_RATE_LIMIT_H_
