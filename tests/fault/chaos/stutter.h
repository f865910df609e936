// Stutter: stops and continues a process in turns of milliseconds, so that it stops between any two
// of its steps; until the object goes. The grip must be the last one on a process that lives.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_STUTTER_H_
#define SHMCONF_TESTS_FAULT_CHAOS_STUTTER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "fault/chaos/grip.h"
#include "fault/chaos/random.h"

namespace shmconf::chaos {

class Stutter {
 public:
  Stutter(Grip grip, std::uint64_t seed)
      : grip_(std::move(grip)), thread_([this, seed] { run(Random(seed)); }) {}
  ~Stutter() {
    stop_.store(true);
    thread_.join();
  }

 private:
  void run(Random random) {
    const auto rest = [&random](std::int64_t most_us) {
      std::this_thread::sleep_for(std::chrono::microseconds(random.between(100, most_us)));
    };
    while (!stop_.load() && grip_.send(SIGSTOP)) {
      rest(60'000);
      grip_.send(SIGCONT);
      rest(15'000);
    }
    grip_.send(SIGCONT);
  }

  const Grip grip_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_STUTTER_H_
