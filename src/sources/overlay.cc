#include "sources/overlay.h"

#include <algorithm>

#include "shmconf/format.h"

namespace shmconf::sources {
namespace {

using settings::Source;

shm::Item to_item(std::string_view key, const consul::KvPair& pair) {
  return {.key = key,
          .value = pair.value,
          .kind = format::Kind::kBytes,
          .flags = pair.flags,
          .create_index = pair.create_index,
          .modify_index = pair.modify_index,
          .lock_index = pair.lock_index,
          .session = pair.session};
}

// A place in one source's pairs. Stripping one prefix from sorted keys leaves them sorted.
class Cursor {
 public:
  Cursor(const Source& source, Pairs pairs) : source_(source), pairs_(pairs) { settle(); }

  [[nodiscard]] bool at_end() const { return pairs_.empty(); }
  [[nodiscard]] std::string_view key() const { return key_; }
  [[nodiscard]] const consul::KvPair& pair() const { return pairs_.front(); }
  void next() {
    pairs_ = pairs_.subspan(1);
    settle();
  }

 private:
  void settle() {
    while (!pairs_.empty()) {
      key_ = stripped(source_, pairs_.front().key);
      if (!key_.empty()) return;
      pairs_ = pairs_.subspan(1);
    }
  }

  const Source& source_;
  Pairs pairs_;
  std::string_view key_;
};

}  // namespace

std::string_view stripped(const Source& source, std::string_view key) {
  return source.kind == Source::Kind::kPrefix ? key.substr(source.path.size()) : key;
}

std::optional<std::string> name_in(const Source& source, std::string_view key) {
  if (source.kind == Source::Kind::kPrefix) return source.path + std::string(key);
  if (source.path != key) return std::nullopt;
  return source.path;
}

bool holds(const Source& source, Pairs pairs, std::string_view key) {
  if (source.kind == Source::Kind::kKey) return key == source.path && !pairs.empty();
  const auto below = [&](const consul::KvPair& pair, std::string_view k) { return stripped(source, pair.key) < k; };
  const auto at = std::lower_bound(pairs.begin(), pairs.end(), key, below);
  return at != pairs.end() && stripped(source, at->key) == key;
}

Result<void> check_belongs(const Source& source, Pairs pairs) {
  if (pairs.empty()) return {};
  const bool belongs =
      source.kind == Source::Kind::kPrefix
          // Sorted: what lies between two keys of one prefix has it too.
          ? pairs.front().key.starts_with(source.path) && pairs.back().key.starts_with(source.path)
          : pairs.size() == 1 && pairs.front().key == source.path;
  if (belongs) return {};
  return Error{ErrorCode::kUnavailable, "the answer for '" + source.path + "' holds other keys: check that " +
                                            "consul.address is Consul's own HTTP address"};
}

shm::Items merge(std::span<const Source> sources, std::span<const Pairs> pairs) {
  std::vector<Cursor> cursors;
  std::size_t most = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    cursors.emplace_back(sources[i], pairs[i]);
    most += pairs[i].size();
  }
  shm::Items items;
  items.reserve(most);
  for (;;) {
    const Cursor* first = nullptr;  // the lowest key; of equal ones the last source's
    for (const Cursor& cursor : cursors) {
      if (!cursor.at_end() && (first == nullptr || cursor.key() <= first->key())) first = &cursor;
    }
    if (first == nullptr) return items;
    const std::string_view key = first->key();
    items.push_back(to_item(key, first->pair()));
    for (Cursor& cursor : cursors) {
      if (&cursor == first || (!cursor.at_end() && cursor.key() == key)) cursor.next();
    }
  }
}

}  // namespace shmconf::sources
