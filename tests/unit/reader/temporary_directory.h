// A directory of the test's own, removed with everything in it.
#ifndef SHMCONF_TESTS_UNIT_READER_TEMPORARY_DIRECTORY_H_
#define SHMCONF_TESTS_UNIT_READER_TEMPORARY_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace shmconf::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((std::filesystem::temp_directory_path() / "shmconf-reader-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace shmconf::testing

#endif  // SHMCONF_TESTS_UNIT_READER_TEMPORARY_DIRECTORY_H_
