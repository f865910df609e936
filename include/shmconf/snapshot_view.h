// SnapshotView: bounds-checked reading of a snapshot's bytes, wherever they are.
//
// The view owns nothing: it, its entries and their string_views live as long as the bytes. The
// bytes need not be trusted: open() checks the geometry, every access checks its own bounds, and
// verify() checks the checksums. Nothing here allocates (errors aside), locks, blocks or loops
// without a bound. Any number of threads may use one view.
#ifndef SHMCONF_SNAPSHOT_VIEW_H_
#define SHMCONF_SNAPSHOT_VIEW_H_

#include <span>
#include <string_view>

#include "shmconf/export.h"
#include "shmconf/format.h"
#include "shmconf/result.h"

namespace shmconf {

// One key of a snapshot.
struct Entry {
  std::string_view key;
  std::string_view value;
  const format::Record* record = nullptr;          // never null in an entry that was handed out
  const format::Attributes* attributes = nullptr;  // null: flags and lock index are 0, not locked

  [[nodiscard]] format::Kind kind() const noexcept { return record->kind(); }
  [[nodiscard]] std::uint64_t create_index() const noexcept { return record->create_index; }
  [[nodiscard]] std::uint64_t modify_index() const noexcept { return record->modify_index; }
  [[nodiscard]] std::uint64_t flags() const noexcept { return attributes ? attributes->flags : 0; }
  [[nodiscard]] std::uint64_t lock_index() const noexcept { return attributes ? attributes->lock_index : 0; }
  // Empty when the key is not locked.
  [[nodiscard]] std::string_view session() const noexcept {
    if (!attributes || attributes->session[0] == '\0') return {};
    return {attributes->session.data(), attributes->session.size()};
  }
};

enum class Lookup : std::uint8_t { kFound, kAbsent, kDamaged };

class SHMCONF_EXPORT SnapshotView {
 public:
  SnapshotView() = default;

  // Checks magic, version, sizes and the place of every section. Errors: kWrongVersion, kDamaged.
  // The bytes must be 8-byte aligned.
  static Result<SnapshotView> open(std::span<const std::byte> bytes);
  // As open(), for the reader's first look at a new generation, which is to touch as few cache lines as can
  // be: false, and `view` as it was, where open() has an error to tell.
  [[gnu::visibility("hidden")]] static bool open_sound(std::span<const std::byte> bytes, SnapshotView& view) noexcept;

  // Checks both checksums over all the bytes, and that every record lies in its section, in key
  // order. Error: kDamaged.
  [[nodiscard]] Result<void> verify() const;
  // The checksums alone: these are the bytes that were published. Error: kDamaged.
  [[nodiscard]] Result<void> verify_checksum() const;

  [[nodiscard]] const format::SnapshotHeader& header() const noexcept {
    return *reinterpret_cast<const format::SnapshotHeader*>(base_);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {reinterpret_cast<const std::byte*>(base_), reinterpret_cast<const std::byte*>(end_)};
  }
  // One Consul index for each source, in their order.
  [[nodiscard]] std::span<const std::uint64_t> indexes() const noexcept { return indexes_; }

  // Finds a key, or "key#/pointer" into a JSON document. A real key wins over a pointer of the
  // same spelling, because the builder lets it. Always inlined, so that fields of the entry that the
  // caller does not look at are not made.
  [[nodiscard, gnu::always_inline]] Lookup find(std::string_view key, Entry& entry) const noexcept {
    Lookup lookup{};
    if (find_usual(key, entry, lookup)) [[likely]] return lookup;
    // Into another one: the caller's may then live in registers, where its address is given to nobody.
    Entry other;
    lookup = find_any(key, other);
    entry = other;
    return lookup;
  }

  // A walk over entries in key order. Ends early, with damaged() true, where bytes are not sound.
  class Walk {
   public:
    // Moves to the next entry; false at the end.
    bool next(Entry& entry) noexcept {
      if (at_ >= end_) return false;
      if (!view_->entry_at(at_, end_, entry)) {
        damaged_ = true;
        at_ = end_;
        return false;
      }
      if (entry.key.substr(0, prefix_.size()) != prefix_) {
        at_ = end_;
        return false;
      }
      at_ = view_->end_of(entry);
      return true;
    }
    [[nodiscard]] bool damaged() const noexcept { return damaged_; }

   private:
    friend class SnapshotView;
    const SnapshotView* view_ = nullptr;
    std::uint64_t at_ = 0;
    std::uint64_t end_ = 0;
    std::string_view prefix_;
    bool damaged_ = false;
  };

  enum class Section : std::uint8_t { kKeys, kPointers };

  // Entries whose keys begin with prefix (which must outlive the walk; so must this view).
  [[nodiscard]] Walk walk(std::string_view prefix = {}, Section section = Section::kKeys) const noexcept;

 private:
  friend class Walk;

  [[nodiscard]] std::uint64_t size() const noexcept { return static_cast<std::uint64_t>(end_ - base_); }

  static constexpr std::uint32_t kFirstPosition = format::kSnapshotHeaderBytes / format::kPositionUnit;

  // What nearly every lookup needs and no more, to be inlined: a key of usual length that is met, or
  // found to be absent, before the end of the table. False: anything else, so find_any() must answer.
  // Whatever is odd or out of bounds is left to it, so that here one comparison can refuse many cases.
  [[nodiscard, gnu::always_inline]] bool find_usual(std::string_view key, Entry& entry, Lookup& lookup) const noexcept {
    using format::Attributes, format::Record, format::Slot;
    // Within these bounds same_bytes() calls nothing. A call would cost all others their registers.
    constexpr std::size_t kMinBytes = 4;
    constexpr std::size_t kMaxBytes = 64;
    constexpr std::uint32_t kRare = std::uint32_t{Record::kHasAttributes} << 24;
    if (key.size() - kMinBytes > kMaxBytes - kMinBytes) [[unlikely]] return false;

    const std::uint64_t hash = format::hash_key(key, seed_);
    const auto tag = static_cast<std::uint32_t>(hash);
    const Slot* slot = slots_ + format::home_slot(hash, slot_count_);
    while (slot->tag != tag) {
      if (slot->position == 0) {
        lookup = Lookup::kAbsent;
        return true;
      }
      if (++slot == slots_ + slot_count_) [[unlikely]] return false;
    }
    const std::uint32_t position = slot->position;
    // Also refuses an empty slot, whose 0 wraps around.
    if (position - kFirstPosition >= position_count_) [[unlikely]] return false;
    const auto* const record = reinterpret_cast<const Record*>(base_ + position * format::kPositionUnit);
    const char* text = reinterpret_cast<const char*>(record + 1);
    const Attributes* attributes = nullptr;
    const std::uint32_t size_and_rare = record->key_word & (kRare | format::kMaxKeyBytes);
    if (size_and_rare != key.size()) [[unlikely]] {
      if (size_and_rare != (key.size() | kRare)) return false;
      attributes = reinterpret_cast<const Attributes*>(text);
      text += sizeof(Attributes);
    }
    const char* const value = text + key.size();
    const std::uint32_t value_bytes = record->value_bytes;
    // As numbers, since the sum may lie behind the end.
    if (reinterpret_cast<std::uintptr_t>(value) + value_bytes > reinterpret_cast<std::uintptr_t>(end_)) [[unlikely]] {
      return false;
    }
    if (!format::same_bytes({text, key.size()}, key)) [[unlikely]] return false;
    entry = {.key = {text, key.size()},
             .value = {value, value_bytes},
             .record = record,
             .attributes = attributes};
    lookup = Lookup::kFound;
    return true;
  }

  // Any key, in any table.
  [[nodiscard]] Lookup find_any(std::string_view key, Entry& entry) const noexcept;

  // The entry of the record at offset, if it lies whole before limit.
  bool entry_at(std::uint64_t offset, std::uint64_t limit, Entry& entry) const noexcept {
    using format::Record, format::Attributes;
    if (offset + sizeof(Record) > limit || offset < format::kSnapshotHeaderBytes) return false;
    const auto* record = reinterpret_cast<const Record*>(base_ + offset);
    const bool has_attributes = record->has_attributes();
    const std::uint64_t key_at = offset + sizeof(Record) + (has_attributes ? sizeof(Attributes) : 0);
    const std::uint64_t value_at = key_at + record->key_bytes();
    if (value_at + record->value_bytes > limit) return false;
    entry.key = {base_ + key_at, record->key_bytes()};
    entry.value = {base_ + value_at, record->value_bytes};
    entry.record = record;
    entry.attributes =
        has_attributes ? reinterpret_cast<const Attributes*>(base_ + offset + sizeof(Record)) : nullptr;
    return true;
  }

  // Where the record behind this one begins.
  [[nodiscard]] std::uint64_t end_of(const Entry& entry) const noexcept {
    return format::align8(static_cast<std::uint64_t>(entry.value.data() + entry.value.size() - base_));
  }

  // Of bytes whose header was found sound; `header` is the copy of it that was.
  [[gnu::visibility("hidden")]] void look_at(const std::byte* bytes, const format::SnapshotHeader& header) noexcept;

  Result<void> verify_section(Section section, std::uint64_t expected) const;

  // Copied from the header when it was checked, so that a later change of it cannot lead outside.
  const char* base_ = nullptr;
  const char* end_ = nullptr;
  // Never none, so that a lookup may look at its first one without asking.
  const format::Slot* slots_ = &format::detail::kEmptySlot;
  std::uint64_t slot_count_ = 1;
  format::HashSeed seed_;
  std::uint64_t position_count_ = 0;  // of those from kFirstPosition on where a Record lies inside
  const std::uint32_t* samples_ = nullptr;
  std::uint64_t key_samples_ = 0;
  std::uint64_t pointer_samples_ = 0;
  std::uint64_t records_offset_ = 0;
  std::uint64_t pointers_offset_ = 0;
  std::span<const std::uint64_t> indexes_;
};

}  // namespace shmconf

#endif  // SHMCONF_SNAPSHOT_VIEW_H_
