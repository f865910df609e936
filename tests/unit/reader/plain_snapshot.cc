#include "unit/reader/plain_snapshot.h"

#include <algorithm>
#include <cstring>

#include "shmconf/format.h"

namespace shmconf::testing {
namespace {

constexpr std::size_t kHeaderBytes = 256;

void append(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

std::string record(const PlainItem& item) {
  const bool attributes = item.flags != 0 || item.lock_index != 0 || !item.session.empty();
  std::string out;
  append(out, item.key.size(), 3);
  append(out, item.kind | (attributes ? 0x80u : 0u), 1);
  append(out, item.value.size(), 4);
  append(out, item.modify_index, 8);
  append(out, item.create_index, 8);
  if (attributes) {
    append(out, item.flags, 8);
    append(out, item.lock_index, 8);
    std::string session = item.session;
    session.resize(36, '\0');
    out += session;
    append(out, 0, 4);
  }
  out += item.key;
  out += item.value;
  out.resize((out.size() + 7) / 8 * 8, '\0');
  return out;
}

struct Section {
  std::string records;
  std::vector<std::uint64_t> offsets;  // of each record, in the section
};

Section section(std::vector<PlainItem>& items) {
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  Section made;
  for (const PlainItem& item : items) {
    made.offsets.push_back(made.records.size());
    made.records += record(item);
  }
  return made;
}

void insert(std::vector<std::uint64_t>& slots, const PlainItem& item, std::uint64_t offset, std::uint64_t seed) {
  const std::uint64_t hash = format::hash_key(item.key, seed);
  std::size_t at = static_cast<std::size_t>(((hash >> 32) * slots.size()) >> 32);
  while (slots[at] >> 32 != 0) at = (at + 1) % slots.size();
  slots[at] = (hash & 0xffffffff) | (offset / 8) << 32;
}

void sample(std::string& samples, const Section& of, std::uint64_t base) {
  for (std::size_t i = 0; i < of.offsets.size(); i += 16) append(samples, (base + of.offsets[i]) / 8, 4);
}

}  // namespace

PlainSnapshot::PlainSnapshot(PlainContent content) {
  const Section keys = section(content.keys);
  const Section pointers = section(content.pointers);
  const std::uint64_t twice = 2 * (content.keys.size() + content.pointers.size());
  const std::uint64_t slot_count = content.slot_count != 0 ? content.slot_count : twice;
  const std::uint64_t key_samples = (content.keys.size() + 15) / 16;
  const std::uint64_t pointer_samples = (content.pointers.size() + 15) / 16;
  const std::uint64_t slots_at = kHeaderBytes + 8 * content.indexes.size();
  const std::uint64_t samples_at = slots_at + 8 * slot_count;
  const std::uint64_t records_at = (samples_at + 4 * (key_samples + pointer_samples) + 7) / 8 * 8;
  const std::uint64_t pointers_at = records_at + keys.records.size();

  std::vector<std::uint64_t> slots(slot_count);
  std::uint64_t key_value_bytes = 0;
  for (std::size_t i = 0; i < content.keys.size(); ++i) {
    insert(slots, content.keys[i], records_at + keys.offsets[i], content.hash_seed);
    key_value_bytes += content.keys[i].key.size() + content.keys[i].value.size();
  }
  for (std::size_t i = 0; i < content.pointers.size(); ++i) {
    insert(slots, content.pointers[i], pointers_at + pointers.offsets[i], content.hash_seed);
  }
  std::string body;
  for (const std::uint64_t index : content.indexes) append(body, index, 8);
  for (const std::uint64_t slot : slots) append(body, slot, 8);
  sample(body, keys, records_at);
  sample(body, pointers, pointers_at);
  body.resize(records_at - kHeaderBytes, '\0');
  body += keys.records;
  body += pointers.records;

  std::string header = "SHMCONFS";
  append(header, 1, 4);
  append(header, kHeaderBytes, 4);
  append(header, kHeaderBytes + body.size(), 8);
  append(header, content.generation, 8);
  append(header, content.published_wall_ns, 8);
  append(header, content.read_wall_ns, 8);
  append(header, content.origin, 4);
  append(header, content.indexes.size(), 4);
  append(header, content.sources_hash, 8);
  append(header, content.keys.size(), 8);
  append(header, content.pointers.size(), 8);
  append(header, content.hash_seed, 8);
  append(header, kHeaderBytes, 8);
  append(header, slots_at, 8);
  append(header, slot_count, 8);
  append(header, samples_at, 8);
  append(header, key_samples, 8);
  append(header, pointer_samples, 8);
  append(header, records_at, 8);
  append(header, pointers_at, 8);
  append(header, format::checksum(keys.records.data(), keys.records.size(), content.sources_hash), 8);
  const std::uint64_t body_checksum = format::checksum(body.data(), body.size());
  append(header, body_checksum, 8);
  append(header, key_value_bytes, 8);
  header.resize(kHeaderBytes - 8, '\0');
  append(header, format::checksum(header.data(), header.size(), body_checksum), 8);

  const std::string whole = header + body;
  size_ = whole.size();
  words_.resize(size_ / 8);
  std::memcpy(words_.data(), whole.data(), size_);
}

void PlainSnapshot::put64(std::size_t offset, std::uint64_t value) {
  std::memcpy(bytes().data() + offset, &value, 8);
  const auto checksum = format::checksum(bytes().data(), kHeaderBytes - 8, get64(offsetof(format::SnapshotHeader, body_checksum)));
  std::memcpy(bytes().data() + kHeaderBytes - 8, &checksum, 8);
}

void PlainSnapshot::put32(std::size_t offset, std::uint32_t value) {
  std::memcpy(bytes().data() + offset, &value, 4);
  put64(0, get64(0));
}

std::uint64_t PlainSnapshot::get64(std::size_t offset) const {
  std::uint64_t value;
  std::memcpy(&value, bytes().data() + offset, 8);
  return value;
}

}  // namespace shmconf::testing
