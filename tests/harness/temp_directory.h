// TempDirectory: a directory that nobody else uses and that goes, with everything in it, when the
// object goes. Not thread-safe; the path is valid as long as the object.
#ifndef SHMCONF_TESTS_HARNESS_TEMP_DIRECTORY_H_
#define SHMCONF_TESTS_HARNESS_TEMP_DIRECTORY_H_

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace shmconf::harness {

class TempDirectory {
 public:
  // In $TMPDIR, else /tmp. Give parent "/dev/shm" for a directory on tmpfs. Ends the test program when
  // the directory cannot be made, since no test means anything without it.
  explicit TempDirectory(const std::string& parent = {}) {
    const char* configured = ::getenv("TMPDIR");
    std::string root = parent;
    if (root.empty()) root = configured != nullptr && *configured != '\0' ? configured : "/tmp";
    path_ = root + "/shmconf-test-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) {
      std::perror(("mkdtemp " + path_).c_str());
      std::abort();
    }
  }
  TempDirectory(TempDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDirectory& operator=(TempDirectory&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~TempDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_TEMP_DIRECTORY_H_
