// KvStore: Consul's key-value store in memory, with its index rules, for development and tests.
//
// What a client can observe is Consul's: one index rises with each write; a key's answer carries
// its own ModifyIndex; a prefix's the highest among its keys and its deletions; anything absent the
// table's, never below 1. Sessions and locks are not kept.
//
// Not thread-safe. Pointers and ranges are valid until the next write.
#ifndef SHMCONF_DEV_KV_STORE_H_
#define SHMCONF_DEV_KV_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shmconf::dev {

struct Entry {
  std::string value;
  std::uint64_t flags = 0;
  std::uint64_t create_index = 0;
  std::uint64_t modify_index = 0;
};

// What a query looks at: one key, or every key that begins with path.
struct Watched {
  std::string path;
  bool prefix = false;
};

// One operation of a transaction; verb in Consul's words.
struct Operation {
  std::string verb;
  std::string key;
  std::string value;
  std::uint64_t flags = 0;
  std::uint64_t index = 0;  // of cas, delete-cas and check-index
};

class KvStore {
 public:
  using Entries = std::map<std::string, Entry, std::less<>>;

  struct Found {
    std::uint64_t index = 1;
    const Entry* entry = nullptr;  // null: absent
  };
  struct Range {
    std::uint64_t index = 1;
    Entries::const_iterator begin, end;
    [[nodiscard]] bool empty() const { return begin == end; }
  };
  struct Keys {
    std::uint64_t index = 1;
    std::vector<std::string> keys;
  };
  // One key that a transaction returns; without_value for the verbs that write.
  struct TxnItem {
    std::string key;
    Entry entry;
    bool without_value = false;
  };
  struct TxnError {
    std::size_t operation = 0;
    std::string what;
  };
  // Errors: nothing was applied and items is empty.
  struct TxnResult {
    std::vector<TxnItem> items;
    std::vector<TxnError> errors;
  };

  [[nodiscard]] Found get(std::string_view key) const;
  [[nodiscard]] Range list(std::string_view prefix) const;
  // Keys in order; with a separator, cut after its first occurrence behind the prefix and listed once.
  [[nodiscard]] Keys keys(std::string_view prefix, std::string_view separator) const;

  // cas: applies only if the key's ModifyIndex is that; 0: only if it is absent. Result: applied.
  // The same value and flags leave the ModifyIndex as it is.
  bool put(std::string_view key, std::string value, std::uint64_t flags = 0,
           std::optional<std::uint64_t> cas = std::nullopt);
  // True also when the key was absent.
  bool remove(std::string_view key, std::optional<std::uint64_t> cas = std::nullopt);
  void remove_tree(std::string_view prefix);
  // All or nothing; everything that it writes has one index.
  TxnResult apply(std::span<const Operation> operations);

  // The index that an answer about this would carry.
  [[nodiscard]] std::uint64_t index_of(const Watched& watched) const;

  // Calls wake once, inside the write that moves the index of watched above index. wake must not
  // call the store. The number is for forget(); it is never given twice.
  std::uint64_t wait(Watched watched, std::uint64_t index, std::function<void()> wake);
  // No call after this. Unknown numbers are ignored.
  void forget(std::uint64_t waiter);
  [[nodiscard]] std::size_t waiters() const noexcept { return waiters_.size(); }

 private:
  using Graves = std::map<std::string, std::uint64_t, std::less<>>;

  struct Waiter {
    Watched watched;
    std::uint64_t index = 0;
    std::function<void()> wake;
  };
  // What a transaction changed, to be put back in reverse.
  struct Undo {
    std::vector<std::pair<std::string, std::optional<Entry>>> entries;
    std::vector<std::pair<std::string, std::optional<std::uint64_t>>> graves;
    std::uint64_t table_index = 0;
  };

  bool set_entry(std::string_view key, std::string value, std::uint64_t flags);
  void erase_entry(Entries::const_iterator entry, bool with_grave);
  void set_grave(const std::string& path, std::optional<std::uint64_t> index);
  void erase_tree(std::string_view prefix);
  std::optional<std::string> perform(const Operation& operation, std::vector<TxnItem>& items);
  std::optional<std::string> perform_read(const Operation& operation, std::vector<TxnItem>& items) const;
  void roll_back(Undo& undo);
  void begin_write();
  [[nodiscard]] bool concerns(const Watched& watched) const;
  void wake_waiters();

  Entries entries_;
  // Index of each deletion, so that a prefix's index does not fall when its newest key goes. A
  // deletion of a tree leaves one entry, under the prefix, as in Consul.
  Graves graves_;
  // Of the last write, applied or not. The first gets 2: an empty store answers 1, and must be passed.
  std::uint64_t index_ = 1;
  std::uint64_t table_index_ = 0;  // of the last write that changed anything
  std::vector<std::string> touched_;  // keys and trees that the last write changed
  Undo* undo_ = nullptr;              // set while a transaction runs
  std::map<std::uint64_t, Waiter> waiters_;
  std::uint64_t last_waiter_ = 0;
};

}  // namespace shmconf::dev

#endif  // SHMCONF_DEV_KV_STORE_H_
