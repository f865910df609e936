// Snapshot: one generation of the configuration, whole and unchanging, for as long as it is held.
//
// A handle: copies share one mapping, which goes when the last of them does. Views and entries that
// it gives out live as long as any Snapshot of the same generation does. Any number of threads may
// use one Snapshot, or copies of it, at once. Nothing here blocks, locks or fails by exception;
// only get<std::string>, errors and prefix() allocate.
#ifndef SHMCONF_SNAPSHOT_H_
#define SHMCONF_SNAPSHOT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shmconf/export.h"
#include "shmconf/parse.h"
#include "shmconf/result.h"
#include "shmconf/snapshot_view.h"

namespace shmconf {

namespace reader {

class Mapping;  // the bytes of one snapshot, kept until the last holder lets go

SHMCONF_EXPORT Error absent_key(std::string_view key);
SHMCONF_EXPORT Error damaged_key(std::string_view key);
SHMCONF_EXPORT Error wrong_type(std::string_view key, const char* expected);

// The value of key as T. A JSON null is no T.
template <Readable T>
[[nodiscard]] Lookup read(const SnapshotView& view, std::string_view key, T& value, bool& parsed) {
  Entry entry;
  const Lookup lookup = view.find(key, entry);
  if (lookup == Lookup::kFound) parsed = entry.kind() != format::Kind::kNull && parse(entry.value, value);
  return lookup;
}

template <Readable T>
[[nodiscard]] Result<T> read_result(const SnapshotView& view, std::string_view key) {
  T value{};
  bool parsed = false;
  switch (read(view, key, value, parsed)) {
    case Lookup::kAbsent: return absent_key(key);
    case Lookup::kDamaged: return damaged_key(key);
    case Lookup::kFound: break;
  }
  if (!parsed) return wrong_type(key, parse_detail::type_name<T>());
  return value;
}

}  // namespace reader

// What a listing holds: the keys as they stand in Consul, the leaves and branches of JSON documents
// ("document#/path/to/leaf"), or both in one order.
enum class Listing : std::uint8_t { kKeys, kPointers, kBoth };

// Entries whose keys begin with a prefix, in the byte order of their keys. Made by prefix(); holds
// its snapshot. Walk it with a range-for; do not move it meanwhile. One thread at a time.
class SHMCONF_EXPORT Entries {
 public:
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;

    // Valid until the iterator moves; the entry's views, as long as the snapshot.
    [[nodiscard]] const Entry& operator*() const noexcept { return from_pointers_ ? pointer_ : key_; }
    [[nodiscard]] const Entry* operator->() const noexcept { return &**this; }
    Iterator& operator++() noexcept;
    void operator++(int) noexcept { ++*this; }
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept {
      return !has_key_ && !has_pointer_;
    }

   private:
    friend class Entries;
    void step_keys() noexcept;
    void step_pointers() noexcept;
    void choose() noexcept;

    Entries* entries_ = nullptr;
    SnapshotView::Walk keys_;
    SnapshotView::Walk pointers_;
    Entry key_;
    Entry pointer_;
    bool has_key_ = false;
    bool has_pointer_ = false;
    bool from_pointers_ = false;
  };

  // Starts over at each call.
  [[nodiscard]] Iterator begin() noexcept;
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  // After a walk: it ended early, because bytes of the snapshot are not sound.
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  friend class Snapshot;
  std::shared_ptr<const reader::Mapping> mapping_;
  SnapshotView view_;
  std::string prefix_;
  Listing listing_ = Listing::kKeys;
  bool damaged_ = false;
};

class SHMCONF_EXPORT Snapshot {
 public:
  // Holds no keys; generation 0.
  Snapshot() = default;
  Snapshot(std::shared_ptr<const reader::Mapping> mapping, const SnapshotView& view) noexcept
      : mapping_(std::move(mapping)), view_(view) {}

  // The value's bytes; nothing when the key is absent (or its bytes are not sound, see find()).
  // Key: as in Consul below its prefix, or "key#/json/pointer" into a JSON document.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view key) const noexcept {
    Entry entry;
    if (view_.find(key, entry) != Lookup::kFound) return std::nullopt;
    return entry.value;
  }

  // The value as T. Errors: kAbsent, kWrongType (no T, out of range, JSON null), kDamaged.
  template <Readable T>
  [[nodiscard]] Result<T> get(std::string_view key) const {
    return reader::read_result<T>(view_, key);
  }

  // The value as T; the fallback when the key is absent or is no T.
  template <Readable T>
  [[nodiscard]] T get(std::string_view key, T fallback) const {
    T value{};
    bool parsed = false;
    return reader::read(view_, key, value, parsed) == Lookup::kFound && parsed ? value : fallback;
  }

  [[nodiscard]] bool contains(std::string_view key) const noexcept { return get(key).has_value(); }

  // The value with all that Consul said of it.
  [[nodiscard]] std::optional<Entry> entry(std::string_view key) const noexcept {
    Entry entry;
    if (view_.find(key, entry) != Lookup::kFound) return std::nullopt;
    return entry;
  }

  // As entry(), and tells absent from damaged.
  [[nodiscard]] Lookup find(std::string_view key, Entry& entry) const noexcept {
    return view_.find(key, entry);
  }

  // The entries whose keys begin with prefix, in the byte order of their keys; "" means all.
  [[nodiscard]] Entries prefix(std::string_view prefix, Listing listing = Listing::kKeys) const;

  [[nodiscard]] std::uint64_t generation() const noexcept { return empty() ? 0 : view_.header().generation; }
  [[nodiscard]] std::size_t key_count() const noexcept {
    return empty() ? 0 : static_cast<std::size_t>(view_.header().key_count);
  }

  // Reads every byte: both checksums, every record, the order, the table. Error: kDamaged.
  [[nodiscard]] Result<void> verify() const;

  // The bytes and their header, for tools. The header must not be asked of an empty() snapshot.
  [[nodiscard]] const SnapshotView& view() const noexcept { return view_; }
  // No snapshot at all, as after Snapshot(). One that was opened is never empty() in this sense.
  [[nodiscard]] bool empty() const noexcept { return mapping_ == nullptr; }

 private:
  std::shared_ptr<const reader::Mapping> mapping_;
  SnapshotView view_;
};

}  // namespace shmconf

#endif  // SHMCONF_SNAPSHOT_H_
