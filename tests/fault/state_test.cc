// What Consul may answer, and what of it becomes the configuration.

#include <atomic>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>

#include "fault/state_fixture.h"

namespace shmconf::fault {
namespace {

namespace faults = fakes::faults;
using shm::Outcome;

class State : public StateFixture {};

TEST_F(State, TwoPrefixesAndAKeyMakeOneConfiguration) {
  settings_.sources = {prefix("common/"), prefix("web/"), key("demo")};
  consul_.put("common/a", "1");
  consul_.put("common/b", "1");
  consul_.put("web/b", "2");
  consul_.put("web/", "folder");
  consul_.put("demo", R"({"port":6379})");
  consul_.put("other/x", "no");
  const auto done = synchronize();
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=1 b=2 demo={\"port\":6379} ");
  Entry entry;
  ASSERT_EQ(target_->current()->find("demo#/port", entry), Lookup::kFound);
  EXPECT_EQ(entry.value, "6379");
  EXPECT_EQ(entry.kind(), format::Kind::kInteger);
  EXPECT_EQ(target_->current()->indexes().size(), 3u);
}

TEST_F(State, DocumentsAreOpenedUpWhereTheyStandNow) {
  consul_.put("web/a", R"({"gone":1})");
  consul_.put("web/b", "1");
  consul_.put("web/d", R"({"port":2})");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) {
    store.remove("web/a");
    store.put("web/b", R"({"port":3})");
    store.put("web/c", "1");
  });
  ASSERT_TRUE(synchronize());
  const auto now = target_->current();
  Entry entry;
  for (const auto& [name, value] : {std::pair{"b#/port", "3"}, {"d#/port", "2"}}) {
    ASSERT_EQ(now->find(name, entry), Lookup::kFound) << name;
    EXPECT_EQ(entry.value, value);
  }
  EXPECT_EQ(now->header().pointer_count, 2u);
}

TEST_F(State, TheSameAnswerMakesNoNewGenerationButACount) {
  consul_.put("web/a", "1");
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  const auto count = target_->segment().page().sync_count.load();
  ASSERT_EQ(synchronize()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(generation_of(*target_), 1u);
  EXPECT_EQ(target_->segment().page().sync_count.load(), count + 1);
}

TEST_F(State, ANewGenerationIsTimedAndOneThatIsNoneIsNot) {
  const auto timed = [this](const format::Durations& durations) {
    std::uint64_t count = 0;
    for (const auto& bucket : durations.counts) count += bucket.load();
    return count;
  };
  const format::RoleCounters& counters = target_->segment().counters(target_->role());
  consul_.put("web/a", "1");
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  ASSERT_EQ(synchronize()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(timed(counters.propagation), 1u);
  EXPECT_EQ(timed(counters.publish), 1u);
  EXPECT_GE(counters.propagation.sum_ns.load(), counters.publish.sum_ns.load());
  EXPECT_GT(counters.publish.sum_ns.load(), 0u);
  const auto& header = target_->current()->header();
  EXPECT_LT(header.read_wall_ns, header.published_wall_ns) << "Consul's answer came before it was published";
}

TEST_F(State, ARealDeletionIsBelievedAfterTheKeysOwnAnswer) {
  consul_.put("web/a", "1");
  consul_.put("web/b", "1");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) { store.remove("web/b"); });
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=1 ");
  EXPECT_TRUE(asked_for("/v1/kv/web/b"));
}

TEST_F(State, AKeyThatIsHiddenByAnAclKeepsTheLastGoodWhole) {
  consul_.put("web/a", "1");
  consul_.put("web/secret", "1");
  ASSERT_TRUE(synchronize());
  // The list comes without it, with 200, as a narrowed ACL filters it; and another key has changed.
  consul_.write([](auto& store) {
    store.remove("web/secret");
    store.put("web/a", "2");
  });
  consul_.script(faults::denied().on("/v1/kv/web/secret").repeated());
  for (int i = 0; i < 3; ++i) {
    const auto denied = synchronize();
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().code, ErrorCode::kDenied);
    EXPECT_NE(denied.error().text.find("web/secret"), std::string::npos) << denied.error().text;
    EXPECT_EQ(published(), "a=1 secret=1 ");
  }
  consul_.clear_faults();
  ASSERT_TRUE(synchronize());
  EXPECT_EQ(published(), "a=2 ");
}

TEST_F(State, AHiddenKeyThatALowerSourceShowsThroughIsNotBelieved) {
  settings_.sources = {prefix("common/"), prefix("web/")};
  consul_.put("common/a", "low");
  consul_.put("web/a", "high");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) { store.remove("web/a"); });
  consul_.script(faults::denied().on("/v1/kv/web/a").repeated());
  const auto denied = synchronize();
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, ErrorCode::kDenied);
  // A fresh process, which never saw the sources apart, must find it too.
  make_reader();
  EXPECT_FALSE(synchronize());
  EXPECT_EQ(published(), "a=high ");
  consul_.clear_faults();
  ASSERT_TRUE(synchronize());
  EXPECT_EQ(published(), "a=low ");
}

TEST_F(State, AKeyThatTheOtherProcessPublishedAndAnAclHidesIsNotBelievedGone) {
  settings_.sources = {prefix("common/"), prefix("web/")};
  consul_.put("common/a", "low");
  ASSERT_TRUE(synchronize());
  consul_.put("web/a", "high");
  ASSERT_TRUE(synchronize_as(format::Role::kHeartbeat));
  ASSERT_EQ(published(), "a=high ");
  // This process has never seen web/a: what it knows of the sources is older than what is published.
  consul_.write([](auto& store) { store.remove("web/a"); });
  consul_.script(faults::denied().on("/v1/kv/web/a").repeated());
  EXPECT_FALSE(synchronize());
  EXPECT_EQ(published(), "a=high ");
}

TEST_F(State, AWholePrefixThatIsHiddenIsNoEmptyOne) {
  settings_.sources = {prefix("common/"), prefix("web/")};
  consul_.put("common/a", "1");
  consul_.script(faults::hidden().on("GET /v1/kv/web/?recurse").repeated());
  consul_.script(faults::denied().on("GET /v1/kv/web/").repeated());
  const auto denied = synchronize();
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, ErrorCode::kDenied);
  EXPECT_EQ(published(), "-") << "half a configuration";
}

TEST_F(State, AListWithoutAKeyThatIsThereIsReadAgainAndThenRefused) {
  consul_.put("web/a", "1");
  consul_.put("web/b", "1");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) { store.remove("web/b"); });
  consul_.put("elsewhere", "");
  // The key's own GET says that it is there.
  auto there = faults::body(
      R"([{"LockIndex":0,"Key":"web/b","Flags":0,"Value":"MQ==","CreateIndex":3,"ModifyIndex":3}])");
  const auto change = there.change;
  there.change = [change](dev::Reply& reply) {
    change(reply);
    reply.status = 200;
  };
  consul_.script(there.on("/v1/kv/web/b").repeated());
  consul_.forget_requests();
  const auto refused = synchronize();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(times_asked_for("recurse"), 4u);
  EXPECT_EQ(published(), "a=1 b=1 ");
  // Was a deletion under way, once: the second list is believed.
  consul_.clear_faults();
  consul_.script(there.on("/v1/kv/web/b").repeated(1));
  ASSERT_TRUE(synchronize());
  EXPECT_EQ(published(), "a=1 ");
}

TEST_F(State, AnEmptyConfigurationReplacesNothingUnlessAllowed) {
  EXPECT_EQ(synchronize()->outcome, Outcome::kEmpty);
  EXPECT_EQ(published(), "-");
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) { store.remove_tree("web/"); });
  EXPECT_EQ(synchronize()->outcome, Outcome::kEmpty);
  EXPECT_EQ(published(), "a=1 ");
  settings_.allow_empty = true;
  make_reader();
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "");
}

TEST_F(State, AnImportAfterALossIsPublishedWholeOrNotAtAll) {
  for (int i = 0; i < 20; ++i) consul_.put("web/" + std::to_string(10 + i), "1");
  ASSERT_TRUE(synchronize());
  const std::string before = published();
  consul_.write([](auto& store) {
    store = dev::KvStore();
    store.put("web/10", "2");
  });
  auto done = synchronize_aside();
  for (int i = 1; i < 20; ++i) {
    // Indexes run far ahead of the old ones before the last key is back.
    consul_.write([&](auto& store) {
      for (int j = 0; j < 9; ++j) store.put("other", std::to_string(i * 10 + j));
      store.put("web/" + std::to_string(10 + i), "2");
    });
    ASSERT_EQ(generation_of(*target_), 1u) << "published while keys were missing";
    std::this_thread::sleep_for(40ms);
  }
  const auto published_at_last = done.get();
  ASSERT_TRUE(published_at_last) << published_at_last.error().text;
  EXPECT_EQ(generation_of(*target_), 2u);
  EXPECT_EQ(target_->current()->header().key_count, 20u);
  EXPECT_GT(waited_, 1);
}

TEST_F(State, AfterARewindMissingKeysAreBelievedWhenTheAnswerHasStood) {
  consul_.put("web/a", "1");
  consul_.put("web/b", "1");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) {
    store = dev::KvStore();
    store.put("web/a", "0");
  });
  const auto start = std::chrono::steady_clock::now();
  const auto done = synchronize();
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_GE(std::chrono::steady_clock::now() - start, limits_.stand_still);
  EXPECT_EQ(published(), "a=0 ");
  EXPECT_EQ(waited_, 1);
}

TEST_F(State, ARewindThatIsPublishedDoesNotHoldUpLaterDeletions) {
  consul_.put("web/a", "1");
  consul_.put("web/b", "1");
  consul_.put("web/b", "2");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) {
    store = dev::KvStore();
    store.put("web/a", "0");
    store.put("web/c", "0");
  });
  ASSERT_TRUE(synchronize());
  ASSERT_EQ(waited_, 1);
  consul_.write([](auto& store) { store.remove("web/c"); });
  ASSERT_TRUE(synchronize());
  EXPECT_EQ(published(), "a=0 ");
  EXPECT_EQ(waited_, 1);
}

TEST_F(State, AStopEndsTheWaitForMissingKeys) {
  limits_.stand_still = 20s;
  consul_.put("web/a", "1");
  consul_.put("web/b", "1");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) {
    store = dev::KvStore();
    store.put("web/a", "0");
  });
  const auto stop_while_waiting = [this](const auto&) { boost::asio::post(io_, [this] { reader_->stop(); }); };
  reader_ = std::make_unique<StateReader>(
      io_, settings_, StateReader::Events{.answered = [] {}, .waiting = stop_while_waiting}, limits_);
  const auto start = std::chrono::steady_clock::now();
  const auto done = synchronize();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().text, "the process is being stopped");
  EXPECT_LT(std::chrono::steady_clock::now() - start, limits_.stand_still / 2);
  EXPECT_EQ(published(), "a=1 b=1 ");
}

TEST_F(State, ARewindWithEveryKeyThereIsPublishedAtOnce) {
  consul_.put("web/a", "1");
  consul_.put("web/a", "2");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) {
    store = dev::KvStore();
    store.put("web/a", "1");
  });
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=1 ");
  EXPECT_EQ(waited_, 0);
}

TEST_F(State, AnEmptiedPrefixAfterARewindMustStandStillToo) {
  settings_.allow_empty = true;
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) { store = dev::KvStore(); });
  ASSERT_TRUE(synchronize());
  EXPECT_EQ(waited_, 1);
  EXPECT_EQ(published(), "");
}

// A server that was restored from a snapshot long after that was made: `later` is missing, and will not
// come.
void put_before_restore(fakes::FakeConsul& consul) {
  consul.write([](auto& store) {
    store.put("web/a", "1");
    for (int i = 0; i < 10'000; ++i) store.put("web/tick", std::to_string(i));
    store.put("web/later", "1");
  });
}
void restore(fakes::FakeConsul& consul) {
  consul.write([](auto& store) {
    store = dev::KvStore();
    store.put("web/a", "1");
    store.put("web/tick", "0");
  });
}

// Writes all the while, until it goes.
class Writer {
 public:
  explicit Writer(std::function<void(int)> write)
      : thread_([this, write = std::move(write)] {
          for (int i = 1; !done_; ++i) {
            write(i);
            std::this_thread::sleep_for(20ms);
          }
        }) {}
  ~Writer() {
    done_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

TEST_F(State, AfterARewindAKeyThatIsWrittenAllTheTimeDoesNotHoldUpTheRest) {
  limits_.longest_stand_still = 1h;
  put_before_restore(consul_);
  ASSERT_TRUE(synchronize());
  restore(consul_);
  std::future<Result<Published>> done;  // ends after the writer, also where this fails
  const Writer busy([this](int i) { consul_.put("web/tick", std::to_string(i)); });
  done = synchronize_aside();
  ASSERT_EQ(done.wait_for(10s), std::future_status::ready) << "frozen by a busy key";
  ASSERT_TRUE(done.get());
  EXPECT_EQ(target_->current()->header().key_count, 2u);
  EXPECT_GE(waited_, 1);
}

TEST_F(State, AfterARewindKeysThatComeAndGoAllTheTimeDoNotHoldUpTheRestForEver) {
  limits_.longest_stand_still = 700ms;
  put_before_restore(consul_);
  ASSERT_TRUE(synchronize());
  restore(consul_);
  std::future<Result<Published>> done;  // ends after the writer, also where this fails
  const Writer busy([this](int i) {
    consul_.write([i](auto& store) {
      store.remove("web/lock" + std::to_string(i - 1));
      store.put("web/lock" + std::to_string(i), "");
    });
  });
  done = synchronize_aside();
  ASSERT_EQ(done.wait_for(10s), std::future_status::ready);
  ASSERT_TRUE(done.get());
  EXPECT_EQ(target_->current()->header().key_count, 3u);
  EXPECT_GE(waited_, 2);
}

// The segment is gone, and Consul is being imported: the backup knows what is still to come.
TEST_F(State, WithNothingPublishedABackupTellsThatKeysAreStillOnTheirWay) {
  for (int i = 0; i < 20; ++i) consul_.put("web/" + std::to_string(10 + i), "1");
  ASSERT_TRUE(synchronize());
  ASSERT_TRUE(store_.write(target_->current()->bytes()));
  ASSERT_TRUE(target_->segment().remove());
  ASSERT_TRUE(target_->renew());
  ASSERT_EQ(published(), "-");
  consul_.write([](auto& store) { store = dev::KvStore(); });
  consul_.put("web/10", "2");
  make_reader();
  auto done = synchronize_aside();
  for (int i = 1; i < 20; ++i) {
    std::this_thread::sleep_for(40ms);
    ASSERT_EQ(generation_of(*target_), 0u) << "published while keys were missing";
    consul_.put("web/" + std::to_string(10 + i), "2");
  }
  ASSERT_TRUE(done.get());
  EXPECT_EQ(target_->current()->header().key_count, 20u);
}

TEST_F(State, WithNothingPublishedAnOrdinaryDeletionSinceTheBackupIsPublishedAtOnce) {
  consul_.put("web/a", "1");
  consul_.put("web/b", "1");
  ASSERT_TRUE(synchronize());
  ASSERT_TRUE(store_.write(target_->current()->bytes()));
  ASSERT_TRUE(target_->segment().remove());
  ASSERT_TRUE(target_->renew());
  consul_.write([](auto& store) { store.remove("web/b"); });
  make_reader();
  ASSERT_TRUE(synchronize());
  EXPECT_EQ(published(), "a=1 ");
  EXPECT_EQ(waited_, 0);
}

struct Bad {
  const char* name;
  fakes::Fault fault;
};

class BadAnswer : public StateFixture, public ::testing::WithParamInterface<Bad> {};

TEST_P(BadAnswer, KeepsTheLastGoodAndTheNextReadRecovers) {
  settings_.consul.grace = 300ms;
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  consul_.put("web/a", "2");
  consul_.script(GetParam().fault.on("recurse"));
  const auto failed = synchronize();
  ASSERT_FALSE(failed);
  EXPECT_FALSE(failed.error().text.empty());
  EXPECT_EQ(published(), "a=1 ");
  const auto done = synchronize();
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(published(), "a=2 ");
}

INSTANTIATE_TEST_SUITE_P(
    Every, BadAnswer,
    ::testing::Values(Bad{"denied", faults::denied()}, Bad{"unknown_token", faults::unknown_token()},
                      Bad{"rate_limited", faults::rate_limited()}, Bad{"no_leader", faults::no_leader()},
                      Bad{"lost_server", faults::lost_server()}, Bad{"redirect", faults::redirect("/elsewhere")},
                      Bad{"not_json", faults::not_json()}, Bad{"gzipped", faults::gzipped()},
                      Bad{"truncated", faults::truncated()}, Bad{"no_index", faults::without_header("X-Consul-Index")},
                      Bad{"bad_index", faults::index("x")},
                      Bad{"leaderless", faults::with_header("X-Consul-KnownLeader", "false")},
                      Bad{"foreign_keys", faults::body(R"([{"LockIndex":0,"Key":"webx","Flags":0,"Value":null,)"
                                                       R"("CreateIndex":3,"ModifyIndex":3}])")}),
    [](const auto& tested) { return tested.param.name; });

// --- several sources, one state ---

TEST_F(State, AWriteBetweenTwoReadsIsNeverSeenHalf) {
  settings_.sources = {prefix("common/"), prefix("web/")};
  consul_.put("common/a", "1");
  consul_.put("web/b", "1");
  consul_.script(faults::delayed(300ms).on("/v1/kv/web/?recurse"));
  auto done = synchronize_aside();
  ASSERT_TRUE(harness::eventually([&] { return asked_for("/v1/kv/web/?recurse"); }));
  ASSERT_TRUE(consul_.kv().put_together({{"common/a", "2"}, {"web/b", "2"}}));
  ASSERT_TRUE(done.get());
  EXPECT_EQ(generation_of(*target_), 1u);
  EXPECT_EQ(published(), "a=2 b=2 ");
}

TEST_F(State, SourcesThatNeverStandStillArePublishedInTheEndAndCounted) {
  limits_.settle_for = 50ms;
  settings_.sources = {prefix("common/"), prefix("web/")};
  consul_.put("common/a", "1");
  consul_.put("web/b", "1");
  // Every index that is asked for has moved, and every answer is another one.
  fakes::Fault moving;
  const auto index = std::make_shared<std::uint64_t>(100);
  moving.change = [index](dev::Reply& reply) {
    for (auto& [name, value] : reply.headers) {
      if (name == "X-Consul-Index") value = std::to_string(++*index);
    }
  };
  consul_.script(moving.repeated());
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(target_->segment().page().settled_rounds_exceeded.load(), 1u);
  consul_.clear_faults();
  consul_.put("web/b", "2");
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(target_->segment().page().settled_rounds_exceeded.load(), 1u);
}

// A writer that never rests: whatever is asked about has moved. Two reads of which the later one shows
// nothing newer than the earlier one are one state all the same.
TEST_F(State, ReadsThatFollowOneAnotherWithoutAWriteBetweenThemAreOneState) {
  settings_.sources = {prefix("common/"), prefix("web/")};
  consul_.put("common/a", "1");
  consul_.put("web/b", "1");
  const auto answer_with = [](std::vector<std::uint64_t> indexes) {
    fakes::Fault fault;
    const auto next = std::make_shared<std::size_t>(0);
    fault.change = [indexes = std::move(indexes), next](dev::Reply& reply) {
      const std::uint64_t index = indexes[std::min(*next, indexes.size() - 1)] + *next;
      ++*next;
      for (auto& [name, value] : reply.headers) {
        if (name == "X-Consul-Index") value = std::to_string(index);
      }
    };
    return fault.repeated();
  };
  // common 100; web 101; common has moved, and is 102; web is 102 too. (Each answer adds its number.)
  consul_.script(answer_with({100, 100, 100, 99, 200}).on("recurse"));
  consul_.script(answer_with({500}).on("separator"));
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(target_->segment().page().settled_rounds_exceeded.load(), 0u);
  EXPECT_EQ(times_asked_for("recurse"), 4U);
}

TEST_F(State, AnotherPublishersComparisonMeanwhileMeansToReadAgain) {
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  consul_.script(faults::delayed(300ms).on("recurse"));
  consul_.forget_requests();
  auto done = synchronize_aside();
  ASSERT_TRUE(consul_.wait_for_requests(1));
  consul_.put("web/a", "2");
  ASSERT_TRUE(synchronize_as(format::Role::kHeartbeat));
  ASSERT_EQ(done.get()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(times_asked_for("recurse"), 3u) << "one by the peer, two by the one that it overtook";

  consul_.script(faults::delayed(300ms).on("recurse"));
  consul_.forget_requests();
  done = synchronize_aside(1);
  ASSERT_TRUE(consul_.wait_for_requests(1));
  ASSERT_TRUE(synchronize_as(format::Role::kHeartbeat));
  EXPECT_EQ(done.get()->outcome, Outcome::kMoved);
}

// Another process publishes what Consul has after `write`, while this one has an answer from before it in
// its hands.
class Overtaken : public StateFixture {
 protected:
  void overtake(const std::function<void(dev::KvStore&)>& write) {
    consul_.write(write);
    ASSERT_TRUE(synchronize_as(format::Role::kHeartbeat));
  }
};

TEST_F(Overtaken, AnAnswerOlderThanWhatIsPublishedIsNoRewind) {
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  at_next_answer_ = [this] { overtake([](auto& store) { store.put("web/b", "1"); }); };
  ASSERT_EQ(synchronize()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(published(), "a=1 b=1 ");
  EXPECT_EQ(waited_, 0) << "took the other process's newer state for a Consul that has gone back in time";
}

TEST_F(Overtaken, AfterSoManyAttemptsTheOtherProcessKeepsTheSegmentSupplied) {
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  at_next_answer_ = [this] { overtake([](auto& store) { store.put("web/b", "1"); }); };
  EXPECT_EQ(synchronize(1)->outcome, Outcome::kMoved);
  EXPECT_EQ(published(), "a=1 b=1 ");
  EXPECT_EQ(waited_, 0);
}

TEST_F(Overtaken, AnEmptyAnswerOlderThanWhatIsPublishedIsNoEmptyConsul) {
  at_next_answer_ = [this] { overtake([](auto& store) { store.put("web/a", "1"); }); };
  EXPECT_EQ(synchronize()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(published(), "a=1 ");
}

TEST_F(Overtaken, ARewindAfterwardsIsStillFound) {
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  at_next_answer_ = [this] {
    overtake([](auto& store) { store.put("web/b", "1"); });
    consul_.write([](auto& store) {
      store = dev::KvStore();
      store.put("web/a", "1");
    });
  };
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=1 ");
  EXPECT_EQ(waited_, 1);
}

TEST_F(State, AReplacedSegmentIsReadForAgain) {
  consul_.put("web/a", "1");
  // Both segments' counts are 0, so only the segment itself tells them apart.
  consul_.script(faults::delayed(300ms).on("recurse"));
  consul_.forget_requests();
  auto done = synchronize_aside(1);
  ASSERT_TRUE(consul_.wait_for_requests(1));
  std::filesystem::remove_all(root_ / "web");
  std::promise<bool> renewed;
  boost::asio::post(io_, [&] { renewed.set_value(target_->renew().ok()); });
  ASSERT_TRUE(renewed.get_future().get());
  EXPECT_EQ(done.get()->outcome, Outcome::kMoved) << "the note was of the segment before";
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=1 ");
}

TEST_F(State, AStaleAnswerOlderThanWhatIsPublishedIsAskedForAgainFromTheLeader) {
  settings_.consul.consistency = settings::Consistency::kStale;
  consul_.put("web/a", "1");
  consul_.put("web/a", "2");
  ASSERT_TRUE(synchronize());
  make_reader();
  auto lagging = faults::body(
      R"([{"LockIndex":0,"Key":"web/a","Flags":0,"Value":"MQ==","CreateIndex":2,"ModifyIndex":2}])");
  const auto body = lagging.change;
  const auto index = faults::index("2").change;
  lagging.change = [body, index](dev::Reply& reply) {
    body(reply);
    index(reply);
  };
  consul_.script(lagging.on("stale").repeated());
  consul_.forget_requests();
  ASSERT_EQ(synchronize()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(published(), "a=2 ");
  ASSERT_EQ(consul_.requests().size(), 2u);
  EXPECT_EQ(consul_.requests()[1].target.find("stale"), std::string::npos);
}

TEST_F(State, AStaleAnswerThatLagsBehindTheOthersMakesNoHalfState) {
  settings_.consul.consistency = settings::Consistency::kStale;
  settings_.sources = {prefix("common/"), prefix("web/")};
  ASSERT_TRUE(consul_.kv().put_together({{"common/a", "1"}, {"web/b", "1"}}));
  ASSERT_TRUE(synchronize());
  const std::string before = consul_.kv().get("web/", "recurse").body;
  const std::string index = std::to_string(target_->current()->indexes()[1]);
  ASSERT_TRUE(consul_.kv().put_together({{"common/a", "2"}, {"web/b", "2"}}));
  // The follower that answers for the last source has not heard of it yet.
  auto lagging = faults::body(before);
  lagging.change = [body = lagging.change, set = faults::index(index).change](dev::Reply& reply) {
    body(reply);
    set(reply);
  };
  consul_.script(lagging.on("/v1/kv/web/?recurse&stale"));
  ASSERT_TRUE(synchronize());
  EXPECT_EQ(consul_.faults_left(), 0u) << "the answer was asked for otherwise";
  EXPECT_EQ(published(), "a=2 b=2 ");
}

}  // namespace
}  // namespace shmconf::fault
