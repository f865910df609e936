#include "shmconf/snapshot_view.h"

#include <cstring>
#include <limits>

namespace shmconf {
namespace {

using format::SnapshotHeader;

Error damaged(std::string what) {
  return Error{ErrorCode::kDamaged, "the snapshot is damaged: " + std::move(what)};
}

// Whether [offset, offset + count * unit) lies behind the header, 8-aligned, and ends at limit at most.
bool fits(std::uint64_t offset, std::uint64_t count, std::uint64_t unit, std::uint64_t limit) {
  return offset % 8 == 0 && offset >= format::kSnapshotHeaderBytes && offset <= limit &&
         count <= (limit - offset) / unit;
}

}  // namespace

Result<SnapshotView> SnapshotView::open(std::span<const std::byte> bytes) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) {
    return Error{ErrorCode::kInvalid, "the snapshot's bytes must be 8-byte aligned"};
  }
  if (bytes.size() < sizeof(SnapshotHeader)) return damaged("it is shorter than its header");
  // A copy: what is checked is what is used, also where somebody changes the bytes meanwhile.
  SnapshotHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != format::kSnapshotMagic) return damaged("it does not begin like a snapshot of shmconf");
  if (header.version != format::kSnapshotVersion) {
    return Error{ErrorCode::kWrongVersion,
                 "the snapshot has format version " + std::to_string(header.version) + ", this program reads version " +
                     std::to_string(format::kSnapshotVersion) + ": use the same release of shmconf on both sides"};
  }
  if (header.header_bytes != sizeof(SnapshotHeader)) return damaged("its header has another size");
  if (header.header_checksum != format::header_checksum(header)) return damaged("its header's checksum is wrong");
  if (header.total_bytes != bytes.size()) {
    return damaged("it holds " + std::to_string(bytes.size()) + " bytes instead of " +
                   std::to_string(header.total_bytes));
  }
  const std::uint64_t total = header.total_bytes;
  const bool sound = fits(header.indexes_offset, header.source_count, sizeof(std::uint64_t), total) &&
                     fits(header.slots_offset, header.slot_count, sizeof(format::Slot), total) &&
                     header.slot_count <= std::numeric_limits<std::uint32_t>::max() &&
                     header.key_samples <= total && header.pointer_samples <= total &&
                     fits(header.samples_offset, header.key_samples + header.pointer_samples, sizeof(std::uint32_t),
                          total) &&
                     fits(header.records_offset, 0, 1, header.pointers_offset) &&
                     fits(header.pointers_offset, 0, 1, total);
  if (!sound) return damaged("a section lies outside it");
  SnapshotView view;
  view.base_ = reinterpret_cast<const char*>(bytes.data());
  view.end_ = view.base_ + total;
  if (header.slot_count != 0) {
    view.slots_ = reinterpret_cast<const format::Slot*>(view.base_ + header.slots_offset);
    view.slot_count_ = header.slot_count;
  }
  view.seed_ = header.hash_seed;
  if (total >= format::kSnapshotHeaderBytes + sizeof(format::Record)) {
    view.position_count_ = (total - sizeof(format::Record)) / format::kPositionUnit - kFirstPosition + 1;
  }
  view.samples_ = reinterpret_cast<const std::uint32_t*>(view.base_ + header.samples_offset);
  view.key_samples_ = header.key_samples;
  view.pointer_samples_ = header.pointer_samples;
  view.records_offset_ = header.records_offset;
  view.pointers_offset_ = header.pointers_offset;
  view.indexes_ = {reinterpret_cast<const std::uint64_t*>(view.base_ + header.indexes_offset), header.source_count};
  return view;
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
