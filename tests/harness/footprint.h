// Footprint: what a process holds of the machine, as /proc tells. Reads only; any thread.
#ifndef SHMCONF_TESTS_HARNESS_FOOTPRINT_H_
#define SHMCONF_TESTS_HARNESS_FOOTPRINT_H_

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <system_error>

namespace shmconf::harness {

struct Footprint {
  std::size_t descriptors = 0;
  std::size_t threads = 0;
  std::size_t maps = 0;
  std::size_t private_dirty_kib = 0;
  std::size_t virtual_kib = 0;
};

// Of a process that runs; all zero when it does not.
inline Footprint footprint_of(pid_t pid) {
  const std::string proc = "/proc/" + std::to_string(pid);
  Footprint footprint;
  std::error_code gone;
  footprint.descriptors = static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(proc + "/fd", gone), std::filesystem::directory_iterator()));
  std::ifstream maps(proc + "/maps");
  for (std::string line; std::getline(maps, line);) ++footprint.maps;
  const auto number = [](const std::string& path, const std::string& name) -> std::size_t {
    std::ifstream file(path);
    for (std::string word; file >> word;) {
      std::size_t value = 0;
      if (word == name && file >> value) return value;
    }
    return 0;
  };
  footprint.threads = number(proc + "/status", "Threads:");
  footprint.virtual_kib = number(proc + "/status", "VmSize:");
  footprint.private_dirty_kib = number(proc + "/smaps_rollup", "Private_Dirty:");
  return footprint;
}

inline std::ostream& operator<<(std::ostream& out, const Footprint& of) {
  return out << of.descriptors << " descriptors, " << of.threads << " threads, " << of.maps << " maps, "
             << of.private_dirty_kib << " KiB private dirty";
}

// Whether more is held than before. A few maps and some memory come and go with the moment.
inline bool has_grown(const Footprint& before, const Footprint& after, std::size_t maps = 4,
                      std::size_t private_dirty_kib = 512) {
  return after.descriptors > before.descriptors || after.threads > before.threads ||
         after.maps > before.maps + maps || after.private_dirty_kib > before.private_dirty_kib + private_dirty_kib;
}

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_FOOTPRINT_H_
