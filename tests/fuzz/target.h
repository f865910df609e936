// What a fuzz target defines. libFuzzer feeds it bytes (libfuzzer_entry.cc); the unit tests feed it the
// files of its corpus (replay.cc).
#ifndef SHMCONF_TESTS_FUZZ_TARGET_H_
#define SHMCONF_TESTS_FUZZ_TARGET_H_

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace shmconf::fuzz {

// Hands one input to the product, and ends the process where the product breaks a promise. True: the
// product took the input for sound.
bool accepts(std::string_view input);

inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

}  // namespace shmconf::fuzz

#endif  // SHMCONF_TESTS_FUZZ_TARGET_H_
