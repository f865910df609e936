// Whether a core file of this process would hold what stands at an address. Thread-safe.
#ifndef SHMCONF_TESTS_HARNESS_CORE_FILES_H_
#define SHMCONF_TESTS_HARNESS_CORE_FILES_H_

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

namespace shmconf::testing {

// True: the map that holds the address has "dd" among its flags in /proc/self/smaps. False where no map
// holds it, too.
inline bool kept_out_of_dumps(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool holds = false;
  for (std::string line; std::getline(maps, line);) {
    const auto dash = line.find('-');
    if (dash < line.find(' ')) {
      const auto begin = std::strtoull(line.c_str(), nullptr, 16);
      const auto end = std::strtoull(line.c_str() + dash + 1, nullptr, 16);
      holds = wanted >= begin && wanted < end;
    }
    if (holds && line.starts_with("VmFlags:")) return line.find(" dd") != std::string::npos;
  }
  return false;
}

}  // namespace shmconf::testing

#endif  // SHMCONF_TESTS_HARNESS_CORE_FILES_H_
