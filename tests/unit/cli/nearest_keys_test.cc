#include "cli/nearest_keys.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/cli/packed_snapshot.h"

namespace shmconf::cli {
namespace {

using Names = std::vector<std::string>;

TEST(EditDistance, CountsSingleEdits) {
  EXPECT_EQ(edit_distance("", "", 5), 0u);
  EXPECT_EQ(edit_distance("abc", "abc", 5), 0u);
  EXPECT_EQ(edit_distance("abc", "abd", 5), 1u);
  EXPECT_EQ(edit_distance("abc", "ab", 5), 1u);
  EXPECT_EQ(edit_distance("", "abc", 5), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting", 5), 3u);
}

TEST(EditDistance, StopsAboveTheLimit) {
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3u);
  EXPECT_EQ(edit_distance("a", "abcdefgh", 2), 3u);
  EXPECT_EQ(edit_distance("aaaaaaaa", "bbbbbbbb", 2), 3u);
  EXPECT_EQ(edit_distance("abcd", "cdxx", 2), 3u);
}

class NearestKeys : public testing::Test {
 protected:
  PackedSnapshot packed_{{{"Feature/Dark", "1"},
                          {"doc", R"({"redis_config": {"redis_port": 6379, "redis_host": "h"}})"},
                          {"mail/sender", "a@b"},
                          {"plain", "text"},
                          {"redis/host", "h"},
                          {"redis/port", "6379"},
                          {"redis/post", "x"}}};
  const Snapshot& snapshot_ = packed_.snapshot();
};

TEST_F(NearestKeys, PutsTheFewestEditsFirst) {
  EXPECT_EQ(nearest_keys(snapshot_, "redis/porz", Listing::kKeys, 3),
            (Names{"redis/port", "redis/post", "redis/host"}));
}

TEST_F(NearestKeys, ForgivesConsulsWholePath) {
  EXPECT_EQ(nearest_keys(snapshot_, "config/web/mail/sender", Listing::kKeys, 1), (Names{"mail/sender"}));
}

TEST_F(NearestKeys, NamesNoMoreThanItIsAskedFor) {
  EXPECT_EQ(nearest_keys(snapshot_, "redis/porz", Listing::kKeys, 2), (Names{"redis/port", "redis/post"}));
  EXPECT_EQ(nearest_keys(snapshot_, "redis/porz", Listing::kKeys, 1), (Names{"redis/port"}));
}

TEST_F(NearestKeys, ForgivesCase) {
  EXPECT_EQ(nearest_keys(snapshot_, "FEATURE/DARK", Listing::kKeys, 1), (Names{"Feature/Dark"}));
}

TEST_F(NearestKeys, NamesNothingThatIsFar) {
  EXPECT_EQ(nearest_keys(snapshot_, "zzzzzzzz", Listing::kKeys, 3), Names{});
}

TEST_F(NearestKeys, TextNamesTheNearest) {
  EXPECT_EQ(absent_text(snapshot_, "redis/hots"),
            "no key 'redis/hots'; the nearest: 'redis/host', 'redis/port', 'redis/post'");
}

TEST_F(NearestKeys, TextTellsAFolderFromAKey) {
  EXPECT_EQ(absent_text(snapshot_, "redis"),
            "no key 'redis', but 3 keys below it: see `shmconf list 'redis/'`");
  EXPECT_EQ(absent_text(snapshot_, "redis/"),
            "no key 'redis/', but 3 keys below it: see `shmconf list 'redis/'`");
}

TEST_F(NearestKeys, TextPointsIntoTheList) {
  EXPECT_EQ(absent_text(snapshot_, "zzzzzzzz"), "no key 'zzzzzzzz' among 7 keys: see `shmconf list`");
}

TEST_F(NearestKeys, TextNamesTheNearestPointerOfADocument) {
  EXPECT_EQ(absent_text(snapshot_, "doc#/redis_config/redis_prt"),
            "no key 'doc#/redis_config/redis_prt'; the nearest: 'doc#/redis_config/redis_port', "
            "'doc#/redis_config/redis_host'");
  EXPECT_EQ(absent_text(snapshot_, "doc#/x"), "no key 'doc#/x': see `shmconf list --expanded 'doc#/'`");
}

TEST_F(NearestKeys, TextTellsThatAValueIsNoDocument) {
  EXPECT_NE(absent_text(snapshot_, "plain#/x").find("'plain' is there, but is no JSON"), std::string::npos);
}

TEST_F(NearestKeys, TextEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(absent_text(snapshot_, "\x1b[2J"), "no key '\\x1b[2J' among 7 keys: see `shmconf list`");
}

TEST(NearestKeysOfNothing, TextSaysThatThereIsNothing) {
  EXPECT_EQ(absent_text(Snapshot(), "a"), "no key 'a': the configuration is empty");
}

}  // namespace
}  // namespace shmconf::cli
