#include "dev/kv_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shmconf::dev {
namespace {

std::vector<std::string> names(const KvStore::Range& range) {
  std::vector<std::string> result;
  for (auto i = range.begin; i != range.end; ++i) result.push_back(i->first);
  return result;
}

Operation operation(std::string verb, std::string key, std::string value = {}, std::uint64_t index = 0) {
  return {std::move(verb), std::move(key), std::move(value), 0, index};
}

TEST(KvStore, AnEmptyStoreHasIndexOneAndItsFirstWritePassesIt) {
  KvStore store;
  EXPECT_EQ(store.get("k").index, 1U);
  EXPECT_EQ(store.list("").index, 1U);
  EXPECT_EQ(store.keys("", "/").index, 1U);
  ASSERT_TRUE(store.put("k", "v"));
  EXPECT_GT(store.get("k").index, 1U);
}

TEST(KvStore, PutSetsAndKeepsWhatConsulDoes) {
  KvStore store;
  ASSERT_TRUE(store.put("k", "1", 7));
  const auto first = *store.get("k").entry;
  EXPECT_EQ(first.value, "1");
  EXPECT_EQ(first.flags, 7U);
  EXPECT_EQ(first.create_index, first.modify_index);
  ASSERT_TRUE(store.put("k", "1", 7));
  EXPECT_EQ(store.get("k").entry->modify_index, first.modify_index) << "nothing changed";
  ASSERT_TRUE(store.put("k", "1", 8));
  EXPECT_GT(store.get("k").entry->modify_index, first.modify_index);
  EXPECT_EQ(store.get("k").entry->create_index, first.create_index);
}

TEST(KvStore, CasZeroIsForAbsentKeysOnly) {
  KvStore store;
  EXPECT_FALSE(store.put("k", "v", 0, 5));
  EXPECT_TRUE(store.put("k", "v", 0, 0));
  EXPECT_FALSE(store.put("k", "w", 0, 0));
  const auto index = store.get("k").index;
  EXPECT_FALSE(store.put("k", "w", 0, index + 1));
  EXPECT_EQ(store.get("k").entry->value, "v");
  EXPECT_TRUE(store.put("k", "w", 0, index));
  EXPECT_FALSE(store.remove("k", index));
  EXPECT_TRUE(store.remove("k", store.get("k").index));
  EXPECT_TRUE(store.remove("k", 12345)) << "already absent";
}

TEST(KvStore, PrefixesAreBytes) {
  KvStore store;
  for (const char* key : {"a", "a/", "a/1", "a0", "b", "\xff", "\xff\xff", "\xff\xff z"}) store.put(key, "v");
  EXPECT_EQ(names(store.list("a/")), (std::vector<std::string>{"a/", "a/1"}));
  EXPECT_EQ(names(store.list("a")), (std::vector<std::string>{"a", "a/", "a/1", "a0"}));
  EXPECT_EQ(names(store.list("\xff")), (std::vector<std::string>{"\xff", "\xff\xff", "\xff\xff z"}));
  EXPECT_EQ(names(store.list("\xff\xff")), (std::vector<std::string>{"\xff\xff", "\xff\xff z"}));
  EXPECT_EQ(names(store.list("")).size(), 8U);
  EXPECT_TRUE(store.list("c").empty());
}

TEST(KvStore, APrefixsIndexIsTheHighestOfItsKeysAndDeletions) {
  KvStore store;
  store.put("p/1", "v");
  store.put("p/2", "v");
  const auto two = store.list("p/").index;
  EXPECT_EQ(two, store.get("p/2").index);
  store.put("q/1", "v");
  EXPECT_EQ(store.list("p/").index, two) << "another prefix";
  EXPECT_EQ(store.list("none/").index, store.get("q/1").index) << "the table's index";
  store.remove("p/2");
  const auto deleted = store.list("p/").index;
  EXPECT_GT(deleted, store.get("q/1").index) << "does not fall back to the oldest key";
  EXPECT_EQ(store.get("p/2").index, deleted);
  store.remove("p/2");
  EXPECT_EQ(store.list("p/").index, deleted) << "nothing was there to delete";
}

TEST(KvStore, ADeletedTreeKeepsItsIndexButOnlyUnderItsOwnPrefix) {
  KvStore store;
  store.put("p/q/1", "v");
  store.remove_tree("p/");
  const auto deleted = store.list("p/").index;
  EXPECT_EQ(deleted, store.list("p/q/").index);
  store.put("other", "v");
  EXPECT_EQ(store.list("p/").index, deleted);
  EXPECT_GT(store.list("p/q/").index, deleted) << "Consul leaves one grave, at the prefix deleted";
  store.remove_tree("nothing/");
  EXPECT_EQ(store.list("nothing/").index, store.get("other").index);
}

TEST(KvStore, KeysFoldAtTheSeparator) {
  KvStore store;
  for (const char* key : {"a/", "a/1", "a/b/1", "a/b/2", "z"}) store.put(key, "v");
  EXPECT_EQ(store.keys("a/", "/").keys, (std::vector<std::string>{"a/", "a/1", "a/b/"}));
  EXPECT_EQ(store.keys("a/", "").keys, (std::vector<std::string>{"a/", "a/1", "a/b/1", "a/b/2"}));
  EXPECT_EQ(store.keys("", "b/").keys, (std::vector<std::string>{"a/", "a/1", "a/b/", "z"}));
}

TEST(KvStore, ATransactionHasOneIndex) {
  KvStore store;
  const std::vector<Operation> set{operation("set", "a", "1"), operation("set", "b", "2"),
                                   operation("get", "a"), operation("get-tree", "")};
  const auto result = store.apply(set);
  ASSERT_TRUE(result.errors.empty());
  EXPECT_EQ(store.get("a").index, store.get("b").index);
  ASSERT_EQ(result.items.size(), 5U);
  EXPECT_TRUE(result.items[0].without_value);
  EXPECT_EQ(result.items[2].entry.value, "1");
}

TEST(KvStore, AFailedTransactionLeavesEverythingAsItWas) {
  KvStore store;
  store.put("a", "1", 3);
  store.put("t/1", "x");
  store.put("t/2", "y");
  store.remove("t/2");
  const auto before = *store.get("a").entry;
  const auto table = store.get("none").index;
  const auto tree = store.list("t/").index;
  int woken = 0;
  store.wait({"", true}, store.list("").index, [&] { ++woken; });
  const std::vector<Operation> failing{
      operation("set", "a", "2"),   operation("set", "new", "n"), operation("set", "t/2", "again"),
      operation("delete", "a"),     operation("set", "a", "3"),   operation("delete-tree", "t/"),
      operation("set", "t/9", "z"), operation("get", "none"),     operation("cas", "a", "4", 999),
      operation("lock", "a")};
  const auto result = store.apply(failing);
  EXPECT_EQ(result.errors.size(), 3U);
  EXPECT_EQ(result.errors[0].operation, 7U);
  EXPECT_TRUE(result.items.empty());
  EXPECT_EQ(names(store.list("")), (std::vector<std::string>{"a", "t/1"}));
  EXPECT_EQ(store.get("a").entry->value, "1");
  EXPECT_EQ(store.get("a").entry->modify_index, before.modify_index);
  EXPECT_EQ(store.get("none").index, table);
  EXPECT_EQ(store.list("t/").index, tree);
  EXPECT_EQ(woken, 0);
}

TEST(KvStore, AWaiterIsWokenOnceByTheWriteThatConcernsIt) {
  KvStore store;
  store.put("p/1", "v");
  int prefix = 0, key = 0, absent = 0;
  store.wait({"p/", true}, store.list("p/").index, [&] { ++prefix; });
  store.wait({"p/1", false}, store.get("p/1").index, [&] { ++key; });
  store.put("p/2", "v");
  EXPECT_EQ(prefix, 1);
  EXPECT_EQ(key, 0);
  store.wait({"gone/x", false}, store.get("gone/x").index, [&] { ++absent; });
  store.put("gone/x", "v");
  EXPECT_EQ(absent, 1);
  store.put("p/1", "v");
  EXPECT_EQ(key, 0) << "the same value";
  store.remove("p/1");
  EXPECT_EQ(key, 1);
  store.put("p/1", "v");
  EXPECT_EQ(prefix, 1);
  EXPECT_EQ(key, 1);
  EXPECT_EQ(store.waiters(), 0U);
}

TEST(KvStore, AWaiterForSomethingAbsentIsWokenByAnyChange) {
  KvStore store;
  store.put("p/1", "v");
  int woken = 0;
  store.wait({"none/", true}, store.list("none/").index, [&] { ++woken; });
  store.wait({"none", false}, store.get("none").index, [&] { ++woken; });
  store.put("p/1", "v");
  EXPECT_EQ(woken, 0) << "no change at all";
  store.put("p/1", "w");
  EXPECT_EQ(woken, 2) << "its index is the table's";
}

TEST(KvStore, ATreeDeletedAboveWakesWhatIsBelow) {
  KvStore store;
  store.put("p/q/1", "v");
  int below = 0, single = 0, beside = 0;
  store.put("pq", "v");
  store.wait({"p/q/", true}, store.list("p/q/").index, [&] { ++below; });
  store.wait({"p/q/1", false}, store.get("p/q/1").index, [&] { ++single; });
  store.wait({"pq", false}, store.get("pq").index, [&] { ++beside; });
  store.remove_tree("p/");
  EXPECT_EQ(below, 1);
  EXPECT_EQ(single, 1);
  EXPECT_EQ(beside, 0);
}

TEST(KvStore, AWaiterForTheFutureSleepsUntilThen) {
  KvStore store;
  store.put("k", "0");
  int woken = 0;
  store.wait({"k", false}, store.get("k").index + 2, [&] { ++woken; });
  store.put("k", "1");
  store.put("k", "2");
  EXPECT_EQ(woken, 0);
  store.put("k", "3");
  EXPECT_EQ(woken, 1);
}

TEST(KvStore, AForgottenWaiterIsNotWoken) {
  KvStore store;
  int woken = 0;
  const auto first = store.wait({"k", false}, 1, [&] { ++woken; });
  const auto second = store.wait({"k", false}, 1, [&] { woken += 10; });
  EXPECT_NE(first, second);
  store.forget(first);
  store.forget(first);
  store.put("k", "v");
  EXPECT_EQ(woken, 10);
}

}  // namespace
}  // namespace shmconf::dev
