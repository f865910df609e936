// MadeSnapshot: a published configuration in memory, for tests of what compares with one.
#ifndef SHMCONF_TESTS_UNIT_SOURCES_MADE_SNAPSHOT_H_
#define SHMCONF_TESTS_UNIT_SOURCES_MADE_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "consul/kv.h"
#include "shm/content.h"
#include "shm/snapshot_builder.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::sources {

// The texts must outlive the item.
inline shm::Item item(std::string_view key, std::uint64_t create, std::uint64_t modify, std::string_view value = "v") {
  return {.key = key, .value = value, .create_index = create, .modify_index = modify, .session = {}};
}

inline consul::KvPair pair(std::string_view key, std::string_view value = "v", std::uint64_t create = 1,
                           std::uint64_t modify = 1) {
  return {.key = key, .value = value, .create_index = create, .modify_index = modify, .session = {}};
}

class MadeSnapshot {
 public:
  explicit MadeSnapshot(const shm::Content& content)
      : words_(shm::snapshot_bytes(content).value() / sizeof(std::uint64_t)) {
    const std::span<std::byte> bytes = std::as_writable_bytes(std::span(words_));
    shm::build_snapshot(content, 7, bytes);
    shm::stamp_generation(bytes, 1, std::chrono::nanoseconds(1), content.origin);
    view_ = SnapshotView::open(bytes).value();
  }
  explicit MadeSnapshot(shm::Items keys) : MadeSnapshot(with(std::move(keys))) {}

  [[nodiscard]] const SnapshotView& view() const { return view_; }

 private:
  static shm::Content with(shm::Items keys) {
    shm::Content content;
    content.keys = std::move(keys);
    content.indexes = {1};
    return content;
  }

  std::vector<std::uint64_t> words_;
  SnapshotView view_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_TESTS_UNIT_SOURCES_MADE_SNAPSHOT_H_
