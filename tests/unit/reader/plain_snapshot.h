// A second, independent builder of snapshots, written from the description in format.h: every field
// is put at its offset by hand. Slow and small; for tests of the reader, and a cross-check of the
// real builder.
#ifndef SHMCONF_TESTS_UNIT_READER_PLAIN_SNAPSHOT_H_
#define SHMCONF_TESTS_UNIT_READER_PLAIN_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace shmconf::testing {

struct PlainItem {
  std::string key{};
  std::string value{};
  std::uint8_t kind = 0;
  std::uint64_t flags = 0;
  std::uint64_t create_index = 0;
  std::uint64_t modify_index = 0;
  std::uint64_t lock_index = 0;
  std::string session{};
};

struct PlainContent {
  std::vector<PlainItem> keys{};  // in any order
  std::vector<PlainItem> pointers{};
  std::vector<std::uint64_t> indexes = {1};
  std::uint64_t generation = 0;
  std::uint32_t origin = 1;
  std::uint64_t published_wall_ns = 0;
  std::uint64_t read_wall_ns = 0;
  std::uint64_t sources_hash = 0;
  std::uint64_t hash_seed = 0x5eed;
  std::uint64_t slot_count = 0;  // the builder's choice; 0: two for each key
};

// The bytes of a snapshot; 8-byte aligned.
class PlainSnapshot {
 public:
  explicit PlainSnapshot(PlainContent content);

  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(words_)).first(size_); }
  [[nodiscard]] std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(words_)).first(size_); }
  [[nodiscard]] std::string string() const {
    return {reinterpret_cast<const char*>(words_.data()), size_};
  }
  // Overwrites a field and makes the header's checksum right again.
  void put64(std::size_t offset, std::uint64_t value);
  void put32(std::size_t offset, std::uint32_t value);
  [[nodiscard]] std::uint64_t get64(std::size_t offset) const;

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

}  // namespace shmconf::testing

#endif  // SHMCONF_TESTS_UNIT_READER_PLAIN_SNAPSHOT_H_
