// Dataset: the keys and values that every measure of reading uses, and the order in which it asks for
// them. Immutable, so any thread may read it; views into it live as long as it does.
#ifndef SHMCONF_TESTS_BENCH_DATASET_H_
#define SHMCONF_TESTS_BENCH_DATASET_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shmconf::bench {

constexpr std::size_t kValueBytes = 100;
constexpr std::size_t kDirectoryKeys = 100;  // keys of one directory, for scans

class Dataset {
 public:
  explicit Dataset(std::size_t key_count);
  // One for each size, made at its first use and kept. Not thread-safe.
  static const Dataset& of(std::size_t key_count);

  // "config/000012/setting-00001234", in order.
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  // The first is a number, the others text.
  [[nodiscard]] const std::vector<std::string>& values() const { return values_; }
  // Every key once, in random order, stored in that order: no measure waits for the name that it is
  // going to ask for.
  [[nodiscard]] const std::vector<std::string>& hits() const { return hits_; }
  // As many names that are no keys, of the same form.
  [[nodiscard]] const std::vector<std::string>& misses() const { return misses_; }

 private:
  std::vector<std::string> keys_;
  std::vector<std::string> values_;
  std::vector<std::string> hits_;
  std::vector<std::string> misses_;
};

// "config/000012/" of "config/000012/setting-00001234".
std::string_view directory_of(std::string_view key);

}  // namespace shmconf::bench

#endif  // SHMCONF_TESTS_BENCH_DATASET_H_
