#include "shm/snapshot_builder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>

namespace shmconf::shm {
namespace {

using format::Attributes;
using format::Record;
using format::SnapshotHeader;

// Seven slots for four keys: a hit looks at 1.7 slots on average, a miss at 3.2, most in one cache line.
constexpr std::uint64_t slots_for(std::uint64_t keys) { return (keys * 7 + 3) / 4; }
constexpr std::uint64_t kMaxKeys = std::uint64_t{1} << 30;

bool has_attributes(const Item& item) {
  return item.flags != 0 || item.lock_index != 0 || !item.session.empty();
}

std::uint64_t record_bytes(const Item& item) {
  return format::align8(sizeof(Record) + (has_attributes(item) ? sizeof(Attributes) : 0) + item.key.size() +
                        item.value.size());
}

std::uint64_t samples_of(std::uint64_t count) {
  return (count + format::kSampleStride - 1) / format::kSampleStride;
}

Result<std::uint64_t> section_bytes(const Items& items) {
  std::uint64_t total = 0;
  std::string_view before;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    if (item.key.size() > format::kMaxKeyBytes || item.value.size() > format::kMaxValueBytes) {
      return Error{ErrorCode::kInvalid, "the key '" + std::string(item.key.substr(0, 80)) +
                                            "' or its value is larger than a snapshot can hold: shorten it"};
    }
    if (i != 0 && item.key <= before) {
      return Error{ErrorCode::kInvalid, "the key '" + std::string(item.key.substr(0, 80)) + "' is out of order"};
    }
    before = item.key;
    total += record_bytes(item);
  }
  return total;
}

// Where everything goes.
struct Layout {
  std::uint64_t indexes = 0;
  std::uint64_t slots = 0;
  std::uint64_t slot_count = 0;
  std::uint64_t samples = 0;
  std::uint64_t records = 0;
};

Layout lay_out(const Content& content) {
  const std::uint64_t count = content.keys.size() + content.pointers.size();
  const std::uint64_t sample_count = samples_of(content.keys.size()) + samples_of(content.pointers.size());
  Layout layout;
  layout.indexes = format::kSnapshotHeaderBytes;
  layout.slots = layout.indexes + content.indexes.size() * sizeof(std::uint64_t);
  layout.slot_count = slots_for(count);
  layout.samples = layout.slots + layout.slot_count * sizeof(format::Slot);
  layout.records = format::align8(layout.samples + sample_count * sizeof(std::uint32_t));
  return layout;
}

class Writer {
 public:
  Writer(std::span<std::byte> out, const Layout& layout, std::uint64_t seed)
      : out_(out), slots_(reinterpret_cast<format::Slot*>(out.data() + layout.slots)),
        slot_count_(layout.slot_count), sample_(reinterpret_cast<std::uint32_t*>(out.data() + layout.samples)),
        at_(layout.records), seed_(seed) {}

  void section(const Items& items) {
    for (std::size_t i = 0; i < items.size(); i += kBatch) {
      batch(std::span(items).subspan(i, std::min(kBatch, items.size() - i)));
    }
  }
  [[nodiscard]] std::uint64_t at() const { return at_; }
  [[nodiscard]] std::uint64_t key_value_bytes() const { return key_value_bytes_; }

 private:
  // As many as the processor has misses of its caches under way at once. A section begins with a whole one, so
  // that its first record is the one with a sample.
  static constexpr std::size_t kBatch = format::kSampleStride;

  // A slot of a large table is in no cache. So that they come while others are worked on, all slots of a
  // batch are asked for before the first is looked at.
  void batch(std::span<const Item> items) {
    std::array<std::uint64_t, kBatch> hashes;
    for (std::size_t i = 0; i < items.size(); ++i) {
      hashes[i] = format::hash_key(items[i].key, seed_);
      __builtin_prefetch(slots_ + format::home_slot(hashes[i], slot_count_), 1);
    }
    *sample_++ = position();
    for (std::size_t i = 0; i < items.size(); ++i) {
      insert(hashes[i]);
      record(items[i]);
    }
  }

  [[nodiscard]] std::uint32_t position() const { return static_cast<std::uint32_t>(at_ / format::kPositionUnit); }

  void insert(std::uint64_t hash) {
    std::uint64_t index = format::home_slot(hash, slot_count_);
    while (slots_[index].position != 0) {
      if (++index == slot_count_) index = 0;
    }
    slots_[index] = {.tag = static_cast<std::uint32_t>(hash), .position = position()};
  }

  void record(const Item& item) {
    const bool rare = has_attributes(item);
    const Record record{.key_word = Record::pack_key_word(item.key.size(), item.kind, rare),
                        .value_bytes = static_cast<std::uint32_t>(item.value.size()),
                        .modify_index = item.modify_index,
                        .create_index = item.create_index};
    append(&record, sizeof record);
    if (rare) {
      Attributes attributes{.flags = item.flags, .lock_index = item.lock_index, .session = {}, .reserved = 0};
      std::copy_n(item.session.begin(), std::min(item.session.size(), attributes.session.size()),
                  attributes.session.begin());
      append(&attributes, sizeof attributes);
    }
    append(item.key.data(), item.key.size());
    append(item.value.data(), item.value.size());
    at_ = format::align8(at_);
    key_value_bytes_ += item.key.size() + item.value.size();
  }

  void append(const void* data, std::size_t size) {
    if (size != 0) std::memcpy(out_.data() + at_, data, size);
    at_ += size;
  }

  std::span<std::byte> out_;
  format::Slot* slots_;
  std::uint64_t slot_count_;
  std::uint32_t* sample_;
  std::uint64_t at_;
  format::HashSeed seed_;
  std::uint64_t key_value_bytes_ = 0;
};

}  // namespace

Result<std::uint64_t> snapshot_bytes(const Content& content) {
  if (content.keys.size() + content.pointers.size() > kMaxKeys) {
    return Error{ErrorCode::kInvalid, "more than 2^30 keys: name narrower prefixes"};
  }
  auto keys = section_bytes(content.keys);
  if (!keys) return keys;
  auto pointers = section_bytes(content.pointers);
  if (!pointers) return pointers;
  const std::uint64_t total = lay_out(content).records + *keys + *pointers;
  if (total / format::kPositionUnit > UINT32_MAX) {
    return Error{ErrorCode::kInvalid, "the configuration is larger than 32 GiB: name narrower prefixes"};
  }
  return total;
}

void build_snapshot(const Content& content, std::uint64_t hash_seed, std::span<std::byte> out) {
  const Layout layout = lay_out(content);
  if (!content.indexes.empty()) {
    std::memcpy(out.data() + layout.indexes, content.indexes.data(), content.indexes.size() * sizeof(std::uint64_t));
  }
  Writer writer(out, layout, hash_seed);
  writer.section(content.keys);
  const std::uint64_t pointers_offset = writer.at();
  const std::uint64_t key_value_bytes = writer.key_value_bytes();
  writer.section(content.pointers);
  assert(writer.at() == out.size());

  auto& header = *reinterpret_cast<SnapshotHeader*>(out.data());
  header = SnapshotHeader{};
  header.magic = format::kSnapshotMagic;
  header.version = format::kSnapshotVersion;
  header.header_bytes = sizeof(SnapshotHeader);
  header.total_bytes = out.size();
  header.read_wall_ns = static_cast<std::uint64_t>(content.read_wall.count());
  header.origin = content.origin;
  header.source_count = static_cast<std::uint32_t>(content.indexes.size());
  header.sources_hash = content.sources_hash;
  header.key_count = content.keys.size();
  header.pointer_count = content.pointers.size();
  header.hash_seed = hash_seed;
  header.indexes_offset = layout.indexes;
  header.slots_offset = layout.slots;
  header.slot_count = layout.slot_count;
  header.samples_offset = layout.samples;
  header.key_samples = samples_of(content.keys.size());
  header.pointer_samples = samples_of(content.pointers.size());
  header.records_offset = layout.records;
  header.pointers_offset = pointers_offset;
  header.content_hash =
      format::checksum(out.data() + layout.records, pointers_offset - layout.records, content.sources_hash);
  header.body_checksum =
      format::checksum(out.data() + format::kSnapshotHeaderBytes, out.size() - format::kSnapshotHeaderBytes);
  header.key_value_bytes = key_value_bytes;
  header.header_checksum = format::header_checksum(header);
}

void stamp_generation(std::span<std::byte> snapshot, std::uint64_t generation, std::chrono::nanoseconds wall,
                      format::Origin origin, std::uint64_t draft_id) {
  auto& header = *reinterpret_cast<SnapshotHeader*>(snapshot.data());
  header.generation = generation;
  header.published_wall_ns = static_cast<std::uint64_t>(wall.count());
  header.origin = origin;
  header.draft_id = draft_id;
  header.header_checksum = format::header_checksum(header);
}

bool same_content(const SnapshotView& snapshot, const Content& content) {
  const SnapshotHeader& header = snapshot.header();
  if (header.sources_hash != content.sources_hash || header.key_count != content.keys.size()) return false;
  SnapshotView::Walk walk = snapshot.walk();
  Entry entry;
  for (const Item& item : content.keys) {
    if (!walk.next(entry)) return false;
    const bool same = entry.key == item.key && entry.modify_index() == item.modify_index &&
                      entry.create_index() == item.create_index && entry.flags() == item.flags &&
                      entry.lock_index() == item.lock_index && entry.session() == item.session &&
                      entry.value == item.value;
    if (!same) return false;
  }
  return true;
}

}  // namespace shmconf::shm
