// What chaos would call a violation, and what not: a judge that lets everything pass proves nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "fault/chaos/history.h"
#include "fault/chaos/schedule.h"
#include "fault/chaos/value.h"

namespace shmconf::chaos {
namespace {

using namespace std::chrono_literals;

Time at(int milliseconds) { return Time(std::chrono::milliseconds(milliseconds)); }

// The state in which transaction `common` wrote the one prefix last, and `web` the other.
Values state(Stamp common, Stamp web) {
  return {{std::string(kCommon) + kStamps[0], shortened(common, 0)}, {std::string(kWeb) + kStamps[1], shortened(web, 0)}};
}

Values snapshot(Stamp common, Stamp web) {
  return {{kStamps[0], shortened(common, 0)}, {kStamps[1], shortened(web, 0)}};
}

class Judgement : public testing::Test {
 protected:
  // 1, 2, 3 and 4, which write both prefixes; 5 was sent too, and refused.
  void SetUp() override {
    for (Stamp stamp = 2; stamp <= 4; ++stamp) {
      history_.propose(stamp, stamp - 1, state(stamp, stamp));
      ASSERT_TRUE(history_.became(stamp, at(static_cast<int>(stamp) * 100)));
    }
    history_.propose(5, 4, state(5, 5));
  }
  std::string judged(const std::vector<Stamp>& stamps) {
    std::vector<Observation> seen;
    for (const Stamp stamp : stamps) seen.push_back({.time = at(1'000), .stamp = stamp});
    return judged_all(seen);
  }
  std::string judged_all(const std::vector<Observation>& seen) {
    std::string all;
    for (const Violation& violation : history_.judge(seen).violations) all += violation.text + "\n";
    return all;
  }

  History history_{1, state(1, 1), at(100)};
};

TEST_F(Judgement, AStateIsRecognizedByAllOfItsKeys) {
  Stamp stamp = 0;
  EXPECT_EQ(history_.identify(snapshot(3, 3), stamp), "");
  EXPECT_EQ(stamp, 3U);
  EXPECT_EQ(history_.identify(snapshot(3, 2), stamp),
            "not one state: as state 3 goes, web-stamp is 2.0 instead of 3.0");
  Values more = snapshot(3, 3);
  more["left-over"] = "2.0";
  EXPECT_EQ(history_.identify(more, stamp), "not one state: as state 3 goes, left-over is 2.0 instead of absent");
  EXPECT_NE(history_.identify({{kStamps[1], "3.0"}}, stamp), "");
  EXPECT_NE(history_.identify(snapshot(9, 9), stamp), "");
  EXPECT_NE(history_.identify({}, stamp), "");
  EXPECT_NE(history_.identify({{"key", "3.0"}}, stamp), "");
}

TEST_F(Judgement, TheLaterPrefixWins) {
  Values both = state(6, 6);
  both[std::string(kCommon) + "key"] = "6.1";
  both[std::string(kWeb) + "key"] = "6.2";
  history_.propose(6, 4, both);
  Values seen = snapshot(6, 6);
  Stamp stamp = 0;
  seen["key"] = "6.1";
  EXPECT_NE(history_.identify(seen, stamp), "");
  seen["key"] = "6.2";
  EXPECT_EQ(history_.identify(seen, stamp), "");
}

TEST_F(Judgement, StatesMayBeSkippedAndRepeatedButNotTurnedRound) {
  EXPECT_EQ(judged({1, 2, 2, 4}), "");
  EXPECT_EQ(judged({1, 3, 2, 4}), "older: state 2 after state 3\n");
}

TEST_F(Judgement, WhatConsulRefusedIsNoState) {
  EXPECT_EQ(judged({4, 5}), "state 5 was never Consul's\n");
  // As it turns out later, it was late and not refused.
  ASSERT_TRUE(history_.became(5, at(600)));
  EXPECT_EQ(judged({4, 5}), "");
}

TEST_F(Judgement, ATransactionOfUnknownOutcomeShowsInTheNextOne) {
  history_.propose(6, 5, state(6, 6));
  EXPECT_FALSE(history_.became(9, at(600)));
  ASSERT_TRUE(history_.became(6, at(600)));  // and so 5 was applied too
  EXPECT_EQ(judged({4, 5, 6}), "");
}

TEST_F(Judgement, ARestoreLeadsBackOnce) {
  EXPECT_NE(judged({4, 2}), "");
  history_.restored(2, at(600));
  history_.propose(6, 2, state(6, 6));
  ASSERT_TRUE(history_.became(6, at(700)));
  EXPECT_EQ(judged({3, 4, 2, 6}), "");
  EXPECT_EQ(judged({4, 6}), "");
  EXPECT_EQ(judged({4, 2, 4}), "older: state 4 after state 2\n");
  EXPECT_EQ(judged({6, 2}), "older: state 2 after state 6\n");
}

TEST_F(Judgement, ABackupIsLegalOnceTheSegmentWasRemovedButNoOlderOneThanThere) {
  const Observation served{.time = at(800), .stamp = 2, .from_backup = true};
  EXPECT_EQ(judged_all({served}), "state 2 from the backup, though the segment was never removed\n");
  history_.removed({.time = at(700), .backup = 2});
  EXPECT_EQ(judged_all({served}), "");
  EXPECT_NE(judged_all({{.time = at(600), .stamp = 2, .from_backup = true}}), "");
  EXPECT_NE(judged_all({{.time = at(800), .stamp = 1, .from_backup = true}}), "");
  // It is no excuse for what comes from Consul.
  EXPECT_EQ(judged_all({{.time = at(750), .stamp = 3}, served, {.time = at(900), .stamp = 2}}),
            "older: state 2 after state 3\n");
}

TEST_F(Judgement, AfterAForgetOnlyTheHeadIsLeft) {
  history_.forget();
  Stamp stamp = 0;
  EXPECT_EQ(history_.identify(snapshot(4, 4), stamp), "");
  EXPECT_NE(history_.identify(snapshot(3, 3), stamp), "");
  EXPECT_EQ(judged({4}), "");
}

TEST_F(Judgement, TheAgeOfAStateBeginsWithItsSuccessor) {
  const auto findings = history_.judge({{.time = at(150), .stamp = 1}, {.time = at(450), .stamp = 4}});
  EXPECT_EQ(findings.longest_age, 250ms);  // 2 was there at 200
}

TEST(Schedule, IsDecidedByTheSeed) {
  const auto printed = [](std::uint64_t seed) {
    Random random(seed);
    std::string text;
    for (int round = 0; round < 5; ++round) {
      for (const Fault& fault : make_round(random)) text += std::to_string(fault.begin.count()) + describe(fault) + "\n";
    }
    return text;
  };
  EXPECT_EQ(printed(7), printed(7));
  EXPECT_NE(printed(7), printed(8));
}

TEST(Schedule, EveryKindComesAndNoneOverlapsItself) {
  Random random(1);
  std::map<Kind, int> counts;
  for (int round = 0; round < 60; ++round) {
    std::map<std::pair<Kind, std::size_t>, std::chrono::milliseconds> ends;
    for (const Fault& fault : make_round(random)) {
      ++counts[fault.kind];
      auto& end = ends[{fault.kind, fault.target}];
      EXPECT_GE(fault.begin, end) << describe(fault);
      end = fault.end();
    }
  }
  EXPECT_EQ(counts.size(), kKinds);
}

}  // namespace
}  // namespace shmconf::chaos
