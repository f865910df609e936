#include "sources/overlay.h"
#include "settings/sources_hash.h"

#include <gtest/gtest.h>

#include "unit/sources/made_snapshot.h"

namespace shmconf::sources {
namespace {

using settings::Source;

Source prefix(std::string path) { return {.kind = Source::Kind::kPrefix, .path = std::move(path)}; }
Source key(std::string path) { return {.kind = Source::Kind::kKey, .path = std::move(path)}; }

std::string text(const shm::Items& items) {
  std::string all;
  for (const auto& one : items) all += std::string(one.key) + "=" + std::string(one.value) + " ";
  return all;
}

TEST(Overlay, LaterSourcesWinKeyByKey) {
  const std::vector<Source> sources = {prefix("common/"), prefix("web/"), key("demo")};
  const std::vector<consul::KvPair> common = {pair("common/a", "1"), pair("common/b", "1"), pair("common/demo", "1")};
  const std::vector<consul::KvPair> web = {pair("web/b", "2"), pair("web/c", "2")};
  const std::vector<consul::KvPair> demo = {pair("demo", "3")};
  const std::vector<Pairs> pairs = {common, web, demo};
  EXPECT_EQ(text(merge(sources, pairs)), "a=1 b=2 c=2 demo=3 ");
}

TEST(Overlay, TheOrderOfSourcesDecidesNotThatOfTheirNames) {
  const std::vector<Source> sources = {prefix("web/"), prefix("common/")};
  const std::vector<consul::KvPair> web = {pair("web/b", "2")};
  const std::vector<consul::KvPair> common = {pair("common/b", "1")};
  const std::vector<Pairs> pairs = {web, common};
  EXPECT_EQ(text(merge(sources, pairs)), "b=1 ");
}

TEST(Overlay, TheFolderOfThePrefixItselfIsLeftOut) {
  const std::vector<Source> sources = {prefix("web/")};
  const std::vector<consul::KvPair> web = {pair("web/", "folder"), pair("web/a/", "sub"), pair("web/a/b", "2")};
  const std::vector<Pairs> pairs = {web};
  EXPECT_EQ(text(merge(sources, pairs)), "a/=sub a/b=2 ");
}

TEST(Overlay, IsSortedBytewiseAndKeepsEveryField) {
  const std::vector<Source> sources = {prefix("p/"), prefix("q/")};
  const std::vector<consul::KvPair> first = {pair("p/a-b"), pair("p/a/b"), pair("p/\xff")};
  std::vector<consul::KvPair> second = {pair("q/a.b")};
  second[0].flags = ~std::uint64_t{0};
  second[0].create_index = 3;
  second[0].modify_index = 4;
  second[0].lock_index = 5;
  second[0].session = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
  const std::vector<Pairs> pairs = {first, second};
  const auto items = merge(sources, pairs);
  EXPECT_EQ(text(items), "a-b=v a.b=v a/b=v \xff=v ");
  EXPECT_EQ(items[1].flags, ~std::uint64_t{0});
  EXPECT_EQ(items[1].create_index, 3u);
  EXPECT_EQ(items[1].modify_index, 4u);
  EXPECT_EQ(items[1].lock_index, 5u);
  EXPECT_EQ(items[1].session, second[0].session);
}

TEST(Overlay, NamesLeadBackToTheSource) {
  EXPECT_EQ(name_in(prefix("web/"), "a/b"), "web/a/b");
  EXPECT_EQ(name_in(key("demo"), "demo"), "demo");
  EXPECT_FALSE(name_in(key("demo"), "other"));
}

TEST(Overlay, FindsWhatASourceHolds) {
  const std::vector<consul::KvPair> web = {pair("web/a"), pair("web/c")};
  EXPECT_TRUE(holds(prefix("web/"), web, "a"));
  EXPECT_TRUE(holds(prefix("web/"), web, "c"));
  EXPECT_FALSE(holds(prefix("web/"), web, "b"));
  EXPECT_FALSE(holds(prefix("web/"), web, "d"));
  const std::vector<consul::KvPair> demo = {pair("demo")};
  EXPECT_TRUE(holds(key("demo"), demo, "demo"));
  EXPECT_FALSE(holds(key("demo"), {}, "demo"));
}

TEST(Overlay, RefusesKeysThatWereNotAskedFor) {
  EXPECT_TRUE(check_belongs(prefix("app/"), std::vector{pair("app/"), pair("app/a")}));
  EXPECT_FALSE(check_belongs(prefix("app/"), std::vector{pair("app/a"), pair("applause")}));
  EXPECT_FALSE(check_belongs(prefix("app/"), std::vector{pair("ap"), pair("app/a")}));
  EXPECT_TRUE(check_belongs(key("demo"), std::vector{pair("demo")}));
  EXPECT_FALSE(check_belongs(key("demo"), std::vector{pair("other")}));
  EXPECT_FALSE(check_belongs(key("demo"), std::vector{pair("demo"), pair("demo/a")}));
}

TEST(Overlay, TheHashTellsSourcesTheirOrderAndTheirPlaceApart) {
  const settings::Consul here;
  settings::Consul there;
  there.datacenter = "dc2";
  settings::Consul space;
  space.name_space = "dc2";
  const std::vector<Source> one = {prefix("a/"), prefix("b/")};
  const std::uint64_t hash = sources_hash(one, here);
  EXPECT_EQ(hash, sources_hash(std::vector{prefix("a/"), prefix("b/")}, here));
  EXPECT_NE(hash, sources_hash(std::vector{prefix("b/"), prefix("a/")}, here));
  EXPECT_NE(hash, sources_hash(std::vector{prefix("a/b/")}, here));
  EXPECT_NE(sources_hash(std::vector{prefix("a/")}, here), sources_hash(std::vector{key("a/")}, here));
  EXPECT_NE(hash, sources_hash(one, there));
  EXPECT_NE(sources_hash(one, space), sources_hash(one, there));
  EXPECT_NE(hash, 0u);
}

}  // namespace
}  // namespace shmconf::sources
