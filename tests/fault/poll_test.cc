// What the answer to one long poll is taken for.

#include "fault/state_fixture.h"

namespace shmconf::fault {
namespace {

namespace faults = fakes::faults;

class Poll : public StateFixture {
 protected:
  Result<consul::Answer> ask(std::size_t source, std::uint64_t index) {
    consul::Query query{.source = settings_.sources[source], .index = index, .wait = 1ms};
    return finish(io_, client_->query(query));
  }
  Result<bool> take(std::size_t source, sources::Polled polled) {
    return finish(io_, reader_->take(source, *client_, std::move(polled)));
  }
  // What take() makes of the answer to a query with this index that took so long.
  Result<bool> take(std::uint64_t asked, std::chrono::milliseconds elapsed, bool fresh = false) {
    auto answer = ask(0, asked);
    consul_.forget_requests();
    return take(0, {.asked = asked, .elapsed = elapsed, .fresh_connection = fresh, .answer = std::move(answer)});
  }
  bool reread() {
    const auto requests = consul_.requests();
    return requests.size() == 1 && requests[0].target.find("index=") == std::string::npos;
  }
};

TEST_F(Poll, TheEarlySameIndexTheLowerAndTheZeroOneAreReadAgainWithoutIndex) {
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  const auto index = reader_->index(0);
  consul_.script(faults::index(std::to_string(index)).early());
  ASSERT_TRUE(take(index, 20ms));
  EXPECT_TRUE(reread());
  ASSERT_TRUE(take(index, settings_.consul.wait));
  EXPECT_FALSE(reread()) << "the end of the wait is no reason";
  for (const char* went_back : {"0", "1"}) {
    consul_.script(faults::index(went_back).early());
    ASSERT_TRUE(take(index, 20ms));
    EXPECT_TRUE(reread()) << went_back;
  }
  consul_.script(faults::index(std::to_string(index + 1)).early());
  ASSERT_TRUE(take(index, 20ms));
  EXPECT_FALSE(reread());
}

TEST_F(Poll, AnAnswerOverAConnectionOfItsOwnMakingIsReadAgain) {
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  const auto index = reader_->index(0);
  consul_.put("web/a", "2");
  ASSERT_TRUE(take(index, 20ms, true));
  EXPECT_TRUE(reread());
}

TEST_F(Poll, AChangeIsAsOldAsItsOwnAnswer) {
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  const std::uint64_t published_before = target_->current()->header().published_wall_ns;
  consul_.put("web/a", "2");
  ASSERT_TRUE(take(reader_->index(0), 20ms));
  ASSERT_TRUE(finish(io_, reader_->publish_taken(lanes(), 0, true, *target_)));
  EXPECT_EQ(published(), "a=2 ");
  EXPECT_GT(target_->current()->header().read_wall_ns, published_before);
}

TEST_F(Poll, AnOrdinaryChangeInALowerSourceAsksForNoKey) {
  settings_.sources = {prefix("common/"), prefix("web/")};
  consul_.put("common/a", "1");
  consul_.put("web/b", "1");
  ASSERT_TRUE(synchronize());
  consul_.put("common/a", "2");
  ASSERT_TRUE(take(reader_->index(0), 20ms));
  const auto done = finish(io_, reader_->publish_taken(lanes(), 0, true, *target_));
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(published(), "a=2 b=1 ");
  EXPECT_FALSE(asked_for("/v1/kv/web/a"));
  EXPECT_EQ(consul_.requests().size(), 1u) << "the other source's index, and nothing else";
  // Both at once: the higher source is read again, and is still known not to have had the key.
  ASSERT_TRUE(consul_.kv().put_together({{"common/a", "3"}, {"web/b", "3"}}));
  ASSERT_TRUE(take(reader_->index(0), 20ms));
  ASSERT_TRUE(finish(io_, reader_->publish_taken(lanes(), 0, true, *target_)));
  EXPECT_EQ(published(), "a=3 b=3 ");
  EXPECT_FALSE(asked_for("/v1/kv/web/a"));
}

TEST_F(Poll, OfTwoAnswersTheOneTakenLastMayBeTheOlderOne) {
  settings_.sources = {prefix("common/"), prefix("web/")};
  consul_.put("common/a", "1");
  consul_.put("web/b", "1");
  ASSERT_TRUE(synchronize());
  const std::uint64_t common = reader_->index(0);
  const std::uint64_t web = reader_->index(1);
  consul_.put("web/b", "2");
  auto older = ask(1, web);
  ASSERT_TRUE(consul_.kv().put_together({{"common/a", "3"}, {"web/b", "3"}}));
  auto newer = ask(0, common);
  ASSERT_TRUE(take(0, {.asked = common, .elapsed = 20ms, .fresh_connection = false, .answer = std::move(newer)}));
  ASSERT_TRUE(take(1, {.asked = web, .elapsed = 20ms, .fresh_connection = false, .answer = std::move(older)}));
  ASSERT_TRUE(finish(io_, reader_->publish_taken(lanes(), 1, false, *target_)));
  EXPECT_EQ(published(), "a=3 b=3 ") << "half a transaction";
}

TEST_F(Poll, AnErrorIsHandedOn) {
  consul_.put("web/a", "1");
  ASSERT_TRUE(synchronize());
  consul_.script(faults::lost_server());
  EXPECT_FALSE(take(reader_->index(0), 20ms));
}

}  // namespace
}  // namespace shmconf::fault
