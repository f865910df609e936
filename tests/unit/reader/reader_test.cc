// What a reader answers: values, types, listings, snapshots, Value handles; over a place in memory.
#include "shmconf/reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "unit/reader/memory_place.h"

namespace shmconf {
namespace {

using testing::MemoryPlace;
using testing::PlainContent;
using testing::PlainItem;

class ReaderTest : public ::testing::Test {
 protected:
  Reader open() { return reader::open_at(place, {}).value(); }

  std::shared_ptr<MemoryPlace> place = std::make_shared<MemoryPlace>();
};

PlainContent keys(std::vector<PlainItem> items) { return {.keys = std::move(items), .pointers = {}}; }

TEST_F(ReaderTest, GetsBytesAndTellsAbsentFromEmpty) {
  const std::string binary("\0\xff\n", 3);
  place->publish(keys({{.key = "a", .value = binary}, {.key = "empty", .value = ""}, {.key = "dir/", .value = "x"}}));
  const Reader reader = open();
  EXPECT_EQ(reader.get("a"), binary);
  EXPECT_EQ(reader.get("empty"), "");
  EXPECT_EQ(reader.get("dir/"), "x");
  EXPECT_EQ(reader.get("b"), std::nullopt);
  EXPECT_EQ(reader.get(""), std::nullopt);
  EXPECT_TRUE(reader.contains("empty"));
  EXPECT_FALSE(reader.contains("dir"));
}

TEST_F(ReaderTest, GetsTypesAndSaysWhyNot) {
  place->publish({.keys = {{.key = "port", .value = "6379"}, {.key = "host", .value = "h"}, {.key = "big", .value = "300"}},
                  .pointers = {{.key = "doc#/n", .value = "null", .kind = 6}, {.key = "doc#/t", .value = "30s", .kind = 2}}});
  const Reader reader = open();
  EXPECT_EQ(reader.get<int>("port").value(), 6379);
  EXPECT_EQ(reader.get<std::string>("port").value(), "6379");
  EXPECT_EQ(reader.get<std::chrono::milliseconds>("doc#/t").value().count(), 30'000);
  EXPECT_EQ(reader.get<int>("host").error().code, ErrorCode::kWrongType);
  EXPECT_EQ(reader.get<std::uint8_t>("big").error().code, ErrorCode::kWrongType);
  EXPECT_EQ(reader.get<int>("none").error().code, ErrorCode::kAbsent);
  EXPECT_EQ(reader.get<std::string>("doc#/n").error().code, ErrorCode::kWrongType);
  EXPECT_NE(reader.get<int>("host").error().text.find("'host'"), std::string::npos);
  EXPECT_EQ(reader.get<int>("host").error().text.find("'h'"), std::string::npos) << "values may be secrets";

  EXPECT_EQ(reader.get<int>("port", 1), 6379);
  EXPECT_EQ(reader.get<int>("host", 1), 1);
  EXPECT_EQ(reader.get<int>("none", 1), 1);
  EXPECT_EQ(reader.get<std::string>("none", "d"), "d");
  EXPECT_EQ(reader.get<std::string>("doc#/n", "d"), "d");
}

TEST_F(ReaderTest, EntriesCarryWhatConsulSaid) {
  const std::string session = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
  place->publish(keys({{.key = "k", .value = "v", .flags = ~0ULL, .create_index = 3, .modify_index = 4,
                        .lock_index = 5, .session = session},
                       {.key = "plain", .value = "w", .modify_index = 9}}));
  const Reader reader = open();
  const Entry entry = reader.entry("k").value();
  EXPECT_EQ(entry.key, "k");
  EXPECT_EQ(entry.value, "v");
  EXPECT_EQ(entry.flags(), ~0ULL);
  EXPECT_EQ(entry.create_index(), 3U);
  EXPECT_EQ(entry.modify_index(), 4U);
  EXPECT_EQ(entry.lock_index(), 5U);
  EXPECT_EQ(entry.session(), session);
  EXPECT_EQ(reader.entry("plain")->flags(), 0U);
  EXPECT_EQ(reader.entry("plain")->session(), "");
  EXPECT_FALSE(reader.entry("none"));
}

std::vector<std::string> listed(Entries entries) {
  std::vector<std::string> keys;
  for (const Entry& entry : entries) keys.emplace_back(entry.key);
  EXPECT_FALSE(entries.damaged());
  return keys;
}

TEST_F(ReaderTest, ListsAPrefixInOrderWithPointersOnlyWhenAsked) {
  using Keys = std::vector<std::string>;
  place->publish({.keys = {{.key = "a"}, {.key = "redis/a"}, {.key = "redis/b"}, {.key = "redis"}, {.key = "redis0"}},
                  .pointers = {{.key = "a#/x", .value = "1", .kind = 3}, {.key = "redis/a#/y", .value = "2", .kind = 3}}});
  const Reader reader = open();
  EXPECT_EQ(listed(reader.prefix("redis/")), (Keys{"redis/a", "redis/b"}));
  EXPECT_EQ(listed(reader.prefix("redis")), (Keys{"redis", "redis/a", "redis/b", "redis0"}));
  EXPECT_EQ(listed(reader.prefix("")), (Keys{"a", "redis", "redis/a", "redis/b", "redis0"}));
  EXPECT_EQ(listed(reader.prefix("", Listing::kPointers)), (Keys{"a#/x", "redis/a#/y"}));
  EXPECT_EQ(listed(reader.prefix("redis/", Listing::kBoth)), (Keys{"redis/a", "redis/a#/y", "redis/b"}));
  EXPECT_EQ(listed(reader.prefix("zz")), Keys{});
  // The range holds its snapshot and prefix, made of temporaries here.
  Keys found;
  for (const Entry& entry : reader.snapshot().prefix(std::string("redis") + "/")) found.emplace_back(entry.key);
  EXPECT_EQ(found, (Keys{"redis/a", "redis/b"}));
}

TEST_F(ReaderTest, EveryPrefixOfManyKeysListsExactlyItsKeys) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  std::map<std::string, std::string> model;
  for (int i = 0; i < 500; ++i) {
    std::string key;
    for (auto size = 1 + random() % 6; size > 0; --size) key += "ab/\xff"[random() % 4];
    model[key] = std::to_string(i);
  }
  PlainContent content;
  for (const auto& [key, value] : model) content.keys.push_back({.key = key, .value = value});
  place->publish(content);
  const Reader reader = open();
  for (const auto& [prefix, ignored] : model) {
    std::vector<std::string> expected;
    for (auto at = model.lower_bound(prefix); at != model.end() && at->first.starts_with(prefix); ++at) {
      expected.push_back(at->first);
    }
    ASSERT_EQ(listed(reader.prefix(prefix)), expected) << "seed " << seed;
    ASSERT_EQ(reader.get(prefix), model[prefix]);
  }
}

TEST_F(ReaderTest, SeesEachGenerationAtTheNextCall) {
  const auto first = place->publish(keys({{.key = "k", .value = "1"}}));
  const Reader reader = open();
  EXPECT_EQ(reader.generation(), first);
  EXPECT_EQ(reader.get("k"), "1");
  const auto second = place->publish(keys({{.key = "k", .value = "2"}}));
  EXPECT_EQ(reader.get("k"), "2");
  EXPECT_EQ(reader.generation(), second);
}

TEST_F(ReaderTest, AnUnchangedGenerationIsOpenedOnce) {
  place->publish(keys({{.key = "k", .value = "1"}}));
  const Reader reader = open();
  const int asked = place->snapshots_asked + place->pages_asked;
  for (int i = 0; i < 100; ++i) static_cast<void>(reader.get("k"));
  EXPECT_EQ(place->snapshots_asked + place->pages_asked, asked);
}

TEST_F(ReaderTest, ASnapshotStaysAsItWas) {
  place->publish(keys({{.key = "k", .value = "1"}}));
  Snapshot snapshot;
  EXPECT_TRUE(snapshot.empty());
  EXPECT_EQ(snapshot.get("k"), std::nullopt);
  EXPECT_EQ(snapshot.generation(), 0U);
  {
    const Reader reader = open();
    snapshot = reader.snapshot();
    place->publish(keys({{.key = "k", .value = "2"}, {.key = "l", .value = ""}}));
    EXPECT_EQ(reader.get("k"), "2");
    EXPECT_EQ(reader.snapshot().key_count(), 2U);
  }
  EXPECT_EQ(snapshot.get("k"), "1");
  EXPECT_EQ(snapshot.get<int>("k", 0), 1);
  EXPECT_FALSE(snapshot.contains("l"));
  EXPECT_EQ(snapshot.key_count(), 1U);
  EXPECT_TRUE(snapshot.verify());
}

TEST_F(ReaderTest, AValueFollowsItsKey) {
  place->publish(keys({{.key = "port", .value = "1"}}));
  const Reader reader = open();
  const Value<int> port = reader.value<int>("port", 6379);
  EXPECT_EQ(port.get(), 1);
  EXPECT_EQ(port.problem(), std::nullopt);
  place->publish(keys({{.key = "port", .value = "2"}}));
  EXPECT_EQ(*port, 2);
  place->publish(keys({{.key = "port", .value = "many"}}));
  EXPECT_EQ(port.get(), 6379);
  EXPECT_EQ(port.problem(), ErrorCode::kWrongType);
  place->publish(keys({{.key = "other", .value = "2"}}));
  EXPECT_EQ(port.get(), 6379);
  EXPECT_EQ(port.problem(), ErrorCode::kAbsent);
  place->publish(keys({{.key = "port", .value = "3"}}));
  EXPECT_EQ(port.get(), 3);
  EXPECT_EQ(port.problem(), std::nullopt);
}

TEST_F(ReaderTest, AValueSeesWhatItsReaderHasSeenAlreadyAndOutlivesIt) {
  place->publish(keys({{.key = "a", .value = "one"}}));
  auto reader = std::make_unique<Reader>(open());
  Value<std::string> a = reader->value<std::string>("a", "none");
  place->publish(keys({{.key = "a", .value = "two"}}));
  EXPECT_EQ(reader->get("a"), "two");
  EXPECT_EQ(a.get(), "two");
  reader.reset();
  place->publish(keys({{.key = "a", .value = "three"}}));
  EXPECT_EQ(a.get(), "three");
}

TEST_F(ReaderTest, ACopyGoesItsOwnWay) {
  place->publish(keys({{.key = "k", .value = "1"}}));
  Reader first = open();
  const auto view = first.get("k").value();
  const Reader second = first;
  place->publish(keys({{.key = "k", .value = "2"}}));
  EXPECT_EQ(second.get("k"), "2");
  EXPECT_EQ(view, "1") << "a call of one reader must not end the views of another";
  first = second;
  EXPECT_EQ(first.get("k"), "2");
}

TEST_F(ReaderTest, DamagedBytesAreNoValue) {
  testing::PlainSnapshot snapshot(keys({{.key = "key", .value = "value"}}));
  // Both slots lead behind the end: the first 8 bytes behind the header are the index.
  for (std::size_t slot = 256 + 8; slot < 256 + 8 + 16; slot += 8) {
    if (snapshot.get64(slot) != 0) snapshot.put32(slot + 4, 0x00ffffff);
  }
  const auto view = SnapshotView::open(std::as_const(snapshot).bytes());
  ASSERT_TRUE(view);
  const Snapshot damaged(std::make_shared<const reader::Mapping>(reader::Region()), *view);
  EXPECT_EQ(damaged.get("key"), std::nullopt);
  EXPECT_EQ(damaged.get<std::string>("key").error().code, ErrorCode::kDamaged);
  EXPECT_EQ(damaged.get<std::string>("key", "d"), "d");
  EXPECT_EQ(damaged.verify().error().code, ErrorCode::kDamaged);
}

TEST_F(ReaderTest, AListingSaysThatItsBytesAreDamaged) {
  testing::PlainSnapshot snapshot(keys({{.key = "a", .value = "1"}, {.key = "b", .value = "2"}}));
  const std::size_t records = static_cast<std::size_t>(snapshot.get64(offsetof(format::SnapshotHeader, records_offset)));
  snapshot.put32(records + 32 + 4, 0x7fffffff);  // the size of the second record's value
  const auto view = SnapshotView::open(std::as_const(snapshot).bytes());
  const Snapshot damaged(std::make_shared<const reader::Mapping>(reader::Region()), *view);
  Entries entries = damaged.prefix("");
  std::vector<std::string> found;
  for (const Entry& entry : entries) found.emplace_back(entry.key);
  EXPECT_EQ(found, std::vector<std::string>{"a"});
  EXPECT_TRUE(entries.damaged());
}

}  // namespace
}  // namespace shmconf
