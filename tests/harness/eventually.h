// eventually(): polls a condition until it holds or a deadline passes. For integration tests, where
// other processes set the pace; unit tests take their time from the Env instead.
#ifndef SHMCONF_TESTS_HARNESS_EVENTUALLY_H_
#define SHMCONF_TESTS_HARNESS_EVENTUALLY_H_

#include <chrono>
#include <thread>

namespace shmconf::harness {

// True as soon as condition() is true, false when it never was within limit. The condition is
// asked once more after the limit, so that a machine under load is not mistaken for a failure.
template <typename Condition>
[[nodiscard]] bool eventually(Condition condition,
                              std::chrono::milliseconds limit = std::chrono::seconds(10),
                              std::chrono::milliseconds interval = std::chrono::milliseconds(5)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  do {
    if (condition()) return true;
    std::this_thread::sleep_for(interval);
  } while (std::chrono::steady_clock::now() < deadline);
  return condition();
}

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_EVENTUALLY_H_
