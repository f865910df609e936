#include "heartbeat/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace shmconf::heartbeat {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kInterval = 15min;
constexpr int kFleet = 1'000;

TEST(Pace, AFleetThatStartsTogetherSpreadsOverTheWholeInterval) {
  std::vector<int> tenths(10);
  for (int i = 0; i < kFleet; ++i) {
    Pace pace(kInterval, 1'000'003u * static_cast<std::uint64_t>(i));
    const auto first = pace.next();
    ASSERT_GE(first, 0ns);
    ASSERT_LT(first, kInterval);
    ++tenths[static_cast<std::size_t>(10 * first / kInterval)];
  }
  for (const int tenth : tenths) {
    EXPECT_GT(tenth, kFleet / 20);
    EXPECT_LT(tenth, kFleet / 5);
  }
}

TEST(Pace, LaterWaitsAreTheIntervalATenthMoreOrLess) {
  Pace pace(kInterval, 7);
  static_cast<void>(pace.next());
  std::chrono::nanoseconds shortest = 24h;
  std::chrono::nanoseconds longest = 0ns;
  for (int i = 0; i < kFleet; ++i) {
    const auto wait = pace.next();
    ASSERT_GE(wait, kInterval * 9 / 10);
    ASSERT_LE(wait, kInterval * 11 / 10);
    shortest = std::min(shortest, wait);
    longest = std::max(longest, wait);
  }
  EXPECT_GT(longest - shortest, kInterval / 6);
}

// Two hours of a fleet that started together: no minute has much more than its share of the reads.
TEST(Pace, NoMinuteOfTwoHoursHasTwiceItsShare) {
  std::vector<int> minutes(120);
  for (int i = 0; i < kFleet; ++i) {
    Pace pace(kInterval, 1'000'003u * static_cast<std::uint64_t>(i));
    for (std::chrono::nanoseconds at = pace.next(); at < 120min; at += pace.next()) {
      ++minutes[static_cast<std::size_t>(at / 1min)];
    }
  }
  EXPECT_LT(*std::max_element(minutes.begin(), minutes.end()), 2 * kFleet / 15);
}

TEST(Pace, EqualSeedsGiveEqualWaits) {
  Pace one(kInterval, 42), other(kInterval, 42), third(kInterval, 43);
  const auto first = one.next();
  EXPECT_EQ(first, other.next());
  EXPECT_NE(first, third.next());
}

}  // namespace
}  // namespace shmconf::heartbeat
