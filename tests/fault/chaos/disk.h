// Disk: a small tmpfs of its own, which chaos fills to the last byte and frees again.
//
// Requires a mount namespace of this process's own. Not thread-safe.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_DISK_H_
#define SHMCONF_TESTS_FAULT_CHAOS_DISK_H_

#include <string>

#include "harness/temp_directory.h"
#include "shmconf/result.h"

namespace shmconf::chaos {

class Disk {
 public:
  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  // size as mount(8) takes it: "6m". Error kDenied: no right to mount here.
  Result<void> mount(const std::string& size);
  void fill();
  void free();
  [[nodiscard]] std::string operator/(const std::string& name) const { return directory_ / name; }

 private:
  harness::TempDirectory directory_;
  bool mounted_ = false;
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_DISK_H_
