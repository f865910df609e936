// StampedContent: a configuration whose every value carries one stamp, so that a torn or mixed
// snapshot shows at once.
#ifndef SHMCONF_TESTS_FAKES_STAMPED_CONTENT_H_
#define SHMCONF_TESTS_FAKES_STAMPED_CONTENT_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shm/content.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::fakes {

class StampedContent {
 public:
  StampedContent(std::uint64_t stamp, int keys, int value_bytes = 40) {
    for (int i = 0; i < keys; ++i) {
      std::string number = std::to_string(i);
      names_.push_back("service/key-" + std::string(6 - std::min<std::size_t>(number.size(), 6), '0') + number);
      std::string value = std::to_string(stamp) + " ";
      value.resize(static_cast<std::size_t>(value_bytes), static_cast<char>('a' + i % 26));
      values_.push_back(std::move(value));
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
      content_.keys.push_back({.key = names_[i], .value = values_[i], .flags = stamp, .create_index = 1,
                               .modify_index = stamp, .session = {}});
    }
    content_.indexes = {stamp};
    content_.sources_hash = 42;
  }
  StampedContent(const StampedContent&) = delete;
  StampedContent& operator=(const StampedContent&) = delete;

  shm::Content& content() { return content_; }

 private:
  std::vector<std::string> names_;
  std::vector<std::string> values_;
  shm::Content content_;
};

// The stamp that every value of the snapshot carries; nullopt when they differ, when a key is
// missing, or when its checksum is wrong.
inline std::optional<std::uint64_t> one_stamp(const SnapshotView& view, int keys) {
  if (!view.verify() || view.header().key_count != static_cast<std::uint64_t>(keys)) return std::nullopt;
  std::optional<std::uint64_t> stamp;
  SnapshotView::Walk walk = view.walk();
  Entry entry;
  while (walk.next(entry)) {
    const std::uint64_t here = std::stoull(std::string(entry.value.substr(0, entry.value.find(' '))));
    if (stamp && *stamp != here) return std::nullopt;
    if (here != entry.flags() || here != entry.modify_index()) return std::nullopt;
    stamp = here;
  }
  return stamp;
}

}  // namespace shmconf::fakes

#endif  // SHMCONF_TESTS_FAKES_STAMPED_CONTENT_H_
