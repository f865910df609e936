// The entry that libFuzzer calls for each input.
#include <cstddef>
#include <cstdint>

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(shmconf::fuzz::accepts({reinterpret_cast<const char*>(data), size}));
  return 0;
}
