#include "sources/change_list.h"

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

}  // namespace

void ChangeList::see(const Entry* before, const shm::Item* now) {
  if (before == nullptr) {
    count(added, now->key);
  } else if (now == nullptr) {
    count(deleted, before->key);
  } else if (differs(*before, *now)) {
    count(changed, now->key);
  }
}

void ChangeList::count(std::uint64_t& kind, std::string_view key) {
  ++kind;
  if (names.size() < most_names) names.push_back(printable(key));
}

std::string ChangeList::text() const {
  std::string line;
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count != 0) line += (line.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  add(added, "added");
  add(changed, "changed");
  add(deleted, "deleted");
  if (line.empty()) return "no key differs";
  for (std::size_t i = 0; i < names.size(); ++i) line += (i == 0 ? ": " : ", ") + names[i];
  return line + (total() > names.size() ? ", ..." : "");
}

}  // namespace shmconf::sources
