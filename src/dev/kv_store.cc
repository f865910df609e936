#include "dev/kv_store.h"

#include <algorithm>
#include <utility>

namespace shmconf::dev {
namespace {

// First position in an ordered map behind every key with the prefix.
template <typename Map>
auto behind(Map& map, std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && static_cast<unsigned char>(next.back()) == 0xff) next.pop_back();
  if (next.empty()) return map.end();
  next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return map.lower_bound(next);
}

}  // namespace

KvStore::Found KvStore::get(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return {std::max<std::uint64_t>(table_index_, 1), nullptr};
  return {found->second.modify_index, &found->second};
}

KvStore::Range KvStore::list(std::string_view prefix) const {
  Range range{0, entries_.lower_bound(prefix), behind(entries_, prefix)};
  for (auto i = range.begin; i != range.end; ++i) range.index = std::max(range.index, i->second.modify_index);
  const auto last_grave = behind(graves_, prefix);
  for (auto i = graves_.lower_bound(prefix); i != last_grave; ++i) {
    range.index = std::max(range.index, i->second);
  }
  if (range.index == 0) range.index = std::max<std::uint64_t>(table_index_, 1);
  return range;
}

KvStore::Keys KvStore::keys(std::string_view prefix, std::string_view separator) const {
  const auto range = list(prefix);
  Keys result{range.index, {}};
  for (auto i = range.begin; i != range.end; ++i) {
    std::string_view key = i->first;
    const auto cut = separator.empty() ? std::string_view::npos : key.find(separator, prefix.size());
    if (cut != std::string_view::npos) key = key.substr(0, cut + separator.size());
    if (result.keys.empty() || result.keys.back() != key) result.keys.emplace_back(key);
  }
  return result;
}

std::uint64_t KvStore::index_of(const Watched& watched) const {
  return watched.prefix ? list(watched.path).index : get(watched.path).index;
}

void KvStore::set_grave(const std::string& path, std::optional<std::uint64_t> index) {
  const auto found = graves_.find(path);
  if (undo_ != nullptr) {
    undo_->graves.emplace_back(path, found == graves_.end() ? std::nullopt : std::optional(found->second));
  }
  if (index) {
    graves_.insert_or_assign(path, *index);
  } else if (found != graves_.end()) {
    graves_.erase(found);
  }
}

bool KvStore::set_entry(std::string_view key, std::string value, std::uint64_t flags) {
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.value == value && found->second.flags == flags) return false;
  const std::string name(key);
  if (undo_ != nullptr) {
    undo_->entries.emplace_back(name, found == entries_.end() ? std::nullopt : std::optional(found->second));
  }
  const std::uint64_t created = found == entries_.end() ? index_ : found->second.create_index;
  entries_.insert_or_assign(name, Entry{std::move(value), flags, created, index_});
  set_grave(name, std::nullopt);  // the entry's own index is above its grave's
  table_index_ = index_;
  touched_.push_back(name);
  return true;
}

void KvStore::erase_entry(Entries::const_iterator entry, bool with_grave) {
  if (undo_ != nullptr) undo_->entries.emplace_back(entry->first, entry->second);
  if (with_grave) {
    set_grave(entry->first, index_);
    touched_.push_back(entry->first);
  }
  entries_.erase(entry);
  table_index_ = index_;
}

void KvStore::erase_tree(std::string_view prefix) {
  const auto range = list(prefix);
  if (range.empty()) return;
  for (auto i = range.begin; i != range.end;) erase_entry(i++, false);
  set_grave(std::string(prefix), index_);
  touched_.emplace_back(prefix);
}

bool KvStore::put(std::string_view key, std::string value, std::uint64_t flags,
                  std::optional<std::uint64_t> cas) {
  begin_write();
  const auto found = entries_.find(key);
  const std::uint64_t now = found == entries_.end() ? 0 : found->second.modify_index;
  if (cas && *cas != now) return false;
  if (set_entry(key, std::move(value), flags)) wake_waiters();
  return true;
}

bool KvStore::remove(std::string_view key, std::optional<std::uint64_t> cas) {
  begin_write();
  const auto found = entries_.find(key);
  if (found == entries_.end()) return true;
  if (cas && *cas != found->second.modify_index) return false;
  erase_entry(found, true);
  wake_waiters();
  return true;
}

void KvStore::remove_tree(std::string_view prefix) {
  begin_write();
  erase_tree(prefix);
  wake_waiters();
}

std::optional<std::string> KvStore::perform_read(const Operation& operation,
                                                 std::vector<TxnItem>& items) const {
  const auto& [verb, key, value, flags, index] = operation;
  const auto found = entries_.find(key);
  const std::string name = "key \"" + key + "\"";
  if (verb == "get-tree") {
    const auto range = list(key);
    for (auto i = range.begin; i != range.end; ++i) items.push_back({i->first, i->second});
    return std::nullopt;
  }
  if (verb == "get") {
    if (found == entries_.end()) return name + " doesn't exist";
    items.push_back({found->first, found->second});
    return std::nullopt;
  }
  if (verb == "check-index") {
    if (found == entries_.end()) return "failed to check index, " + name + " doesn't exist";
    const auto now = found->second.modify_index;
    if (now == index) {
      items.push_back({found->first, found->second, true});
      return std::nullopt;
    }
    return "failed index check for " + name + ", current modify index " + std::to_string(now) +
           " != " + std::to_string(index);
  }
  if (verb == "check-not-exists") {
    return found == entries_.end() ? std::nullopt : std::optional(name + " exists");
  }
  if (verb == "lock" || verb == "unlock" || verb == "check-session") {
    return "sessions and locks are not supported by shmconf dev; use a real Consul";
  }
  return "unknown KV verb \"" + verb + "\"";
}

// What went wrong, or nothing. Consul goes on after an operation that failed, to name them all.
std::optional<std::string> KvStore::perform(const Operation& operation, std::vector<TxnItem>& items) {
  const auto& [verb, key, value, flags, index] = operation;
  const auto found = entries_.find(key);
  const std::uint64_t now = found == entries_.end() ? 0 : found->second.modify_index;
  if (verb == "set" || verb == "cas") {
    if (key.empty()) return "Must provide key";
    if (verb == "cas" && now != index) return "failed to set key \"" + key + "\", index is stale";
    set_entry(key, value, flags);
    items.push_back({key, entries_.find(key)->second, true});
    return std::nullopt;
  }
  if (verb == "delete" || verb == "delete-cas") {
    if (found == entries_.end()) return std::nullopt;
    if (verb == "delete-cas" && now != index) return "failed to delete key \"" + key + "\", index is stale";
    erase_entry(found, true);
    return std::nullopt;
  }
  if (verb == "delete-tree") {
    erase_tree(key);
    return std::nullopt;
  }
  return perform_read(operation, items);
}

void KvStore::roll_back(Undo& undo) {
  for (auto i = undo.entries.rbegin(); i != undo.entries.rend(); ++i) {
    if (i->second) {
      entries_.insert_or_assign(i->first, std::move(*i->second));
    } else {
      entries_.erase(i->first);
    }
  }
  for (auto i = undo.graves.rbegin(); i != undo.graves.rend(); ++i) set_grave(i->first, i->second);
  table_index_ = undo.table_index;
}

KvStore::TxnResult KvStore::apply(std::span<const Operation> operations) {
  begin_write();
  TxnResult result;
  Undo undo;
  undo.table_index = table_index_;
  undo_ = &undo;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (auto error = perform(operations[i], result.items)) result.errors.push_back({i, std::move(*error)});
  }
  undo_ = nullptr;
  if (!result.errors.empty()) {
    roll_back(undo);
    result.items.clear();
    return result;
  }
  wake_waiters();
  return result;
}

std::uint64_t KvStore::wait(Watched watched, std::uint64_t index, std::function<void()> wake) {
  waiters_.emplace(++last_waiter_, Waiter{std::move(watched), index, std::move(wake)});
  return last_waiter_;
}

void KvStore::forget(std::uint64_t waiter) { waiters_.erase(waiter); }

void KvStore::begin_write() {
  ++index_;
  touched_.clear();
}

// Whether the last write can have moved the index of watched: it changed something there, or there
// is nothing there (any more), so that the table's index counts. Spares a scan of every prefix watched.
bool KvStore::concerns(const Watched& watched) const {
  const auto& path = watched.path;
  const auto near = [&](const std::string& changed) {
    return changed == path || (watched.prefix && changed.starts_with(path));
  };
  if (std::ranges::any_of(touched_, near)) return true;
  const auto first = entries_.lower_bound(path);
  const bool present = first != entries_.end() &&
                       (watched.prefix ? first->first.starts_with(path) : first->first == path);
  return !present;
}

void KvStore::wake_waiters() {
  for (auto i = waiters_.begin(); i != waiters_.end();) {
    if (!concerns(i->second.watched) || index_of(i->second.watched) <= i->second.index) {
      ++i;
      continue;
    }
    const auto wake = std::move(i->second.wake);
    i = waiters_.erase(i);
    wake();
  }
}

}  // namespace shmconf::dev
