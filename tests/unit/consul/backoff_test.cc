// Backoff and RateLimit: bounds that hold for every seed, without a clock.
#include "consul/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "consul/rate_limit.h"

namespace shmconf::consul {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(Backoff, DoublesItsCeilingUpToTheCap) {
  const std::vector<milliseconds> ceilings = {100ms,  200ms,  400ms,  800ms, 1600ms,
                                              3200ms, 5000ms, 5000ms, 5000ms};
  std::vector<milliseconds> longest(ceilings.size(), 0ms);
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Backoff backoff(seed);
    for (std::size_t i = 0; i < ceilings.size(); ++i) {
      const auto delay = backoff.fail(false);
      ASSERT_GE(delay, 1ms);
      ASSERT_LE(delay, ceilings[i]) << "seed " << seed << " failure " << i;
      longest[i] = std::max(longest[i], delay);
    }
  }
  for (std::size_t i = 0; i < ceilings.size(); ++i) EXPECT_GT(longest[i], ceilings[i] * 9 / 10) << i;
}

TEST(Backoff, StaysShortWithALocalAddress) {
  Backoff backoff(7);
  milliseconds longest = 0ms;
  for (int i = 0; i < 1000; ++i) longest = std::max(longest, backoff.fail(true));
  EXPECT_LE(longest, 1000ms);
  EXPECT_GT(longest, 900ms);
  longest = 0ms;
  for (int i = 0; i < 1000; ++i) longest = std::max(longest, backoff.fail(false));
  EXPECT_GT(longest, 4500ms) << "after many failures the shift must not overflow";
}

TEST(Backoff, StartsOverAfterASuccess) {
  Backoff backoff(3);
  for (int i = 0; i < 20; ++i) backoff.fail(false);
  backoff.succeed();
  EXPECT_LE(backoff.fail(false), 100ms);
}

TEST(Backoff, ProcessesDiffer) {
  EXPECT_NE(process_seed(), process_seed());
  Backoff a(1), b(1), c(2);
  std::vector<milliseconds> first, second, third;
  for (int i = 0; i < 20; ++i) {
    first.push_back(a.fail(false));
    second.push_back(b.fail(false));
    third.push_back(c.fail(false));
  }
  EXPECT_EQ(first, second);
  EXPECT_NE(first, third);
}

TEST(RateLimit, LetsABurstThroughThenOneEachInterval) {
  RateLimit limit(3, 100ms, 1s);
  EXPECT_EQ(limit.take(1s), 0ns);
  EXPECT_EQ(limit.take(1s), 0ns);
  EXPECT_EQ(limit.take(1s), 0ns);
  EXPECT_EQ(limit.take(1s), 100ms);
  EXPECT_EQ(limit.take(1s + 100ms), 100ms);
  EXPECT_EQ(limit.take(1s + 250ms), 50ms);
  EXPECT_EQ(limit.take(1s + 400ms), 0ns);
}

TEST(RateLimit, SavesNoMoreThanTheBurst) {
  RateLimit limit(2, 100ms, 0s);
  EXPECT_EQ(limit.take(1h), 0ns);
  EXPECT_EQ(limit.take(1h), 0ns);
  EXPECT_EQ(limit.take(1h), 100ms);
}

TEST(RateLimit, BoundsASpinningCaller) {
  RateLimit limit(5, 50ms, 0s);
  std::chrono::nanoseconds now = 0s;
  int queries = 0;
  while (now < 10s) {
    now += limit.take(now);
    ++queries;
    now += 1us;
  }
  EXPECT_LE(queries, 5 + 201);
  EXPECT_GE(queries, 195);
}

}  // namespace
}  // namespace shmconf::consul
