#include "heartbeat/pace.h"

namespace shmconf::heartbeat {

// minstd_rand takes 31 bits: both halves of the seed count.
Pace::Pace(std::chrono::nanoseconds interval, std::uint64_t seed)
    : interval_(interval), random_(static_cast<std::minstd_rand::result_type>(seed ^ (seed >> 32))) {}

std::chrono::nanoseconds Pace::next() {
  std::uniform_real_distribution<double> share(first_ ? 0.0 : 0.9, first_ ? 1.0 : 1.1);
  first_ = false;
  const std::chrono::duration<double, std::nano> wait = interval_ * share(random_);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(wait);
}

}  // namespace shmconf::heartbeat
