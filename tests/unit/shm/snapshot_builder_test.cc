#include "shm/snapshot_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "shmconf/snapshot_view.h"

namespace shmconf::shm {
namespace {

// 8-byte aligned, zeroed storage.
class Built {
 public:
  explicit Built(const Content& content, std::uint64_t seed = 7)
      : words_(snapshot_bytes(content).value() / 8) {
    build_snapshot(content, seed, bytes());
    stamp_generation(bytes(), 5, std::chrono::seconds(9), content.origin);
  }
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(words_)); }
  SnapshotView view() { return SnapshotView::open(bytes()).value(); }

 private:
  std::vector<std::uint64_t> words_;
};

Item item(std::string_view key, std::string_view value) { return {.key = key, .value = value, .session = {}}; }

TEST(SnapshotBuilder, EmptyContentIsASoundSnapshotWithoutKeys) {
  Built built{Content{}};
  EXPECT_TRUE(built.view().verify());
  Entry entry;
  // A table without a slot: the lengths are of the two ways that a lookup takes. So is no table at all.
  ASSERT_EQ(built.view().header().slot_count, 0u);
  for (const std::string_view key : {"", "a", "redis/host"}) {
    EXPECT_EQ(built.view().find(key, entry), Lookup::kAbsent) << key;
    EXPECT_EQ(SnapshotView().find(key, entry), Lookup::kAbsent) << key;
  }
  auto walk = built.view().walk("a");
  EXPECT_FALSE(walk.next(entry));
  EXPECT_FALSE(walk.damaged());
}

TEST(SnapshotBuilder, EveryFieldComesBack) {
  const std::string session = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
  const std::string binary("\0\xff\x01 tail", 8);
  Content content;
  content.keys = {{.key = "a", .value = binary, .flags = ~std::uint64_t{0}, .create_index = 3, .modify_index = 4,
                   .lock_index = 2, .session = session},
                  {.key = "b", .value = "", .create_index = ~std::uint64_t{0}, .modify_index = 1, .session = {}}};
  content.pointers = {{.key = "c#/port", .value = "6379", .kind = format::Kind::kInteger, .modify_index = 8, .session = {}}};
  content.indexes = {11, 22};
  content.sources_hash = 99;
  content.read_wall = std::chrono::seconds(5);
  Built built(content);
  const SnapshotView view = built.view();
  ASSERT_TRUE(view.verify()) << view.verify().error().text;
  Entry entry;
  ASSERT_EQ(view.find("a", entry), Lookup::kFound);
  EXPECT_EQ(entry.value, binary);
  EXPECT_EQ(entry.flags(), ~std::uint64_t{0});
  EXPECT_EQ(entry.create_index(), 3u);
  EXPECT_EQ(entry.modify_index(), 4u);
  EXPECT_EQ(entry.lock_index(), 2u);
  EXPECT_EQ(entry.session(), session);
  ASSERT_EQ(view.find("b", entry), Lookup::kFound);
  EXPECT_EQ(entry.value, "");
  EXPECT_EQ(entry.create_index(), ~std::uint64_t{0});
  EXPECT_EQ(entry.flags(), 0u);
  EXPECT_EQ(entry.session(), "");
  ASSERT_EQ(view.find("c#/port", entry), Lookup::kFound);
  EXPECT_EQ(entry.kind(), format::Kind::kInteger);
  EXPECT_EQ(view.header().generation, 5u);
  EXPECT_EQ(view.header().published_wall_ns, 9'000'000'000u);
  EXPECT_EQ(view.header().read_wall_ns, 5'000'000'000u);
  EXPECT_EQ(view.header().key_value_bytes, 10u);
  ASSERT_EQ(view.indexes().size(), 2u);
  EXPECT_EQ(view.indexes()[1], 22u);
}

TEST(SnapshotBuilder, AgreesWithAMapOnHitsMissesAndPrefixWalks) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 40; ++round) {
    std::map<std::string, std::string> model;
    const std::size_t wanted = random() % 300;
    while (model.size() < wanted) {
      std::string key(random() % 40, '\0');
      for (char& c : key) c = "ab/\xff\0c"[random() % 6];
      model[key] = std::string(random() % 90, static_cast<char>(random()));
    }
    Content content;
    for (const auto& [key, value] : model) content.keys.push_back(item(key, value));
    Built built(content, random());
    const SnapshotView view = built.view();
    ASSERT_TRUE(view.verify()) << view.verify().error().text;
    Entry entry;
    for (const auto& [key, value] : model) {
      ASSERT_EQ(view.find(key, entry), Lookup::kFound);
      ASSERT_EQ(entry.value, value);
      const std::string other = key + "x";
      ASSERT_EQ(view.find(other, entry) == Lookup::kFound, model.contains(other));
      const std::string prefix = key.substr(0, key.size() / 2);
      auto walk = view.walk(prefix);
      auto expected = model.lower_bound(prefix);
      while (walk.next(entry)) {
        ASSERT_NE(expected, model.end());
        ASSERT_EQ(entry.key, expected->first);
        ++expected;
      }
      ASSERT_FALSE(walk.damaged());
      ASSERT_TRUE(expected == model.end() || !expected->first.starts_with(prefix));
    }
  }
}

TEST(SnapshotView, FindsKeysOfEveryLengthWithAndWithoutAttributes) {
  std::vector<std::string> keys;
  for (std::size_t size = 0; size <= 80; ++size) keys.emplace_back(size, 'k');
  for (std::uint64_t seed = 0; seed < 20; ++seed) {  // some of them put keys behind the table's end
    Content content;
    for (const std::string& key : keys) {
      content.keys.push_back({.key = key, .value = key, .flags = (key.size() + seed) % 2, .session = {}});
    }
    Built built(content, seed);
    const SnapshotView view = built.view();
    for (std::string key : keys) {
      Entry entry;
      ASSERT_EQ(view.find(key, entry), Lookup::kFound) << key.size() << " bytes, seed " << seed;
      ASSERT_EQ(entry.key, key);
      ASSERT_EQ(entry.value, key);
      ASSERT_EQ(entry.flags(), (key.size() + seed) % 2);
      if (key.empty()) continue;
      key.back() = 'K';
      ASSERT_EQ(view.find(key, entry), Lookup::kAbsent);
    }
  }
}

TEST(SnapshotView, WhatReachesOutsideIsDamagedAndNotRead) {
  const std::string key = "config/web/port";
  for (const std::uint64_t flags : {0, 1}) {
    Content content;
    content.keys = {{.key = key, .value = "8080", .flags = flags, .session = {}}};
    Built built(content);
    const SnapshotView view = built.view();  // whose bytes change behind it
    Entry entry;
    ASSERT_EQ(view.find(key, entry), Lookup::kFound);
    std::byte* const begin = built.bytes().data();
    auto& record = *reinterpret_cast<format::Record*>(begin + (reinterpret_cast<const std::byte*>(entry.record) - begin));
    const auto most = static_cast<std::uint32_t>(reinterpret_cast<char*>(begin + built.bytes().size()) - entry.value.data());
    record.value_bytes = most;
    EXPECT_EQ(view.find(key, entry), Lookup::kFound);
    EXPECT_EQ(entry.value.size(), most);
    for (const std::uint32_t too_many : {most + 1, ~std::uint32_t{0}}) {
      record.value_bytes = too_many;
      EXPECT_EQ(view.find(key, entry), Lookup::kDamaged) << too_many;
    }
    record.value_bytes = 0;
    if (flags == 0) {  // there is no room for attributes
      const std::uint32_t without = record.key_word;
      record.key_word |= std::uint32_t{format::Record::kHasAttributes} << 24;
      EXPECT_EQ(view.find(key, entry), Lookup::kDamaged);
      record.key_word = without;
    }
    auto* slot = reinterpret_cast<format::Slot*>(begin + view.header().slots_offset);
    while (slot->position == 0) ++slot;
    const auto end = static_cast<std::uint32_t>(built.bytes().size() / format::kPositionUnit);
    for (const std::uint32_t position : {1U, 31U, end - 2, end, ~std::uint32_t{0}}) {
      slot->position = position;
      EXPECT_EQ(view.find(key, entry), Lookup::kDamaged) << position;
    }
  }
}

TEST(SnapshotBuilder, RefusesKeysOutOfOrderOrTwice) {
  Content content;
  content.keys = {item("b", "1"), item("a", "2")};
  EXPECT_EQ(snapshot_bytes(content).error().code, ErrorCode::kInvalid);
  content.keys = {item("a", "1"), item("a", "2")};
  EXPECT_EQ(snapshot_bytes(content).error().code, ErrorCode::kInvalid);
}

TEST(SnapshotBuilder, SameContentSeesEveryFieldOfEveryKey) {
  Content content;
  content.keys = {item("a", "1"), item("b", "2")};
  content.sources_hash = 3;
  Built built(content);
  EXPECT_TRUE(same_content(built.view(), content));
  const auto differs = [&](auto change) {
    Content other = content;
    change(other);
    return !same_content(built.view(), other);
  };
  EXPECT_TRUE(differs([](Content& c) { c.keys[1].value = "3"; }));
  EXPECT_TRUE(differs([](Content& c) { c.keys[1].key = "c"; }));
  EXPECT_TRUE(differs([](Content& c) { c.keys[1].flags = 1; }));
  EXPECT_TRUE(differs([](Content& c) { c.keys[1].modify_index = 1; }));
  EXPECT_TRUE(differs([](Content& c) { c.keys[1].create_index = 1; }));
  EXPECT_TRUE(differs([](Content& c) { c.keys[1].lock_index = 1; }));
  EXPECT_TRUE(differs([](Content& c) { c.keys[1].session = "s"; }));
  EXPECT_TRUE(differs([](Content& c) { c.keys.pop_back(); }));
  EXPECT_TRUE(differs([](Content& c) { c.sources_hash = 4; }));
  EXPECT_FALSE(differs([](Content& c) { c.indexes = {77}; }));
}

TEST(SnapshotBuilder, OverheadStaysWithinAThirdOfKeysAndValues) {
  Content content;
  std::vector<std::string> names;
  for (int i = 0; i < 20'000; ++i) {
    std::string name = std::to_string(i);
    names.push_back("config/service/some-key-" + std::string(6 - name.size(), '0') + name);
  }
  const std::string value(100, 'v');
  for (const std::string& name : names) content.keys.push_back(item(name, value));
  const auto payload = static_cast<double>(content.keys.size() * (30 + 100));
  EXPECT_LE(static_cast<double>(snapshot_bytes(content).value()) / payload, 1.35);
}

TEST(SnapshotView, EachFlippedBitIsNoticedByOpenOrVerify) {
  const std::string longer(70, 'x');
  Content content;
  content.keys = {item("alpha", "one"), item("beta", "two"), item("gamma", longer)};
  content.indexes = {1};
  Built built(content);
  auto bytes = built.bytes();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      const auto mask = static_cast<std::byte>(1 << bit);
      bytes[at] ^= mask;
      auto view = SnapshotView::open(bytes);
      EXPECT_FALSE(view && view->verify()) << "byte " << at << " bit " << bit;
      bytes[at] ^= mask;
    }
  }
  EXPECT_TRUE(built.view().verify());
}

TEST(SnapshotView, EachShorterLengthIsRefused) {
  Content content;
  content.keys = {item("alpha", "one"), item("beta", "two")};
  Built built(content);
  for (std::size_t size = 0; size < built.bytes().size(); ++size) {
    EXPECT_FALSE(SnapshotView::open(built.bytes().first(size))) << size;
  }
}

}  // namespace
}  // namespace shmconf::shm
