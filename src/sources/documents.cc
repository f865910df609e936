#include "sources/documents.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

namespace shmconf::sources {
namespace {

using format::Kind;
using nlohmann::json;

bool looks_like_document(std::string_view value) {
  const std::size_t first = value.find_first_not_of(" \t\n\r");
  if (first == std::string_view::npos || (value[first] != '{' && value[first] != '[')) return false;
  // The parser would take a NUL, which JSON never holds, for the end of the value.
  return value.find('\0') == std::string_view::npos;
}

// Collects the leaves of one document while the parser walks through it.
class LeafCollector final : public nlohmann::json_sax<json> {
 public:
  enum class Stop : std::uint8_t { kNone, kNotJson, kNumber, kTooDeep, kTooLarge };

  LeafCollector(const shm::Item& document, TextArena& storage)
      : document_(document),
        storage_(storage),
        budget_(std::max(document.value.size() * kExpansionFactor, kExpansionAlwaysAllowedBytes)) {}

  [[nodiscard]] Stop stop() const { return stop_; }
  // Without those of members that were given again later.
  std::vector<shm::Item> take() {
    if (replaced_.empty()) return std::move(leaves_);
    std::vector<bool> gone(leaves_.size());
    for (const auto& [first, end] : replaced_) std::fill(gone.begin() + first, gone.begin() + end, true);
    std::vector<shm::Item> left;
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      if (!gone[i]) left.push_back(leaves_[i]);
    }
    return left;
  }

  bool null() override { return leaf(Kind::kNull, "null"); }
  bool boolean(bool value) override { return leaf(Kind::kBool, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return leaf(Kind::kInteger, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return leaf(Kind::kInteger, std::to_string(value)); }
  // Also integers beyond 64 bits.
  bool number_float(number_float_t, const string_t& written) override { return leaf(Kind::kDouble, written); }
  bool string(string_t& value) override { return leaf(Kind::kString, value); }
  bool binary(binary_t&) override { return fail(Stop::kNotJson); }

  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_object() override {
    close_members(levels_.back());
    return close();
  }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.members.push_back({name, leaves_.size()});
    step_to(level, name);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    constexpr int kNumberOutOfRange = 406;
    return fail(error.id == kNumberOutOfRange ? Stop::kNumber : Stop::kNotJson);
  }

 private:
  struct Member {
    std::string name;
    std::size_t first_leaf;
  };
  struct Level {
    bool array = false;
    std::size_t path_size = 0;  // of path_ at this container
    std::uint64_t next_index = 0;
    std::vector<Member> members;
  };

  bool fail(Stop why) {
    if (stop_ == Stop::kNone) stop_ = why;
    return false;
  }

  bool open(bool array) {
    before_value();
    if (levels_.size() == static_cast<std::size_t>(kDeepestDocument)) return fail(Stop::kTooDeep);
    levels_.push_back({.array = array, .path_size = path_.size(), .next_index = 0, .members = {}});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }

  // An array's next element gets its path here, an object's member in key().
  void before_value() {
    if (levels_.empty() || !levels_.back().array) return;
    Level& level = levels_.back();
    step_to(level, std::to_string(level.next_index++));
  }

  void step_to(const Level& level, std::string_view token) {
    path_.resize(level.path_size);
    path_ += '/';
    for (const char c : token) {
      if (c == '~') {
        path_ += "~0";
      } else if (c == '/') {
        path_ += "~1";
      } else {
        path_ += c;
      }
    }
  }

  bool leaf(Kind kind, std::string_view value) {
    before_value();
    spent_ += document_.key.size() + 1 + path_.size() + value.size();
    if (spent_ > budget_) return fail(Stop::kTooLarge);
    leaves_.push_back({.key = storage_.add({document_.key, "#", path_}),
                       .value = storage_.add({value}),
                       .kind = kind,
                       .create_index = document_.create_index,
                       .modify_index = document_.modify_index,
                       .session = {}});
    return true;
  }

  // Leaves lie in document order, so a member's are those up to the next member's first.
  void close_members(Level& level) {
    auto& members = level.members;
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return members[a].name < members[b].name; });
    for (std::size_t i = 0; i + 1 < order.size(); ++i) {
      if (members[order[i]].name != members[order[i + 1]].name) continue;
      const std::size_t given = order[i];
      // Given again, so it is not the last member.
      replaced_.emplace_back(static_cast<std::ptrdiff_t>(members[given].first_leaf),
                             static_cast<std::ptrdiff_t>(members[given + 1].first_leaf));
    }
  }

  const shm::Item& document_;
  TextArena& storage_;
  const std::uint64_t budget_;
  std::uint64_t spent_ = 0;
  Stop stop_ = Stop::kNone;
  std::string path_;
  std::vector<Level> levels_;
  std::vector<shm::Item> leaves_;
  std::vector<std::pair<std::ptrdiff_t, std::ptrdiff_t>> replaced_;  // ranges of leaves
};

std::optional<std::string> warning(const shm::Item& document, LeafCollector::Stop why) {
  const std::string which = "the value of '" + std::string(document.key.substr(0, 200)) + "' stays plain bytes: ";
  switch (why) {
    case LeafCollector::Stop::kTooDeep:
      return which + "as JSON it is nested deeper than " + std::to_string(kDeepestDocument) + " levels";
    case LeafCollector::Stop::kTooLarge:
      return which + "opened up as JSON it would be more than " + std::to_string(kExpansionFactor) +
             " times its size: shorten the names that its members lie under, or split it";
    case LeafCollector::Stop::kNumber:
      return which + "it holds a number that is beyond a double";
    case LeafCollector::Stop::kNone:
    case LeafCollector::Stop::kNotJson:
      break;
  }
  return std::nullopt;
}

// Sorts by key; of equal ones keeps the last document's, and none that is spelled like a real key.
void sort_and_drop_shadowed(shm::Items& pointers, const shm::Items& keys) {
  std::stable_sort(pointers.begin(), pointers.end(),
                   [](const shm::Item& a, const shm::Item& b) { return a.key < b.key; });
  std::size_t kept = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pointers.size(); ++i) {
    const std::string_view key = pointers[i].key;
    if (i + 1 < pointers.size() && pointers[i + 1].key == key) continue;
    while (at < keys.size() && keys[at].key < key) ++at;
    if (at < keys.size() && keys[at].key == key) continue;
    pointers[kept++] = pointers[i];
  }
  pointers.resize(kept);
}

}  // namespace

std::vector<std::string> expand_documents(shm::Content& content, TextArena& storage) {
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < content.keys.size(); ++i) {
    if (may_be_document(content.keys[i].value)) candidates.push_back(i);
  }
  return expand_documents(content, candidates, storage);
}

std::vector<std::string> expand_documents(shm::Content& content, std::span<const std::size_t> candidates,
                                          TextArena& storage) {
  std::vector<std::string> warnings;
  auto& pointers = content.pointers;
  for (const std::size_t at : candidates) {
    shm::Item& item = content.keys[at];
    if (!looks_like_document(item.value)) continue;
    const auto mark = storage.mark();
    LeafCollector collector(item, storage);
    if (json::sax_parse(item.value.begin(), item.value.end(), &collector)) {
      item.kind = Kind::kDocument;
      auto leaves = collector.take();
      pointers.insert(pointers.end(), leaves.begin(), leaves.end());
      continue;
    }
    storage.truncate(mark);
    if (auto line = warning(item, collector.stop())) warnings.push_back(std::move(*line));
  }
  sort_and_drop_shadowed(pointers, content.keys);
  return warnings;
}

}  // namespace shmconf::sources
