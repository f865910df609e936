// What the development endpoint, the fake and a real Consul have in common: blocking queries and their index.
#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "integration/contract_fixture.h"

namespace shmconf {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ContractBlocking : public Contract {
 protected:
  void expect_woken(Pending pending, int status, std::uint64_t above) {
    const auto outcome = pending.get();
    EXPECT_TRUE(outcome.response.complete()) << outcome.response.error;
    EXPECT_EQ(outcome.response.status, status);
    EXPECT_GT(outcome.response.index().value_or(0), above);
    EXPECT_LT(outcome.took, seconds(5)) << "of a wait of 10 s";
  }

  // Blocks for a second on what is there now, acts, and expects the wait to pass for nothing.
  template <typename Action>
  void expect_asleep(const std::string& target, Action action) {
    const auto index = index_of(target);
    auto pending = block(target, index, "600ms");
    action();
    const auto outcome = pending.get();
    EXPECT_GE(outcome.took, milliseconds(600)) << target;
    EXPECT_EQ(outcome.response.index(), index) << target;
  }
};

INSTANTIATE_TEST_SUITE_P(Every, ContractBlocking, kEveryServer, server_name);

TEST_P(ContractBlocking, EveryChangeUnderThePrefixWakes) {
  ASSERT_TRUE(kv().put("w/1", "a"));
  const std::string target = "/v1/kv/w/?recurse";
  const std::vector<std::function<bool()>> changes{
      [&] { return kv().put("w/2", "new"); },
      [&] { return kv().put("w/1", "changed"); },
      [&] { return kv().put("w/1", "changed", "flags=1"); },
      [&] { return kv().put("w/", "the folder itself"); },
      [&] { return kv().put("w/1", "x", "cas=" + std::to_string(index_of("/v1/kv/w/1"))); },
      [&] { return kv().put_together({{"w/3", "t"}, {"other", "t"}}); },
      [&] { return kv().remove("w/3"); },
  };
  for (const auto& change : changes) {
    const auto index = index_of(target);
    auto pending = block(target, index);
    ASSERT_TRUE(change());
    expect_woken(std::move(pending), 200, index);
  }
  const auto index = index_of(target);
  auto pending = block(target, index);
  ASSERT_TRUE(kv().remove("w/", "recurse"));
  expect_woken(std::move(pending), 404, index);
}

TEST_P(ContractBlocking, WhatChangesNothingUnderThePrefixDoesNotWake) {
  ASSERT_TRUE(kv().put("w/1", "a", "flags=5"));
  ASSERT_TRUE(kv().put("w/2", "b"));
  const auto first = std::to_string(index_of("/v1/kv/w/1"));
  expect_asleep("/v1/kv/w/?recurse", [&] {
    EXPECT_TRUE(kv().put("w/1", "a", "flags=5"));
    EXPECT_TRUE(kv().put("w/1", "a", "flags=5&cas=" + first));
    EXPECT_FALSE(kv().put("w/1", "b", "cas=1"));
    EXPECT_TRUE(kv().put("wave", "another prefix"));
    EXPECT_TRUE(kv().put("v/1", "another prefix"));
    EXPECT_TRUE(kv().remove("w/none"));
    const auto failed = kv().txn(R"([{"KV":{"Verb":"set","Key":"w/3"}},{"KV":{"Verb":"get","Key":"none"}}])");
    EXPECT_EQ(failed.status, 409);
  });
  expect_asleep("/v1/kv/w/1", [&] { EXPECT_TRUE(kv().put("w/2", "a neighbour")); });
}

TEST_P(ContractBlocking, EveryKindOfReadBlocks) {
  ASSERT_TRUE(kv().put("k/1", "a"));
  for (const std::string target :
       {"/v1/kv/k/1", "/v1/kv/k/1?raw", "/v1/kv/k/?keys", "/v1/kv/k/?keys&separator=/",
        "/v1/kv/k/?recurse&stale", "/v1/kv/k/?recurse&consistent", "/v1/kv/?recurse"}) {
    const auto index = index_of(target);
    auto pending = block(target, index);
    ASSERT_TRUE(kv().put("k/1", "after " + target));
    expect_woken(std::move(pending), 200, index);
  }
}

TEST_P(ContractBlocking, AnAbsentKeyWakesWhenItIsMadeAndAKeyWhenItGoes) {
  ASSERT_TRUE(kv().put("unrelated", "v"));
  for (const std::string target : {"/v1/kv/new/1", "/v1/kv/new/?recurse", "/v1/kv/new/?keys"}) {
    auto index = index_of(target);
    auto pending = block(target, index);
    ASSERT_TRUE(kv().put("new/1", "made"));
    expect_woken(std::move(pending), 200, index);
    index = index_of(target);
    pending = block(target, index);
    ASSERT_TRUE(kv().remove("new/1"));
    expect_woken(std::move(pending), 404, index);
  }
}

TEST_P(ContractBlocking, DeletingATreeWakesThoseBelowIt) {
  ASSERT_TRUE(kv().put("p/q/1", "v"));
  const auto index = index_of("/v1/kv/p/q/?recurse");
  auto pending = block("/v1/kv/p/q/?recurse", index);
  ASSERT_TRUE(kv().remove("p/", "recurse"));
  expect_woken(std::move(pending), 404, index);
}

TEST_P(ContractBlocking, AnIndexFromThePastOrNoneAnswersAtOnce) {
  ASSERT_TRUE(kv().put("k", "1"));
  const auto index = index_of("/v1/kv/k");
  const std::vector<std::string> pasts{"index=0", "index=", "index=" + std::to_string(index - 1), "wait=8s"};
  for (const auto& past : pasts) {
    const auto begin = std::chrono::steady_clock::now();
    const auto response = kv().get("k", past + "&wait=8s");
    EXPECT_EQ(response.index(), index);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(4)) << past;
  }
}

TEST_P(ContractBlocking, AnIndexFromTheFutureBlocksThroughWritesAndReturnsTheLowerOne) {
  ASSERT_TRUE(kv().put("k/1", "1"));
  for (const std::uint64_t ahead : {index_of("/v1/kv/k/?recurse") + 1000, ~std::uint64_t{0}}) {
    auto pending = block("/v1/kv/k/?recurse", ahead, "500ms");
    ASSERT_TRUE(kv().put("k/1", "changed for " + std::to_string(ahead)));
    const auto outcome = pending.get();
    EXPECT_GE(outcome.took, milliseconds(500));
    EXPECT_EQ(outcome.response.index(), index_of("/v1/kv/k/?recurse"));
  }
}

TEST_P(ContractBlocking, AWaitEndsWithinItsSixteenthAndNotAlwaysAtTheSameTime) {
  ASSERT_TRUE(kv().put("k", "v"));
  const auto index = index_of("/v1/kv/k");
  std::vector<Pending> pendings;
  for (int i = 0; i < 24; ++i) pendings.push_back(block("/v1/kv/k", index, "1600ms"));
  std::vector<milliseconds> took;
  for (auto& pending : pendings) {
    const auto outcome = pending.get();
    EXPECT_EQ(outcome.response.status, 200);
    EXPECT_EQ(outcome.response.index(), index);
    took.push_back(outcome.took);
  }
  const auto [least, most] = std::ranges::minmax(took);
  EXPECT_GE(least, milliseconds(1600));
  EXPECT_LE(most, milliseconds(1600 + 100 + 400)) << "a sixteenth, and what a busy machine adds";
  EXPECT_GE(most - least, milliseconds(15)) << "jitter spreads them over 100 ms";
}

TEST_P(ContractBlocking, WaitsWithoutAUsableNumberAreLong) {
  ASSERT_TRUE(kv().put("k", "v"));
  for (const std::string wait : {"0", "0s", "-1s", "", "1h", "1.5h30m"}) {
    const auto index = index_of("/v1/kv/k");
    auto pending = block("/v1/kv/k", index, wait);
    EXPECT_EQ(pending.wait_for(milliseconds(200)), std::future_status::timeout) << wait;
    ASSERT_TRUE(kv().put("k", "after " + wait));
    expect_woken(std::move(pending), 200, index);
  }
}

TEST_P(ContractBlocking, OneWriteWakesEverybody) {
  ASSERT_TRUE(kv().put("w/1", "v"));
  const auto index = index_of("/v1/kv/w/?recurse");
  std::vector<Pending> pendings;
  for (int i = 0; i < 30; ++i) pendings.push_back(block("/v1/kv/w/?recurse", index));
  ASSERT_TRUE(kv().put("w/1", "w"));
  for (auto& pending : pendings) expect_woken(std::move(pending), 200, index);
}

// A transaction on two keys, seen only whole by a reader that follows the index.
TEST_P(ContractBlocking, TransactionsAreSeenWholeAndTheLastOneArrives) {
  constexpr int kRounds = 300;
  ASSERT_TRUE(kv().put_together({{"t/a", "0"}, {"t/b", "0"}}));
  std::atomic<int> torn{0}, backwards{0};
  std::string last;
  std::thread reader([&] {
    harness::ConsulKv mine("127.0.0.1", port());
    std::uint64_t index = 0;
    const std::string end = harness::base64(std::to_string(kRounds));
    while (last != end) {
      const auto response = mine.get("t/", "recurse&wait=5s&index=" + std::to_string(index));
      if (!response.complete()) break;
      std::vector<std::string> values;
      for (auto at = response.body.find("\"Value\": \""); at != std::string::npos;
           at = response.body.find("\"Value\": \"", at + 1)) {
        values.push_back(response.body.substr(at + 10, response.body.find('"', at + 10) - at - 10));
      }
      if (values.size() != 2 || values[0] != values[1]) ++torn;
      if (response.index().value_or(0) < index) ++backwards;
      index = response.index().value_or(0);
      last = values.empty() ? last : values[0];
    }
  });
  for (int i = 1; i <= kRounds; ++i) {
    EXPECT_TRUE(kv().put_together({{"t/a", std::to_string(i)}, {"t/b", std::to_string(i)}}));
  }
  reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(backwards, 0);
  EXPECT_EQ(last, harness::base64(std::to_string(kRounds)));
}

}  // namespace
}  // namespace shmconf
