#include "sources/change_list.h"

#include <string_view>

namespace shmconf::sources {
namespace {

constexpr std::size_t kLongestName = 80;

// Keys are bytes; a log line is text.
std::string printable(std::string_view key) {
  std::string text;
  for (const char c : key.substr(0, kLongestName)) {
    const auto byte = static_cast<unsigned char>(c);
    text += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return key.size() > kLongestName ? text + "..." : text;
}

bool differs(const Entry& entry, const shm::Item& item) {
  return entry.modify_index() != item.modify_index || entry.create_index() != item.create_index ||
         entry.flags() != item.flags || entry.lock_index() != item.lock_index || entry.session() != item.session ||
         entry.value.size() != item.value.size();
}

class Counter {
 public:
  explicit Counter(std::size_t most) : most_(most) {}
  void count(std::uint64_t& kind, std::string_view key) {
    ++kind;
    if (named_++ < most_) names_ += (names_.empty() ? "" : ", ") + printable(key);
  }
  [[nodiscard]] std::string text() const {
    std::string line;
    const auto add = [&](std::uint64_t count, const char* what) {
      if (count != 0) line += (line.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    };
    add(added, "added");
    add(changed, "changed");
    add(deleted, "deleted");
    if (line.empty()) return "no key differs";
    return line + ": " + names_ + (named_ > most_ ? ", ..." : "");
  }

  std::uint64_t added = 0;
  std::uint64_t changed = 0;
  std::uint64_t deleted = 0;

 private:
  std::size_t most_;
  std::size_t named_ = 0;
  std::string names_;
};

}  // namespace

std::string list_changes(const std::optional<SnapshotView>& published, std::span<const shm::Item> keys,
                         std::size_t most) {
  Counter counter(most);
  std::size_t at = 0;
  if (published) {
    auto walk = published->walk();
    Entry entry;
    while (walk.next(entry)) {
      for (; at < keys.size() && keys[at].key < entry.key; ++at) counter.count(counter.added, keys[at].key);
      if (at == keys.size() || keys[at].key != entry.key) {
        counter.count(counter.deleted, entry.key);
        continue;
      }
      if (differs(entry, keys[at])) counter.count(counter.changed, entry.key);
      ++at;
    }
  }
  for (; at < keys.size(); ++at) counter.count(counter.added, keys[at].key);
  return counter.text();
}

}  // namespace shmconf::sources
