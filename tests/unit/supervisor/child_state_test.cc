#include "supervisor/child_state.h"

#include <gtest/gtest.h>

#include <vector>

namespace shmconf::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kStart{seconds(1'000)};

TEST(RestartBackoff, DoublesFromATenthOfASecondToFiveSeconds) {
  RestartBackoff backoff;
  std::vector<milliseconds::rep> delays;
  for (int i = 0; i < 9; ++i) delays.push_back(backoff.next(milliseconds(10)).count());
  EXPECT_EQ(delays, (std::vector<milliseconds::rep>{100, 200, 400, 800, 1'600, 3'200, 5'000, 5'000, 5'000}));
}

TEST(RestartBackoff, StartsOverAfterAHealthyMinute) {
  RestartBackoff backoff;
  for (int i = 0; i < 9; ++i) static_cast<void>(backoff.next(milliseconds(10)));
  EXPECT_EQ(backoff.next(seconds(59)), milliseconds(5'000));
  EXPECT_EQ(backoff.next(seconds(60)), milliseconds(100));
  EXPECT_EQ(backoff.next(seconds(1)), milliseconds(200));
}

TEST(ChildState, IsDueAtOnceThenAfterItsPause) {
  ChildState child(kStart);
  EXPECT_EQ(child.start_due(), kStart);
  child.started(7, 0, kStart);
  EXPECT_EQ(child.pid(), 7);
  EXPECT_EQ(child.start_due(), std::nullopt);
  EXPECT_EQ(child.running_for(kStart + seconds(1)), seconds(1));
  EXPECT_EQ(child.ended(kStart + seconds(1)), milliseconds(100));
  EXPECT_EQ(child.pid(), 0);
  EXPECT_EQ(child.running_for(kStart + seconds(2)), seconds(0));
  EXPECT_EQ(child.start_due(), kStart + seconds(1) + milliseconds(100));
}

TEST(ChildState, AFailedStartCountsAsAShortLife) {
  ChildState child(kStart);
  EXPECT_EQ(child.ended(kStart), milliseconds(100));
  EXPECT_EQ(child.ended(kStart + seconds(200)), milliseconds(200));
}

TEST(ChildState, TheLifeIsCountedFromTheLastStart) {
  ChildState child(kStart);
  child.started(7, 0, kStart);
  EXPECT_EQ(child.ended(kStart + seconds(90)), milliseconds(100));
  child.started(8, 0, kStart + seconds(91));
  EXPECT_EQ(child.ended(kStart + seconds(92)), milliseconds(200));
}

TEST(ChildState, HangsWhenItsStampStandsForTwentySeconds) {
  ChildState child(kStart);
  child.started(7, 5, kStart);
  EXPECT_FALSE(child.hung(6, kStart + seconds(5)));
  EXPECT_EQ(child.hung_due(), kStart + seconds(25));
  EXPECT_FALSE(child.hung(6, kStart + seconds(24)));
  EXPECT_TRUE(child.hung(6, kStart + seconds(25)));
}

TEST(ChildState, APredecessorsOldStampIsNotHeldAgainstIt) {
  ChildState child(kStart);
  child.started(7, 1, kStart);
  EXPECT_FALSE(child.hung(1, kStart + seconds(19)));
  EXPECT_TRUE(child.hung(1, kStart + seconds(20)));
}

TEST(ChildState, ASupervisorThatSleptItselfSeesTheMoveFirst) {
  ChildState child(kStart);
  child.started(7, 1, kStart);
  // An hour later, stamped meanwhile: the child was not the one that stood still.
  EXPECT_FALSE(child.hung(2, kStart + seconds(3'600)));
}

TEST(ChildState, OneThatWasFrozenWithItsSupervisorHasItsTimeAgain) {
  ChildState child(kStart);
  child.started(7, 1, kStart);
  child.excuse(kStart + seconds(100));
  EXPECT_FALSE(child.hung(1, kStart + seconds(119)));
  EXPECT_TRUE(child.hung(1, kStart + seconds(120)));
}

TEST(ChildState, HangingIsReportedOncePerSpan) {
  ChildState child(kStart);
  child.started(7, 1, kStart);
  EXPECT_TRUE(child.hung(1, kStart + seconds(20)));
  EXPECT_FALSE(child.hung(1, kStart + seconds(21)));
  EXPECT_EQ(child.hung_due(), kStart + seconds(40));
}

TEST(ChildState, WhatDoesNotRunDoesNotHang) {
  ChildState child(kStart);
  EXPECT_FALSE(child.hung(0, kStart + seconds(100)));
  EXPECT_EQ(child.hung_due(), std::nullopt);
}

}  // namespace
}  // namespace shmconf::supervisor
