// One run of chaos.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_CHAOS_H_
#define SHMCONF_TESTS_FAULT_CHAOS_CHAOS_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace shmconf::chaos {

struct Options {
  std::uint64_t seed = 0;
  std::chrono::seconds length{180};  // a round that has begun is ended
  std::string sidecar;               // the program: shmconf_chaos_sidecar
};

// Prints what it does and, at the end, what came of it. The exit code of main.cc, where it requires a
// mount namespace of its own. Call it on the main thread, once.
int run(const Options& options);

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_CHAOS_H_
