// Pace: how long the heartbeat waits between two full reads. Sidecars that were started together (a
// deployment, the return of power) spread over the whole interval with the first wait and stay
// spread, so that Consul never meets them all at once.
//
// Not thread-safe. Equal seeds give equal waits.
#ifndef SHMCONF_HEARTBEAT_PACE_H_
#define SHMCONF_HEARTBEAT_PACE_H_

#include <chrono>
#include <cstdint>
#include <random>

namespace shmconf::heartbeat {

class Pace {
 public:
  Pace(std::chrono::nanoseconds interval, std::uint64_t seed);

  // The first: anything up to the interval. Later ones: the interval, a tenth more or less.
  [[nodiscard]] std::chrono::nanoseconds next();

 private:
  std::chrono::nanoseconds interval_;
  std::minstd_rand random_;
  bool first_ = true;
};

}  // namespace shmconf::heartbeat

#endif  // SHMCONF_HEARTBEAT_PACE_H_
