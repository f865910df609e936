// Random: all of chaos's choices, the same for the same seed on every machine (the standard
// library's distributions differ between implementations; the engine does not). Not thread-safe.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_RANDOM_H_
#define SHMCONF_TESTS_FAULT_CHAOS_RANDOM_H_

#include <chrono>
#include <cstdint>
#include <random>

namespace shmconf::chaos {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // 0 ... bound - 1; the tiny bias does not matter here.
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  // Both ends included.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  std::chrono::milliseconds between(std::chrono::milliseconds least, std::chrono::milliseconds most) {
    return std::chrono::milliseconds(between(least.count(), most.count()));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_RANDOM_H_
