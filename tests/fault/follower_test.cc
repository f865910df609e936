// The watch's loop, under everything that a server may do to a long poll.

#include "watch/follower.h"

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "fault/activity_fixture.h"

namespace shmconf::fault {
namespace {

namespace faults = fakes::faults;

class Follow : public ActivityFixture {
 protected:
  Follow() : ActivityFixture(format::Role::kWatch) {}
  ~Follow() override { static_cast<void>(stop()); }
  std::unique_ptr<sources::Activity> make(const sources::Surroundings& surroundings) override {
    return std::make_unique<watch::Follower>(surroundings, settings_);
  }
};

TEST_F(Follow, PublishesWhatChangesAndWhatIsDeleted) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(polling(1));
  consul_.put("web/b", "2");
  ASSERT_TRUE(publishes("a=1 b=2 "));
  consul_.write([](auto& store) { store.remove("web/a"); });
  ASSERT_TRUE(publishes("b=2 "));
  EXPECT_EQ(line().failing_since_ns.load(), 0u);
  EXPECT_NE(line().contact_ns.load(), 0u);
  EXPECT_TRUE(harness::eventually([&] { return line().publishes.load() == 3; }));
  EXPECT_EQ(consul_.connections_accepted(), 1u) << "one kept-alive connection";
}

TEST_F(Follow, HoldsOneConnectionForEachSource) {
  settings_.sources = {prefix("common/"), prefix("web/"), key("demo")};
  consul_.put("common/a", "1");
  consul_.put("web/b", "1");
  start();
  ASSERT_TRUE(publishes("a=1 b=1 "));
  ASSERT_TRUE(polling(3));
  for (int i = 0; i < 20; ++i) {
    const std::string text = std::to_string(i);
    ASSERT_TRUE(consul_.kv().put_together({{"common/a", text}, {"web/b", text}, {"demo", text}}));
    ASSERT_TRUE(publishes("a=" + text + " b=" + text + " demo=" + text + " "));
  }
  EXPECT_EQ(consul_.connections_accepted(), 23u) << "three, and one for each transaction";
}

TEST_F(Follow, TransactionsOverTwoPrefixesAreNeverSeenHalf) {
  settings_.sources = {prefix("common/"), prefix("web/")};
  ASSERT_TRUE(consul_.kv().put_together({{"common/a", "0"}, {"web/b", "0"}}));
  start();
  ASSERT_TRUE(publishes("a=0 b=0 "));
  std::atomic<bool> done{false};
  std::thread writer([&] {
    auto kv = consul_.kv();
    for (int i = 1; i <= 1000; ++i) {
      const std::string text = std::to_string(i);
      kv.put_together({{"common/a", text}, {"web/b", text}});
      std::this_thread::sleep_for(300us);  // a real server's time for one
    }
    done = true;
  });
  std::set<std::string> seen;
  const auto one = [&] {
    const auto view = observer_->current();
    if (!view) return;  // overtaken by two generations between two steps of looking
    Entry a;
    Entry b;
    ASSERT_TRUE(view->find("a", a) == Lookup::kFound && view->find("b", b) == Lookup::kFound);
    ASSERT_EQ(a.value, b.value);
    seen.insert(std::string(a.value));
  };
  while (!done) one();
  writer.join();
  ASSERT_TRUE(publishes("a=1000 b=1000 "));
  EXPECT_GE(seen.size(), 2u) << "states were seen on the way";
  EXPECT_EQ(observer_->segment().page().settled_rounds_exceeded.load(), 0u);
}

TEST_F(Follow, AnEarlyAnswerWithTheSameIndexIsFollowedByAReadWithoutIndex) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(polling(1));
  // A restored server: the outstanding poll brings the old body at once, and the new one is there.
  auto restored = faults::body(
      R"([{"LockIndex":0,"Key":"web/a","Flags":0,"Value":"MQ==","CreateIndex":2,"ModifyIndex":2}])");
  const auto old_body = restored.change;
  const auto old_index = faults::index("3").change;  // the one that the next poll asks with
  restored.change = [old_body, old_index](dev::Reply& reply) {
    old_body(reply);
    old_index(reply);
  };
  consul_.script(restored.on("index="));
  const std::size_t reads = reads_of("recurse");
  consul_.put("web/a", "2");  // ends the outstanding poll; the next one is the restored server's
  ASSERT_TRUE(publishes("a=2 "));
  ASSERT_TRUE(polling(2));
  ASSERT_TRUE(harness::eventually([&] { return reads_of("recurse") > reads; }, 2s));
  ASSERT_TRUE(publishes("a=2 "));
}

TEST_F(Follow, AfterEveryKindOfErrorTheNextReadHasNoIndex) {
  consul_.put("web/a", "0");
  start();
  ASSERT_TRUE(publishes("a=0 "));
  const std::vector<fakes::Fault> errors = {faults::lost_server(), faults::no_leader(), faults::rate_limited(),
                                            faults::denied(),      faults::truncated(), faults::reset_after(0),
                                            faults::not_json(),    faults::without_header("X-Consul-Index").early()};
  int value = 0;
  for (const auto& error : errors) {
    consul_.forget_requests();
    consul_.script(error.on("index="));
    consul_.put("web/a", std::to_string(++value));
    ASSERT_TRUE(publishes("a=" + std::to_string(value) + " "));
    // The fault met the poll before or after this change; the change behind it arrives in any case.
    ASSERT_TRUE(harness::eventually([&] { return consul_.faults_left() == 0; }));
    ASSERT_TRUE(harness::eventually([&] { return reads_of("recurse") >= 1; })) << "error " << value;
    consul_.put("web/a", std::to_string(++value));
    ASSERT_TRUE(publishes("a=" + std::to_string(value) + " "));
    ASSERT_TRUE(harness::eventually([&] { return line().failing_since_ns.load() == 0; }));
  }
  EXPECT_GE(line().failures.load(), errors.size());
}

TEST_F(Follow, WhenConsulComesBackItIsLiveAgainWithinTwoSecondsWithTheChangeMadeMeanwhile) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(polling(1));
  consul_.refuse();
  ASSERT_TRUE(harness::eventually([&] { return line().failures.load() >= 8; }));
  EXPECT_NE(line().failing_since_ns.load(), 0u);
  std::string text;
  ASSERT_TRUE(line().last_error.load(text));
  EXPECT_NE(text.find("refused"), std::string::npos) << text;
  EXPECT_EQ(published(), "a=1 ");
  consul_.put("web/a", "2");
  consul_.accept_again();
  ASSERT_TRUE(publishes("a=2 ", 2s));
  EXPECT_TRUE(harness::eventually([&] { return line().failing_since_ns.load() == 0; }, 1s));
}

// An agent of this machine that answers, but badly: it costs nothing to ask it each second.
TEST_F(Follow, ALocalAgentWithoutALeaderIsAskedEachSecondHoweverLongThatLasts) {
  consul_.put("web/a", "1");
  consul_.script(faults::no_leader().repeated());
  start();
  ASSERT_TRUE(harness::eventually([&] { return line().failures.load() >= 7; }, 20s));
  const auto since = std::chrono::steady_clock::now();
  ASSERT_TRUE(harness::eventually([&] { return line().failures.load() >= 13; }, 60s));
  EXPECT_LT(std::chrono::steady_clock::now() - since, 8s);
  consul_.clear_faults();
  EXPECT_TRUE(publishes("a=1 ", 2s));
}

TEST_F(Follow, AnIndexThatSpinsIsBounded) {
  consul_.put("web/a", "1");
  fakes::Fault spinning;
  const auto index = std::make_shared<std::uint64_t>(1000);
  spinning.change = [index](dev::Reply& reply) {
    for (auto& [name, value] : reply.headers) {
      if (name == "X-Consul-Index") value = std::to_string(++*index);
    }
  };
  consul_.script(spinning.early().repeated());
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(polling(20)) << "a burst is allowed";
  const std::size_t before = polls();
  std::this_thread::sleep_for(1s);
  EXPECT_LE(polls() - before, 10u);
}

TEST_F(Follow, ManyRealChangesAreNotHeldBack) {
  consul_.put("web/a", "0");
  start();
  ASSERT_TRUE(publishes("a=0 "));
  const auto start_of_changes = std::chrono::steady_clock::now();
  for (int i = 1; i <= 60; ++i) {
    consul_.put("web/a", std::to_string(i));
    ASSERT_TRUE(publishes("a=" + std::to_string(i) + " ", 2s));
  }
  // Held back like an index that spins, they would take ten seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - start_of_changes, 5s);
}

TEST_F(Follow, TheOtherProcesssComparisonMakesItReadEverythingAgainAndLosesNothing) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(polling(1));
  // The count moves as the heartbeat's comparison moves it.
  observer_->segment().page().sync_count.fetch_add(1);
  const std::size_t reads = reads_of("recurse");
  consul_.put("web/a", "2");
  ASSERT_TRUE(publishes("a=2 "));
  EXPECT_EQ(reads_of("recurse"), reads + 1);
  consul_.put("web/a", "3");
  ASSERT_TRUE(publishes("a=3 "));
  EXPECT_EQ(reads_of("recurse"), reads + 1);
}

TEST_F(Follow, ARemovedDirectoryIsFilledAgainWhileThePollIsOutstanding) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(polling(1));
  std::filesystem::remove_all(root_ / "web");
  in_loop([&] {
    ASSERT_TRUE(target_->renew());
    liveness_->rewrite();
    activity_->renewed();
  });
  ASSERT_TRUE(observer_->renew());
  ASSERT_TRUE(publishes("a=1 "));
  consul_.put("web/a", "2");
  ASSERT_TRUE(publishes("a=2 "));
}

TEST_F(Follow, EndsWithinASecondInTheMiddleOfAPoll) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(polling(1));
  EXPECT_LT(stop(), 500ms);
}

TEST_F(Follow, EndsWithinASecondWhileConsulDoesNotAnswerOrRefuses) {
  consul_.script(faults::silent().repeated());
  start();
  ASSERT_TRUE(consul_.wait_for_requests(1));
  EXPECT_LT(stop(), 500ms);
  consul_.refuse();
  start();
  ASSERT_TRUE(harness::eventually([&] { return line().failures.load() >= 3; }));
  EXPECT_LT(stop(), 500ms);
}

TEST_F(Follow, ALongPollThatTimesOutIsComparedAndAskedAgain) {
  settings_.consul.wait = 100ms;
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  const auto count = observer_->segment().page().sync_count.load();
  ASSERT_TRUE(polling(30)) << "not held back like an index that spins";
  EXPECT_GT(observer_->segment().page().sync_count.load(), count + 20);
  EXPECT_EQ(generation_of(*observer_), 1u);
}

}  // namespace
}  // namespace shmconf::fault
