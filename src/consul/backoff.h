// Backoff: how long to wait after a failed query, doubling at each failure, with full jitter so that
// a host's sidecars do not come back in step.
//
// Pure: no clock, no sleeping. Not thread-safe.
#ifndef SHMCONF_CONSUL_BACKOFF_H_
#define SHMCONF_CONSUL_BACKOFF_H_

#include <chrono>
#include <cstdint>
#include <random>

namespace shmconf::consul {

class Backoff {
 public:
  static constexpr std::chrono::milliseconds kBase{100};
  static constexpr std::chrono::milliseconds kCap{5'000};
  // For an address of this machine: asking again costs the network nothing, and who waits for an agent
  // that starts, or has no leader yet, is live again within a second of its good answer.
  static constexpr std::chrono::milliseconds kLocalCap{1'000};

  // Equal seeds give equal delays; see process_seed().
  explicit Backoff(std::uint64_t seed)
      : random_(static_cast<std::minstd_rand::result_type>(seed ^ (seed >> 32))) {}

  // Counts one failure and returns the delay before the next attempt: from 1 ms to the base doubled
  // for each failure before, at most the cap.
  std::chrono::milliseconds fail(bool local);
  void succeed() noexcept { failures_ = 0; }

 private:
  std::minstd_rand random_;
  unsigned failures_ = 0;
};

// Differs between processes, also between those started at one instant.
std::uint64_t process_seed();

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_BACKOFF_H_
