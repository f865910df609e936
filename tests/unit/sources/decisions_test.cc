// The pure decisions: what an index means, which keys are asked for, what a rewind is.

#include <gtest/gtest.h>

#include "sources/alignment.h"
#include "sources/change_list.h"
#include "sources/index_rule.h"
#include "sources/rewind.h"
#include "sources/stand_still.h"
#include "sources/vanished.h"
#include "unit/sources/made_snapshot.h"

namespace shmconf::sources {
namespace {

using settings::Source;
using namespace std::chrono_literals;

const std::vector<Source> kTwo = {{.kind = Source::Kind::kPrefix, .path = "common/"},
                                  {.kind = Source::Kind::kPrefix, .path = "web/"}};
const std::vector<Source> kOne = {{.kind = Source::Kind::kPrefix, .path = "web/"}};

IndexVerdict verdict(std::uint64_t asked, std::uint64_t answered, std::uint64_t held,
                     std::chrono::milliseconds elapsed) {
  return judge({.asked = asked, .answered = answered, .held = held, .wait = 10s, .elapsed = elapsed});
}

TEST(IndexRule, AHigherIndexIsUsed) {
  EXPECT_EQ(verdict(10, 11, 10, 1ms), IndexVerdict::kUse);
  EXPECT_EQ(verdict(10, 11, 10, 10s), IndexVerdict::kUse);
}

TEST(IndexRule, TheSameIndexAtTheEndOfTheWaitIsUsedAndBeforeItIsNot) {
  EXPECT_EQ(verdict(10, 10, 10, 10s), IndexVerdict::kUse);
  EXPECT_EQ(verdict(10, 10, 10, 9'999ms), IndexVerdict::kUse) << "clocks differ by a little";
  EXPECT_EQ(verdict(10, 10, 10, 9'900ms), IndexVerdict::kReread);
  EXPECT_EQ(verdict(10, 10, 10, 25ms), IndexVerdict::kReread) << "a restored server with the body before";
}

TEST(IndexRule, ALowerIndexStartsOver) {
  EXPECT_EQ(verdict(10, 9, 10, 10s), IndexVerdict::kStartOver);
  EXPECT_EQ(verdict(10, 0, 10, 1ms), IndexVerdict::kStartOver);
  EXPECT_EQ(verdict(10, 1, 10, 1ms), IndexVerdict::kStartOver);
}

TEST(IndexRule, AnAnswerThatAnotherReadOvertookIsNotUsed) {
  EXPECT_EQ(verdict(10, 11, 12, 1ms), IndexVerdict::kReread);
  EXPECT_EQ(verdict(10, 12, 12, 1ms), IndexVerdict::kReread);
  EXPECT_EQ(verdict(10, 13, 12, 1ms), IndexVerdict::kUse);
  // The server was restored to 5, which another read has seen; the poll brings the abandoned store.
  EXPECT_EQ(verdict(10, 10, 5, 10s), IndexVerdict::kReread);
  EXPECT_EQ(verdict(10, 11, 5, 1ms), IndexVerdict::kUse);
}

// --- vanished ---

Suspects vanished(const shm::Items& published, const std::vector<Source>& sources,
                  const std::vector<SourceKeys>& keys, std::size_t most = kMostAsked) {
  const MadeSnapshot snapshot(published);
  std::vector<Pairs> pairs;
  for (const auto& one : keys) pairs.push_back(one.now);
  const auto merged = merge(sources, pairs);
  Vanished vanished(sources, keys);
  align(snapshot.view(), merged, [&](const Entry* before, const shm::Item* item) { vanished.see(before, item); });
  return vanished.suspects(most);
}

SourceKeys unknown(Pairs now) { return {.now = now, .known_before = false, .before = {}}; }
SourceKeys known(Pairs now, Pairs before) { return {.now = now, .known_before = true, .before = before}; }

TEST(Vanished, NothingIsAskedWhenEveryKeyIsThere) {
  const std::vector now = {pair("web/a"), pair("web/b"), pair("web/new")};
  EXPECT_EQ(vanished({item("a", 1, 1), item("b", 1, 1)}, kOne, {unknown(now)}).total, 0u);
}

TEST(Vanished, AMissingKeyIsAskedForUnderEveryNameThatItMayHaveHad) {
  const auto suspects = vanished({item("a", 1, 1)}, kTwo, {unknown({}), unknown({})});
  EXPECT_EQ(suspects.asked, (std::vector<Suspect>{{"common/a", 0}, {"web/a", 1}}));
}

TEST(Vanished, OnlyTheSourceThatHadAMissingKeyIsAskedWhenItIsKnown) {
  const std::vector before = {pair("web/a")};
  EXPECT_EQ(vanished({item("a", 1, 1)}, kTwo, {known({}, {}), known({}, before)}).asked,
            (std::vector<Suspect>{{"web/a", 1}}));
}

TEST(Vanished, AMissingKeyThatNobodyIsKnownToHaveHadIsAskedForEverywhere) {
  EXPECT_EQ(vanished({item("a", 1, 1)}, kTwo, {known({}, {}), known({}, {})}).asked.size(), 2u);
}

TEST(Vanished, ALowerSourceThatShowsThroughMakesTheHigherOneSuspect) {
  const std::vector common = {pair("common/a", "low")};
  EXPECT_EQ(vanished({item("a", 2, 2, "high")}, kTwo, {unknown(common), unknown({})}).asked,
            (std::vector<Suspect>{{"web/a", 1}}));
}

TEST(Vanished, AnOrdinaryChangeInALowerSourceIsNoSuspicion) {
  const std::vector before = {pair("common/a", "old")};
  const std::vector common = {pair("common/a", "new", 1, 9)};
  EXPECT_EQ(vanished({item("a", 1, 1, "old")}, kTwo, {known(common, before), known({}, {})}).total, 0u);
  // A process that has just started cannot know, and asks.
  EXPECT_EQ(vanished({item("a", 1, 1, "old")}, kTwo, {unknown(common), unknown({})}).total, 1u);
}

TEST(Vanished, AKeySourceIsAskedForItsOwnKeyOnly) {
  const std::vector<Source> sources = {kOne[0], {.kind = Source::Kind::kKey, .path = "demo"}};
  EXPECT_EQ(vanished({item("demo", 1, 1), item("x", 1, 1)}, sources, {unknown({}), unknown({})}).asked,
            (std::vector<Suspect>{{"web/demo", 0}, {"demo", 1}, {"web/x", 0}}));
}

TEST(Vanished, AboveTheLimitASampleAcrossDirectoriesIsAsked) {
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("big/" + std::to_string(1000 + i));
  for (int i = 0; i < 30; ++i) names.push_back("dir" + std::to_string(10 + i) + "/only");
  shm::Items published;
  for (const auto& name : names) published.push_back(item(name, 1, 1));
  const auto suspects = vanished(published, kOne, {unknown({})});
  EXPECT_EQ(suspects.total, 530u);
  EXPECT_EQ(suspects.asked.size(), 64u);
  int in_small = 0;
  bool first = false;
  bool last = false;
  for (const auto& one : suspects.asked) {
    in_small += one.name.starts_with("web/dir") ? 1 : 0;
    first |= one.name == "web/big/1000";
    last |= one.name > "web/big/1450" && one.name < "web/big/2000";
  }
  EXPECT_EQ(in_small, 30) << "each directory is represented";
  EXPECT_TRUE(first && last) << "the rest is spread over what is left";
}

TEST(Vanished, ASampleOfMoreDirectoriesThanItsSizeIsSpreadOverThem) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back(std::to_string(1000 + i) + "/k");
  shm::Items published;
  for (const auto& name : names) published.push_back(item(name, 1, 1));
  const auto suspects = vanished(published, kOne, {unknown({})}, 3);
  EXPECT_EQ(suspects.asked, (std::vector<Suspect>{{"web/1000/k", 0}, {"web/1100/k", 0}, {"web/1200/k", 0}}));
}

// --- rewind ---

Rewind rewind(const shm::Items& published, const shm::Items& now, std::uint64_t index) {
  const MadeSnapshot snapshot(published);
  RewindFinder finder;
  align(snapshot.view(), now, [&](const Entry* before, const shm::Item* item) { finder.see(before, item); });
  return finder.rewind(std::vector<std::uint64_t>{1, index});
}

TEST(Rewind, AnOrdinaryDeletionIsNone) {
  EXPECT_FALSE(rewind({item("a", 1, 5), item("b", 2, 6)}, {item("a", 1, 5)}, 9).must_stand_still());
  EXPECT_FALSE(rewind({item("a", 1, 5)}, {}, 9).must_stand_still());
}

TEST(Rewind, AnIndexBelowAModifyIndexThatIsHeldWithKeysMissingMustStandStill) {
  EXPECT_TRUE(rewind({item("a", 1, 5), item("b", 2, 6)}, {item("a", 1, 5)}, 5).must_stand_still());
  EXPECT_TRUE(rewind({item("a", 1, 5)}, {}, 1).must_stand_still());
}

TEST(Rewind, WithEveryKeyThereNothingIsWaitedFor) {
  const auto found = rewind({item("a", 1, 5)}, {item("a", 1, 3)}, 3);
  EXPECT_TRUE(found.rewound);
  EXPECT_FALSE(found.must_stand_still());
}

TEST(Rewind, AModifyIndexThatWentBackIsOneWhateverTheIndex) {
  EXPECT_TRUE(rewind({item("a", 1, 5), item("b", 2, 6)}, {item("a", 1, 4)}, 99).must_stand_still());
}

TEST(Rewind, AnImportThatOvertookTheOldIndexesIsRecognizedByItsNewKeys) {
  EXPECT_TRUE(rewind({item("a", 1, 1), item("b", 2, 2), item("c", 3, 3)}, {item("a", 7, 7), item("b", 8, 8)}, 8)
                  .must_stand_still());
  // One key made again, another deleted, the rest as it was: daily work.
  EXPECT_FALSE(rewind({item("a", 1, 1), item("b", 2, 2), item("c", 3, 3)}, {item("a", 7, 7), item("b", 2, 2)}, 8)
                   .must_stand_still());
}

// --- what is waited for after one ---

class StandStillTest : public ::testing::Test {
 protected:
  bool stands(std::uint64_t missing, std::uint64_t keys, bool rewound = true) {
    return stand_still_.stands({.missing = missing, .rewound = rewound}, [keys] { return keys; }, now_);
  }
  StandStill stand_still_{3s, 30s};
  StandStill::Time now_{};
};

TEST_F(StandStillTest, NothingIsWaitedForWithoutARewindOrAMissingKey) {
  EXPECT_TRUE(stands(5, 1, false));
  EXPECT_TRUE(stands(0, 1));
}

TEST_F(StandStillTest, TheSameKeysForAWhileStand) {
  EXPECT_FALSE(stands(2, 1));
  now_ += 2999ms;
  EXPECT_FALSE(stands(2, 1));
  now_ += 1ms;
  EXPECT_TRUE(stands(2, 1));
}

TEST_F(StandStillTest, AKeyThatComesStartsTheWaitAgain) {
  EXPECT_FALSE(stands(2, 1));
  now_ += 3s;
  EXPECT_FALSE(stands(1, 2));
  now_ += 3s;
  EXPECT_TRUE(stands(1, 2));
}

TEST_F(StandStillTest, ALaterAnswerThatHidesTheRewindIsWaitedForToo) {
  EXPECT_FALSE(stands(2, 1));
  now_ += 1s;
  EXPECT_FALSE(stands(2, 1, false));
  stand_still_.forget();
  EXPECT_TRUE(stands(2, 1, false));
}

TEST_F(StandStillTest, KeysThatComeAndGoForEverAreWaitedForUntilNoMissingOneHasComeBackForLong) {
  std::uint64_t keys = 0;
  EXPECT_FALSE(stands(3, ++keys));
  for (int second = 1; second < 20; ++second) {
    now_ += 1s;
    ASSERT_FALSE(stands(3, ++keys)) << second;
  }
  now_ += 1s;
  EXPECT_FALSE(stands(2, ++keys)) << "one is back";
  for (int second = 1; second < 30; ++second) {
    now_ += 1s;
    ++keys;
    ASSERT_FALSE(stands(2 + keys % 2, keys)) << second;
  }
  now_ += 1s;
  EXPECT_TRUE(stands(2, ++keys));
}

TEST(IdentifyKeys, ByNameAndCreationOfEachSourceAndNotByValue) {
  const auto of = [](const std::vector<std::vector<consul::KvPair>>& sources) {
    std::vector<Pairs> pairs(sources.begin(), sources.end());
    return identify_keys(pairs);
  };
  const auto plain = of({{pair("a", "1", 3, 3), pair("b", "1", 4, 4)}, {}});
  EXPECT_EQ(of({{pair("a", "2", 3, 9), pair("b", "1", 4, 4)}, {}}), plain);
  EXPECT_NE(of({{pair("a", "1", 5, 5), pair("b", "1", 4, 4)}, {}}), plain);
  EXPECT_NE(of({{pair("a", "1", 3, 3)}, {}}), plain);
  EXPECT_NE(of({{pair("a", "1", 3, 3)}, {pair("b", "1", 4, 4)}}), plain);
}

// --- changes in words ---

ChangeList list_changes(const std::optional<SnapshotView>& published, const shm::Items& keys,
                        std::size_t most = 8) {
  ChangeList changes;
  changes.most_names = most;
  align(published, keys, [&](const Entry* before, const shm::Item* now) { changes.see(before, now); });
  return changes;
}

TEST(ChangeList, CountsAndNamesWithoutValues) {
  const MadeSnapshot snapshot({item("a", 1, 1, "secret"), item("b", 1, 1), item("c", 1, 1), item("d", 1, 1)});
  const shm::Items now = {item("a", 1, 2, "hidden"), item("b", 1, 1), item("d", 1, 1), item("e\n", 3, 3)};
  EXPECT_EQ(list_changes(snapshot.view(), now).text(), "1 added, 1 changed, 1 deleted: a, c, e?");
  EXPECT_EQ(list_changes(snapshot.view(), now, 1).text(), "1 added, 1 changed, 1 deleted: a, ...");
  EXPECT_EQ(list_changes(std::nullopt, shm::Items{item("x", 1, 1)}).text(), "1 added: x");
  EXPECT_EQ(list_changes(snapshot.view(), shm::Items{item("a", 1, 1, "secret"), item("b", 1, 1), item("c", 1, 1),
                                                      item("d", 1, 1)}).text(),
            "no key differs");
}

}  // namespace
}  // namespace shmconf::sources
