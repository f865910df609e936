// What an index that is lower than before may mean: a rewind, an older server, or nothing at all.

#include "fault/state_fixture.h"

namespace shmconf::fault {
namespace {

namespace faults = fakes::faults;
using shm::Outcome;

class LowerIndex : public StateFixture {
 protected:
  // The answer of a server that has seen nothing since web/a was 1. It calls itself the leader's, and fresh.
  static fakes::Fault older() {
    auto older = faults::body(
        R"([{"LockIndex":0,"Key":"web/a","Flags":0,"Value":"MQ==","CreateIndex":2,"ModifyIndex":2}])");
    older.change = [body = older.change, index = faults::index("2").change,
                    known = faults::with_header("X-Consul-KnownLeader", "true").change,
                    contact = faults::with_header("X-Consul-LastContact", "0").change](dev::Reply& reply) {
      body(reply);
      index(reply);
      known(reply);
      contact(reply);
    };
    return older;
  }
  // Only what is asked of a leader that makes sure is answered soundly.
  void serve_older_unless_consistent() {
    consul_.script(fakes::Fault().on("consistent").repeated());
    consul_.script(older().on("recurse").repeated());
    consul_.forget_requests();
  }
  Result<bool> take(Result<consul::Answer> answer, std::uint64_t asked) {
    return finish(io_, reader_->take(0, *client_, {.asked = asked, .elapsed = 20ms, .fresh_connection = false,
                                                   .answer = std::move(answer)}));
  }
  Result<consul::Answer> ask(std::uint64_t index) {
    consul::Query query{.source = settings_.sources[0], .index = index, .wait = 1ms};
    query.consistency = settings_.consul.consistency;
    return finish(io_, client_->query(query));
  }
};

TEST_F(LowerIndex, WithTheSameContentChangesNothing) {
  consul_.put("web/a", "1");
  consul_.put("web/b", "1");
  consul_.write([](auto& store) { store.remove("web/b"); });
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  ASSERT_EQ(reader_->index(0), 4u) << "of the deletion";
  // The server has forgotten the deletion, as it does after a quarter of an hour.
  consul_.script(faults::index("2").repeated());
  EXPECT_EQ(synchronize()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(generation_of(*target_), 1u);
  EXPECT_EQ(waited_, 0);
  EXPECT_EQ(reader_->index(0), 2u) << "the next query asks with it";
}

TEST_F(LowerIndex, OfALeaderThatIsNoneAnyMoreIsNotBelieved) {
  consul_.put("web/a", "1");
  consul_.put("web/a", "2");
  ASSERT_TRUE(synchronize());
  serve_older_unless_consistent();
  EXPECT_EQ(synchronize()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(published(), "a=2 ");
  // Nor by a process that has just started and knows only what is published.
  make_reader();
  EXPECT_EQ(synchronize()->outcome, Outcome::kUnchanged);
  EXPECT_EQ(published(), "a=2 ");
  EXPECT_EQ(times_asked_for("consistent"), 2u);
}

TEST_F(LowerIndex, OfALongPollIsNotBelievedWhateverItsHeadersSay) {
  for (const auto consistency : {settings::Consistency::kDefault, settings::Consistency::kStale}) {
    settings_.consul.consistency = consistency;
    consul_.clear_faults();
    consul_.put("web/a", "1");
    consul_.put("web/a", "2");
    make_reader();
    ASSERT_TRUE(synchronize());
    const std::uint64_t index = reader_->index(0);
    serve_older_unless_consistent();
    ASSERT_TRUE(take(ask(index), index));
    ASSERT_TRUE(finish(io_, reader_->publish_taken(lanes(), 0, true, *target_)));
    EXPECT_EQ(published(), "a=2 ");
  }
}

TEST_F(LowerIndex, ThatAConsistentReadConfirmsIsARewind) {
  consul_.put("web/a", "1");
  consul_.put("web/a", "2");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) {
    store = dev::KvStore();
    store.put("web/a", "1");
  });
  consul_.forget_requests();
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=1 ");
  EXPECT_EQ(times_asked_for("consistent"), 1u);
}

// A follower that lags would prove anything.
TEST_F(LowerIndex, ProofsAreNeverAskedOfAFollower) {
  settings_.consul.consistency = settings::Consistency::kStale;
  consul_.put("web/a", "1");
  consul_.put("web/b", "1");
  ASSERT_TRUE(synchronize());
  consul_.write([](auto& store) { store.remove("web/b"); });
  consul_.forget_requests();
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_TRUE(asked_for("/v1/kv/web/?recurse&stale"));
  EXPECT_TRUE(asked_for("/v1/kv/web/b"));
  EXPECT_FALSE(asked_for("/v1/kv/web/b?stale"));
}

}  // namespace
}  // namespace shmconf::fault
