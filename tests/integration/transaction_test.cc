// A transaction that changes two prefixes at once is never seen half, and no state is ever replaced
// by an older one, whoever publishes: on the real Consul, written to as fast as it takes it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"
#include "integration/verifying_readers.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
using harness::RealConsul;
using std::chrono::steady_clock;

constexpr int kReaders = 4;
const Words kQuiet = {"--log-level", "warn"};

class TransactionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = RealConsul::start();
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
  }
  std::unique_ptr<RealConsul> consul_;
};

// Both prefixes hold the number of the last transaction, under names of their own.
std::string check_halves(const Snapshot& snapshot) {
  const auto first = snapshot.get("first");
  const auto second = snapshot.get("second");
  if (!first || !second) return "a half is missing";
  if (*first != *second) return "first is " + std::string(*first) + ", second is " + std::string(*second);
  const auto one = snapshot.entry("first");
  const auto other = snapshot.entry("second");
  return one->modify_index() == other->modify_index() ? "" : "the halves have two ModifyIndexes";
}

TEST_F(TransactionTest, TwoPrefixesChangedAtOnceAreNeverSeenHalf) {
  constexpr int kTransactions = 10'000;
  harness::ConsulKv writer(consul_->host(), consul_->port());
  const auto transact = [&](int number) {
    const std::string value = std::to_string(number);
    return writer.put_together({{"config/common/first", value}, {"config/web/second", value}});
  };
  ASSERT_TRUE(transact(0));
  Sidecar sidecar({.consul = consul_->url(),
                   .sources = {"--prefix", "config/common/", "--prefix", "config/web/"}});
  sidecar.start("run", {"--heartbeat-interval", "200ms", "--log-level", "warn"});
  auto reader = sidecar.open();
  ASSERT_TRUE(reader) << reader.error().text;
  VerifyingReaders verifying(*reader, kReaders, check_halves);
  // On a busy machine few of them are published; then more follow, until enough have been looked at.
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  int last = 0;
  while (last < kTransactions ||
         (verifying.fewest_generations() <= 100 && std::chrono::steady_clock::now() < patience)) {
    ASSERT_TRUE(transact(++last)) << last;
  }
  EXPECT_TRUE(shows(*reader, "first", std::to_string(last)));
  EXPECT_TRUE(shows(*reader, "second", std::to_string(last)));
  verifying.stop();
  EXPECT_EQ(verifying.violation(), "");
  EXPECT_GT(verifying.fewest_generations(), 100U);
  RecordProperty("generations", static_cast<int>(verifying.fewest_generations()));
  RecordProperty("unsettled", static_cast<int>(reader->status().settled_rounds_exceeded));
}

// Each thread's own last index; the check of VerifyingReaders is shared by its threads.
class NeverOlder {
 public:
  std::string operator()(const Snapshot& snapshot) {
    const auto counter = snapshot.entry("counter");
    if (!counter) return "the counter is missing";
    const std::lock_guard lock(mutex_);
    std::uint64_t& newest = newest_[std::this_thread::get_id()];
    if (counter->modify_index() < newest) {
      return "index " + std::to_string(counter->modify_index()) + " after " + std::to_string(newest);
    }
    newest = counter->modify_index();
    return "";
  }

 private:
  std::mutex mutex_;
  std::map<std::thread::id, std::uint64_t> newest_;
};

TEST_F(TransactionTest, WatchAndHeartbeatAgainstEachOtherNeverGoBack) {
  constexpr auto kFor = 8s;
  // So many keys that reading and publishing them takes its time, in which the other one is faster.
  constexpr int kOtherKeys = 3'000;
  std::vector<std::pair<std::string, std::string>> others = {{"config/web/counter", "0"}};
  for (int i = 0; i < kOtherKeys; ++i) {
    others.emplace_back("config/web/other/" + std::to_string(i), std::string(100, 'v'));
  }
  ASSERT_TRUE(consul_->kv().put_all(others));
  Sidecar sidecar({.consul = consul_->url()});
  harness::Process* watch = &sidecar.start("watch", kQuiet);
  sidecar.start("heartbeat", {"--heartbeat-interval", "100ms", "--log-level", "warn"});
  auto reader = sidecar.open();
  ASSERT_TRUE(reader) << reader.error().text;
  const auto never_older = std::make_shared<NeverOlder>();
  VerifyingReaders verifying(*reader, kReaders, [never_older](const Snapshot& snapshot) {
    return (*never_older)(snapshot);
  });

  std::atomic<bool> stop{false};
  std::atomic<bool> written{true};
  std::string last;
  std::thread writing([&] {
    harness::ConsulKv writer(consul_->host(), consul_->port());
    // A, B, C and A again: contents return, states do not.
    for (int i = 0; !stop.load() && written.load(); ++i) {
      last = std::string(1, static_cast<char>('A' + i % 3));
      written.store(writer.put("config/web/counter", last));
    }
  });
  // A watch that goes on leaves the heartbeat nothing to publish: now and then it dies, and is another.
  const auto publishes = [&](format::Role role) { return reader->status().role(role).publishes; };
  int lives = 0;
  for (const auto end = steady_clock::now() + kFor; steady_clock::now() < end; ++lives) {
    const std::uint64_t by_watch = publishes(format::Role::kWatch);
    EXPECT_TRUE(eventually([&] { return publishes(format::Role::kWatch) > by_watch + 50; }))
        << "no watch publishes";
    watch->kill_now();
    const std::uint64_t by_heartbeat = publishes(format::Role::kHeartbeat);
    EXPECT_TRUE(eventually([&] { return publishes(format::Role::kHeartbeat) > by_heartbeat; }))
        << "the heartbeat does not publish";
    watch = &sidecar.start("watch", kQuiet);
  }
  stop.store(true);
  writing.join();
  EXPECT_TRUE(written.load());
  EXPECT_TRUE(shows(*reader, "counter", last));
  // And that stays.
  EXPECT_FALSE(eventually([&] { return reader->get("counter") != last; }, 1s, 20ms));
  verifying.stop();
  EXPECT_EQ(verifying.violation(), "");
  EXPECT_GT(verifying.fewest_generations(), 100U);
  EXPECT_GT(lives, 3);
}

}  // namespace
}  // namespace shmconf::integration
