// Pins the bytes of format.h. A test here that fails says that the format changed: bump its version.
// The numbers were computed by another implementation, in another language.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "shm/snapshot_builder.h"
#include "shmconf/format.h"
#include "unit/reader/plain_snapshot.h"

namespace shmconf {
namespace {

using testing::PlainContent;
using testing::PlainItem;
using testing::PlainSnapshot;

std::string all_bytes() {
  std::string bytes(256, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

TEST(Golden, HashOfKeys) {
  struct Case {
    std::string key;
    std::uint64_t unseeded;
    std::uint64_t seeded;
  };
  const Case cases[] = {
      {"", 0x47b5e140257b4f10, 0x836a0a72216464d5},
      {"a", 0x7679e857c745b21, 0xfbeb44d9d5c2dbb0},
      {"ab", 0x48958cbdd72fcb09, 0x357decb0b8ad792a},
      {"abc", 0x66614bcd1bb0b384, 0x72372298080e8d77},
      {"redi", 0x3560dfead50e963b, 0x9a7b90889fa4b7ef},
      {"redis/p", 0xb5efafbb6d651aff, 0x55d4d1f1c4007e9a},
      {"redis/po", 0x380a29dcaf638ee, 0x47eebfb8819cf382},
      {"redis/port/000", 0x9add7e24695b2c77, 0xde00195a2045bf91},
      {"config/web/redis", 0x1910d5bd6d1171dc, 0xf74b66ed2a9dd3c0},
      {"config/web/redis/port", 0xc05a725049d1f80, 0x7e338fec809b7fa4},
      {all_bytes(), 0x472adaf040d2f71e, 0x5d01f1b3130edbba},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(format::hash_key(c.key, 0), c.unseeded) << c.key;
    EXPECT_EQ(format::hash_key(c.key, 0x5eed), c.seeded) << c.key;
  }
}

TEST(Golden, NoKeyLosesTheRestOfItsHash) {
  // Words that turn a factor of an unseeded product into zero must not make keys alike.
  for (const std::uint64_t word : {format::detail::kOdd1, format::detail::kOdd2}) {
    std::string first(16, '\0');
    std::memcpy(first.data(), &word, 8);
    std::string second = first;
    second[15] = 'x';
    EXPECT_NE(format::hash_key(first, 0x5eed), format::hash_key(second, 0x5eed));
    EXPECT_NE(format::hash_key(first + "tail of 16 bytes", 0x5eed), format::hash_key(second + "tail of 16 bytes", 0x5eed));
  }
}

TEST(Keys, SameBytesLooksAtEveryByteOfEveryLength) {
  for (std::size_t size = 0; size <= 130; ++size) {
    const std::string key(size, 'k');
    EXPECT_TRUE(format::same_bytes(key, std::string(size, 'k'))) << size;
    EXPECT_FALSE(format::same_bytes(key, key + "k")) << size;
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = key;
      other[at] = 'K';
      ASSERT_FALSE(format::same_bytes(key, other)) << size << " at " << at;
    }
  }
}

TEST(Golden, ChecksumOfBytes) {
  struct Case {
    std::size_t size;
    std::uint64_t unseeded;
    std::uint64_t seeded;
  };
  const Case cases[] = {
      {0, 0xe8a796e5a9969705, 0xf4297eadd1de245c},
      {1, 0x56c2dddd5ba44af1, 0x270e9501fea901cf},
      {63, 0x15da031a9ff3840a, 0x3dc3863cbb816569},
      {64, 0xb6a3377147c5b138, 0x6d6d6b707c3b3fa3},
      {65, 0xdcfb19057350c5ae, 0x2350788894d47118},
      {200, 0x43362514704f5994, 0x358a5fa6668c8312},
  };
  for (const Case& c : cases) {
    std::string bytes;
    for (std::size_t i = 0; i < c.size; ++i) bytes += static_cast<char>(i * 7);
    EXPECT_EQ(format::checksum(bytes.data(), bytes.size()), c.unseeded) << c.size;
    EXPECT_EQ(format::checksum(bytes.data(), bytes.size(), 9), c.seeded) << c.size;
  }
}

TEST(Golden, PlacesOfTheCounters) {
  struct Case {
    std::size_t offset;
    const std::atomic<std::uint64_t>& field;
  };
  alignas(64) std::array<std::byte, 4096> bytes{};
  const auto& page = *reinterpret_cast<const format::ControlPage*>(bytes.data());
  const format::RoleCounters& supervisor = page.counters[2];
  const Case cases[] = {
      {2176, page.counters[0].comparisons[0]},     {2208, page.counters[0].comparisons[4]},
      {2240, page.counters[0].errors[0]},          {2328, page.counters[0].errors[11]},
      {2368, page.counters[0].propagation.counts[0]}, {2488, page.counters[0].propagation.counts[15]},
      {2496, page.counters[0].propagation.sum_ns}, {2504, page.counters[0].publish.counts[0]},
      {2632, page.counters[0].publish.sum_ns},     {2640, page.counters[0].backup_failures},
      {2688, page.counters[1].comparisons[0]},     {3200, supervisor.comparisons[0]},
      {3672, supervisor.server_starts},
  };
  for (const Case& c : cases) {
    const std::uint64_t value = 0x1122334455667788 + c.offset;
    std::memcpy(bytes.data() + c.offset, &value, 8);
    EXPECT_EQ(c.field.load(), value) << c.offset;
  }
}

TEST(Golden, DurationsFallIntoTheBucketOfTheirBound) {
  format::Durations durations{};
  for (const std::uint64_t ns : {0u, 100'000u, 100'001u, 1'000'000'000u}) durations.add(ns);
  durations.add(30'000'000'000);
  durations.add(30'000'000'001);
  durations.add(UINT64_MAX);
  std::array<std::uint64_t, 16> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = durations.counts[i].load();
  EXPECT_EQ(counts, (std::array<std::uint64_t, 16>{2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2}));
  EXPECT_EQ(durations.sum_ns.load(), 61'000'200'001u) << "it wraps, and nothing breaks";
}

TEST(Golden, NamesOfFiles) {
  EXPECT_STREQ(format::kControlFile, "control.v1");
  EXPECT_EQ(format::generation_name(0x68a1b2c300000007), "snapshot.v1.68a1b2c300000007");
}

PlainContent sample() {
  return {.keys = {{.key = "demo", .value = "{\"p\":6379}", .kind = 1, .modify_index = 12, .session = ""},
                   {.key = "k", .value = std::string("\0\xff", 2), .flags = 3, .create_index = 7, .modify_index = 8,
                    .lock_index = 1, .session = "adf4238a-882b-9ddc-4a9d-5b6758e4159e"}},
          .pointers = {{.key = "demo#/p", .value = "6379", .kind = 3, .modify_index = 12, .session = ""}},
          .indexes = {12, 34},
          .generation = 0x68a1b2c300000007,
          .origin = 1,
          .published_wall_ns = 0x1122334455667788,
          .read_wall_ns = 0x0102030405060708,
          .sources_hash = 0xabcdef,
          .hash_seed = 0x5eed};
}

shm::Item item_of(const PlainItem& item) {
  return {.key = item.key, .value = item.value, .kind = static_cast<format::Kind>(item.kind), .flags = item.flags,
          .create_index = item.create_index, .modify_index = item.modify_index, .lock_index = item.lock_index,
          .session = item.session};
}

// The same content by the builder of the sidecar.
std::string built(const PlainContent& content) {
  shm::Content real;
  for (const PlainItem& item : content.keys) real.keys.push_back(item_of(item));
  for (const PlainItem& item : content.pointers) real.pointers.push_back(item_of(item));
  real.indexes = content.indexes;
  real.sources_hash = content.sources_hash;
  real.read_wall = std::chrono::nanoseconds(content.read_wall_ns);
  std::vector<std::uint64_t> words(shm::snapshot_bytes(real).value() / 8);
  const auto bytes = std::as_writable_bytes(std::span(words));
  shm::build_snapshot(real, content.hash_seed, bytes);
  shm::stamp_generation(bytes, content.generation, std::chrono::nanoseconds(content.published_wall_ns),
                        static_cast<format::Origin>(content.origin));
  return {reinterpret_cast<const char*>(words.data()), words.size() * 8};
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (const unsigned char byte : bytes) {
    for (const int digit : {byte >> 4, byte & 15}) out += "0123456789abcdef"[digit];
  }
  return out;
}

TEST(Golden, ASnapshotByteForByte) {
  const std::string golden =
      "53484d434f4e46530100000000010000f00100000000000007000000c3b2a16888776655443322110807060504030201"
      "0100000002000000efcdab000000000002000000000000000100000000000000ed5e0000000000000001000000000000"
      "100100000000000006000000000000004001000000000000010000000000000001000000000000004801000000000000"
      "c801000000000000056b7f224e0db587bfa09676f1e8b5da110000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000004d3b349480fffd2d0c00000000000000220000000000000000000000000000000000000000000000"
      "0000000000000000d5e094f92e0000007d7cf8622900000037733460390000002900000039000000040000010a000000"
      "0c00000000000000000000000000000064656d6f7b2270223a363337397d000001000080020000000800000000000000"
      "07000000000000000300000000000000010000000000000061646634323338612d383832622d396464632d346139642d"
      "356236373538653431353965000000006b00ff000000000007000003040000000c000000000000000000000000000000"
      "64656d6f232f70363337390000000000";
  EXPECT_EQ(hex(built(sample())), golden);
}

// Where the bytes of the two builders part, given the same number of slots; -1: nowhere.
std::ptrdiff_t difference(PlainContent content) {
  const std::string real = built(content);
  std::memcpy(&content.slot_count, real.data() + offsetof(format::SnapshotHeader, slot_count), 8);
  const std::string plain = PlainSnapshot(content).string();
  if (real == plain) return -1;
  return std::mismatch(real.begin(), real.end(), plain.begin(), plain.end()).first - real.begin();
}

TEST(Golden, TwoBuildersMakeTheSameBytes) {
  EXPECT_EQ(difference(sample()), -1);
  EXPECT_EQ(difference({}), -1);
  PlainContent many;
  for (int i = 1000; i < 1300; ++i) {
    PlainItem item{.key = "key/" + std::to_string(i), .value = std::string(static_cast<std::size_t>(i % 50), 'v')};
    item.flags = i % 7 == 0 ? 5 : 0;
    many.keys.push_back(item);
    if (i % 3 == 0) many.pointers.push_back({.key = item.key + "#/x", .value = "1", .kind = 3});
  }
  EXPECT_EQ(difference(many), -1);
}

TEST(Golden, AControlPageByteForByte) {
  format::ControlPage page{};
  page.magic = format::kControlMagic;
  page.version = 1;
  page.page_bytes = 4096;
  page.boot_id.fill('b');
  page.snapshot_version = 1;
  page.created_wall_s = 0x0807060504030201;
  page.generation = 0x1817161514131211;
  page.sync_count = 0x21;
  page.settled_rounds_exceeded = 0x22;
  page.roles[1].alive_ns = 0x31;
  page.roles[1].starts = 0x32;
  page.roles[1].last_error.store("oops");
  page.backup_path.store("/backup");

  std::string expected(4096, '\0');
  const auto put = [&expected](std::size_t at, const std::string& bytes) { expected.replace(at, bytes.size(), bytes); };
  const auto little = [](std::uint64_t value) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &value, 8);
    return bytes;
  };
  put(0, "SHMCONFC");
  put(8, std::string("\1\0\0\0\0\x10\0\0", 8));
  put(16, std::string(36, 'b') + std::string("\1\0\0\0", 4));
  put(56, "\1\2\3\4\5\6\7\x8");
  put(64, "\x11\x12\x13\x14\x15\x16\x17\x18");
  put(128, little(0x21) + little(0x22));
  put(192 + 320, little(0x31));
  put(192 + 320 + 56, little(0x32) + std::string("\2\0\0\0\4\0\0\0", 8) + "oops");
  put(192 + 3 * 320, std::string("\2\0\0\0\7\0\0\0", 8) + "/backup");
  std::string actual(4096, '\0');
  std::memcpy(actual.data(), static_cast<const void*>(&page), sizeof page);
  EXPECT_EQ(hex(actual), hex(expected));
}

}  // namespace
}  // namespace shmconf
