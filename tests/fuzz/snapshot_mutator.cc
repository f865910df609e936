#include "fuzz/snapshot_mutator.h"

#include <algorithm>
#include <cstring>

#include "shmconf/format.h"

namespace shmconf::fuzz {
namespace {

using format::SnapshotHeader;
constexpr std::size_t kHeaderBytes = sizeof(SnapshotHeader);
// What its checks and walks go by.
constexpr std::size_t kFirstField = offsetof(SnapshotHeader, source_count);

std::uint64_t load(const std::uint8_t* data, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, data + at, bytes);
  return value;
}

void store(std::uint8_t* data, std::size_t at, std::size_t bytes, std::uint64_t value) {
  std::memcpy(data + at, &value, bytes);
}

std::size_t below(std::size_t bound, std::minstd_rand& random) { return random() % bound; }

SnapshotHeader header_of(const std::uint8_t* data) {
  SnapshotHeader header;
  std::memcpy(&header, data, sizeof header);
  return header;
}

void change_header(std::uint8_t* data, std::size_t size, std::minstd_rand& random) {
  constexpr std::size_t kFields = (kHeaderBytes - kFirstField) / 4;
  const std::size_t at = kFirstField + below(kFields, random) * 4;
  const std::size_t bytes = at % 8 == 0 ? 8 : 4;
  const std::uint64_t old = load(data, at, bytes);
  // A little more or less keeps the geometry nearly sound.
  const std::uint64_t near = old + 8 * (below(9, random) - 4);
  store(data, at, bytes, random() % 2 == 0 ? near : awkward_number(data, size, random));
}

// A word of one of the sections: slots, samples, keys' records or pointers' records.
void change_section(std::uint8_t* data, std::size_t size, std::minstd_rand& random) {
  const SnapshotHeader header = header_of(data);
  const std::uint64_t begins[] = {header.slots_offset, header.samples_offset, header.records_offset,
                                  header.pointers_offset, size};
  const std::size_t which = below(4, random);
  const std::uint64_t begin = begins[which];
  const std::uint64_t end = std::min<std::uint64_t>(begins[which + 1], size);
  if (begin >= end || end - begin < 4) return;
  const auto words = static_cast<std::size_t>((end - begin) / 4);
  const auto at = static_cast<std::size_t>(begin) + below(words, random) * 4;
  const std::uint64_t old = load(data, at, 4);
  switch (random() % 4) {
    case 0: store(data, at, 4, old + below(9, random) - 4); break;
    case 1: store(data, at, 4, old ^ std::uint64_t{1} << below(32, random)); break;
    case 2: store(data, at, 4, load(data, static_cast<std::size_t>(begin) + below(words, random) * 4, 4)); break;
    default: store(data, at, 4, awkward_number(data, size, random)); break;
  }
}

// The end goes, or something comes behind it.
std::size_t resize(std::uint8_t* data, std::size_t size, std::size_t max_size, std::minstd_rand& random) {
  const std::size_t step = 1 + below(random() % 2 == 0 ? 16 : 512, random);
  if (random() % 2 == 0) return size > kHeaderBytes + step ? size - step : size;
  const std::size_t grown = std::min(max_size, size + step);
  std::fill(data + size, data + grown, static_cast<std::uint8_t>(random() % 4 == 0 ? 0xff : 0));
  return grown;
}

}  // namespace

std::uint64_t awkward_number(const std::uint8_t* data, std::size_t size, std::minstd_rand& random) {
  const std::uint64_t little = below(16, random);
  switch (random() % 7) {
    case 0: return little;
    case 1: return size + little - 8;
    case 2: return (size + little - 8) / 8;
    case 3: return (std::uint64_t{1} << 32) + little - 8;
    case 4: return little - 8;
    case 5: return (std::uint64_t{1} << below(64, random)) + little - 8;
    default: return size >= 8 ? load(data, below(size / 8, random) * 8, 8) : little;
  }
}

void repair_checksums(std::uint8_t* data, std::size_t size) {
  if (size < kHeaderBytes) return;
  SnapshotHeader header = header_of(data);
  header.body_checksum = format::checksum(data + kHeaderBytes, size - kHeaderBytes);
  header.header_checksum = format::header_checksum(header);
  std::memcpy(data, &header, sizeof header);
}

std::size_t mutate_snapshot(std::uint8_t* data, std::size_t size, std::size_t max_size, std::minstd_rand& random) {
  if (size < kHeaderBytes || random() % 16 == 0) return LLVMFuzzerMutate(data, size, max_size);
  for (std::size_t changes = 1 + below(4, random); changes > 0; --changes) {
    switch (random() % 8) {
      case 0: change_header(data, size, random); break;
      case 1: size = resize(data, size, max_size, random); break;
      case 2: {
        const std::size_t body = LLVMFuzzerMutate(data + kHeaderBytes, size - kHeaderBytes, max_size - kHeaderBytes);
        size = kHeaderBytes + body;
        break;
      }
      default: change_section(data, size, random); break;
    }
  }
  // Sometimes the size that it states, or a checksum, is left wrong.
  if (random() % 16 != 0) store(data, offsetof(SnapshotHeader, total_bytes), 8, size);
  if (random() % 16 != 0) {
    repair_checksums(data, size);
    if (random() % 32 == 0) {
      store(data, offsetof(SnapshotHeader, body_checksum), 8, random());
      store(data, offsetof(SnapshotHeader, header_checksum), 8, format::header_checksum(header_of(data)));
    }
  }
  return size;
}

}  // namespace shmconf::fuzz
