#include "shmconf/snapshot_view.h"

#include <cstring>
#include <limits>

namespace shmconf {
namespace {

using format::SnapshotHeader;

Error damaged(std::string what) {
  return Error{ErrorCode::kDamaged, "the snapshot is damaged: " + std::move(what)};
}

enum class Fault : std::uint8_t { kNone, kAlignment, kShort, kMagic, kVersion, kHeaderBytes, kChecksum, kSize, kPlace };

// Whether [offset, offset + count * unit) lies behind the header, 8-aligned, and ends at limit at most.
bool fits(std::uint64_t offset, std::uint64_t count, std::uint64_t unit, std::uint64_t limit) {
  return offset % 8 == 0 && offset >= format::kSnapshotHeaderBytes && offset <= limit &&
         count <= (limit - offset) / unit;
}

// A copy: what is checked is what is used, also where somebody changes the bytes meanwhile.
inline Fault copy_header(std::span<const std::byte> bytes, SnapshotHeader& header) noexcept {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) return Fault::kAlignment;
  if (bytes.size() < sizeof header) return Fault::kShort;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != format::kSnapshotMagic) return Fault::kMagic;
  if (header.version != format::kSnapshotVersion) return Fault::kVersion;
  if (header.header_bytes != sizeof header) return Fault::kHeaderBytes;
  if (header.header_checksum != format::header_checksum(header)) return Fault::kChecksum;
  const std::uint64_t total = header.total_bytes;
  if (total != bytes.size()) return Fault::kSize;
  const bool sound = fits(header.indexes_offset, header.source_count, sizeof(std::uint64_t), total) &&
                     fits(header.slots_offset, header.slot_count, sizeof(format::Slot), total) &&
                     header.slot_count <= std::numeric_limits<std::uint32_t>::max() &&
                     header.key_samples <= total && header.pointer_samples <= total &&
                     fits(header.samples_offset, header.key_samples + header.pointer_samples, sizeof(std::uint32_t),
                          total) &&
                     fits(header.records_offset, 0, 1, header.pointers_offset) &&
                     fits(header.pointers_offset, 0, 1, total);
  return sound ? Fault::kNone : Fault::kPlace;
}

[[gnu::cold]] Error error_of(Fault fault, const SnapshotHeader& header, std::size_t size_bytes) {
  switch (fault) {
    case Fault::kAlignment: return Error{ErrorCode::kInvalid, "the snapshot's bytes must be 8-byte aligned"};
    case Fault::kShort: return damaged("it is shorter than its header");
    case Fault::kMagic: return damaged("it does not begin like a snapshot of shmconf");
    case Fault::kVersion:
      return Error{ErrorCode::kWrongVersion,
                   "the snapshot has format version " + std::to_string(header.version) +
                       ", this program reads version " + std::to_string(format::kSnapshotVersion) +
                       ": use the same release of shmconf on both sides"};
    case Fault::kHeaderBytes: return damaged("its header has another size");
    case Fault::kChecksum: return damaged("its header's checksum is wrong");
    case Fault::kSize:
      return damaged("it holds " + std::to_string(size_bytes) + " bytes instead of " +
                     std::to_string(header.total_bytes));
    case Fault::kPlace:
    case Fault::kNone: break;
  }
  return damaged("a section lies outside it");
}

}  // namespace

inline void SnapshotView::look_at(const std::byte* bytes, const SnapshotHeader& header) noexcept {
  base_ = reinterpret_cast<const char*>(bytes);
  end_ = base_ + header.total_bytes;
  const bool has_slots = header.slot_count != 0;
  slots_ = has_slots ? reinterpret_cast<const format::Slot*>(base_ + header.slots_offset) : &format::detail::kEmptySlot;
  slot_count_ = has_slots ? header.slot_count : 1;
  seed_ = header.hash_seed;
  const bool has_room = size() >= format::kSnapshotHeaderBytes + sizeof(format::Record);
  position_count_ = has_room ? (size() - sizeof(format::Record)) / format::kPositionUnit - kFirstPosition + 1 : 0;
  samples_ = reinterpret_cast<const std::uint32_t*>(base_ + header.samples_offset);
  key_samples_ = header.key_samples;
  pointer_samples_ = header.pointer_samples;
  records_offset_ = header.records_offset;
  pointers_offset_ = header.pointers_offset;
  indexes_ = {reinterpret_cast<const std::uint64_t*>(base_ + header.indexes_offset), header.source_count};
}

Result<SnapshotView> SnapshotView::open(std::span<const std::byte> bytes) {
  SnapshotHeader header;
  const Fault fault = copy_header(bytes, header);
  if (fault != Fault::kNone) return error_of(fault, header, bytes.size());
  SnapshotView view;
  view.look_at(bytes.data(), header);
  return view;
}

[[gnu::hot]] bool SnapshotView::open_sound(std::span<const std::byte> bytes, SnapshotView& view) noexcept {
  SnapshotHeader header;
  if (copy_header(bytes, header) != Fault::kNone) return false;
  view.look_at(bytes.data(), header);
  return true;
}

Result<void> SnapshotView::verify_checksum() const {
  const auto body = bytes().subspan(format::kSnapshotHeaderBytes);
  if (format::checksum(body.data(), body.size()) != header().body_checksum) {
    return damaged("its checksum is wrong");
  }
  return {};
}

Result<void> SnapshotView::verify() const {
  if (auto whole = verify_checksum(); !whole) return whole;
  if (auto keys = verify_section(Section::kKeys, header().key_count); !keys) return keys;
  return verify_section(Section::kPointers, header().pointer_count);
}

Result<void> SnapshotView::verify_section(Section section, std::uint64_t expected) const {
  // Whether find() would come to this very record. Bounded over all keys, since a table may be made so
  // that each lookup passes all of it: to look up all keys of a sound one costs less than its size.
  auto leads_to = [this, bytes_left = 16 * size()](const Entry& entry) mutable {
    const std::uint64_t hash = format::hash_key(entry.key, seed_);
    std::uint64_t index = format::home_slot(hash, slot_count_);
    for (std::uint64_t probes = 0; probes < slot_count_; ++probes) {
      const format::Slot slot = slots_[index];
      if (slot.position == 0) return false;
      std::uint64_t cost_bytes = sizeof slot;
      if (slot.tag == static_cast<std::uint32_t>(hash)) {
        Entry found;
        if (!entry_at(slot.position * format::kPositionUnit, size(), found)) return false;
        if (format::same_bytes(found.key, entry.key)) return found.record == entry.record;
        cost_bytes += entry.key.size();
      }
      if (cost_bytes > bytes_left) return false;
      bytes_left -= cost_bytes;
      if (++index == slot_count_) index = 0;
    }
    return false;
  };
  const bool keys = section == Section::kKeys;
  const std::span samples = std::span(samples_ + (keys ? 0 : key_samples_), keys ? key_samples_ : pointer_samples_);
  Walk all = walk({}, section);
  Entry entry;
  std::string_view before;
  std::uint64_t count = 0;
  for (; all.next(entry); ++count) {
    if (count != 0 && entry.key <= before) return damaged("its keys are out of order");
    if (static_cast<std::uint8_t>(entry.kind()) > format::kLastKind) return damaged("a value has an unknown kind");
    if (!leads_to(entry)) return damaged("its table does not lead to one of its keys");
    before = entry.key;
    if (count % format::kSampleStride != 0) continue;
    const auto offset = static_cast<std::uint64_t>(reinterpret_cast<const char*>(entry.record) - base_);
    const std::uint64_t sample = count / format::kSampleStride;
    if (sample >= samples.size() || samples[sample] * format::kPositionUnit != offset) {
      return damaged("a sample of its keys leads elsewhere");
    }
  }
  const bool all_sampled = samples.size() == (count + format::kSampleStride - 1) / format::kSampleStride;
  if (all.damaged() || count != expected || !all_sampled) return damaged("it does not hold the keys that it counts");
  return {};
}

Lookup SnapshotView::find_any(std::string_view key, Entry& entry) const noexcept {
  if (key.empty()) key = "";  // memcmp() takes no null pointer, even for no bytes
  const std::uint64_t hash = format::hash_key(key, seed_);
  const auto tag = static_cast<std::uint32_t>(hash);
  std::uint64_t index = format::home_slot(hash, slot_count_);
  for (std::uint64_t probes = 0; probes < slot_count_; ++probes) {
    const format::Slot slot = slots_[index];
    if (slot.position == 0) return Lookup::kAbsent;
    if (slot.tag == tag) {
      if (!entry_at(slot.position * format::kPositionUnit, size(), entry)) return Lookup::kDamaged;
      if (format::same_bytes(entry.key, key)) return Lookup::kFound;
    }
    if (++index == slot_count_) index = 0;
  }
  return Lookup::kDamaged;
}

SnapshotView::Walk SnapshotView::walk(std::string_view prefix, Section section) const noexcept {
  const bool keys = section == Section::kKeys;
  const std::uint64_t first = keys ? records_offset_ : pointers_offset_;
  const std::uint32_t* samples = samples_ + (keys ? 0 : key_samples_);
  Walk result;
  result.view_ = this;
  result.end_ = keys ? pointers_offset_ : size();
  result.prefix_ = prefix;
  result.at_ = first;

  // The last sample below the prefix, by halving; then record by record.
  std::uint64_t low = 0;
  std::uint64_t high = keys ? key_samples_ : pointer_samples_;
  Entry entry;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const std::uint64_t offset = samples[middle] * format::kPositionUnit;
    if (offset < first || !entry_at(offset, result.end_, entry)) {
      result.damaged_ = true;
      result.at_ = result.end_;
      return result;
    }
    if (entry.key < prefix) {
      result.at_ = offset;
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (std::uint32_t step = 0; step <= format::kSampleStride && result.at_ < result.end_; ++step) {
    if (!entry_at(result.at_, result.end_, entry)) {
      result.damaged_ = true;
      result.at_ = result.end_;
      return result;
    }
    if (entry.key >= prefix) return result;
    result.at_ = end_of(entry);
  }
  return result;
}

}  // namespace shmconf
