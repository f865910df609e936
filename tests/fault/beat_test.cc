// The heartbeat's loop: full reads, their pace, and the backup.

#include "heartbeat/beat.h"

#include <atomic>
#include <filesystem>

#include "fault/activity_fixture.h"
#include "heartbeat/generation_watch.h"
#include "sources/overlay.h"

namespace shmconf::fault {
namespace {

namespace faults = fakes::faults;

class Beating : public ActivityFixture {
 protected:
  Beating() : ActivityFixture(format::Role::kHeartbeat) { settings_.heartbeat_interval = 1h; }
  ~Beating() override { static_cast<void>(stop()); }
  std::unique_ptr<sources::Activity> make(const sources::Surroundings& surroundings) override {
    return std::make_unique<heartbeat::Beat>(surroundings, settings_);
  }
  std::string backed_up() {
    auto loaded = backup::Store::load_file(env::Env::posix(), store_.path());
    if (!loaded) return "-";
    std::string all;
    auto walk = loaded->view().walk();
    Entry entry;
    while (walk.next(entry)) all += std::string(entry.key) + "=" + std::string(entry.value) + " ";
    return all;
  }
  // Publishes as the watch would.
  void publish_as_watch(const std::string& value, format::Origin origin = format::Origin::kConsul) {
    shm::Content content;
    content.keys = {{.key = "a", .value = value, .create_index = 1, .modify_index = 2, .session = {}}};
    content.indexes = {2};
    content.origin = origin;
    content.sources_hash = sources::sources_hash(settings_.sources, settings_.consul);
    auto noted = observer_->publisher()->note();
    ASSERT_TRUE(observer_->publisher()->publish(content, noted, {}, nullptr));
  }
};

TEST_F(Beating, ReadsAtTheStartPublishesBacksUpAndHoldsNoConnection) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  EXPECT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
  EXPECT_TRUE(harness::eventually([&] { return consul_.connections_open() == 0; }));
  std::string path;
  ASSERT_TRUE(observer_->segment().page().backup_path.load(path));
  EXPECT_EQ(path, store_.path());
  EXPECT_TRUE(harness::eventually([&] { return line().contact_ns.load() != 0; }));
}

TEST_F(Beating, ReadsAgainInEachInterval) {
  settings_.heartbeat_interval = 50ms;
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  consul_.put("web/a", "2");
  ASSERT_TRUE(publishes("a=2 "));
}

TEST_F(Beating, RetriesUntilItHasSucceededAndThenKeepsToTheInterval) {
  consul_.put("web/a", "1");
  consul_.script(faults::no_leader().repeated(4));
  start();
  ASSERT_TRUE(publishes("a=1 "));
  EXPECT_EQ(line().failures.load(), 4u);
  ASSERT_TRUE(harness::eventually([&] { return line().failing_since_ns.load() == 0; }));
  consul_.forget_requests();
  consul_.put("web/a", "2");
  EXPECT_FALSE(consul_.wait_for_requests(1, 500ms));
}

TEST_F(Beating, BacksUpWithinASecondWhatTheOtherProcessPublishes) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
  publish_as_watch("2");
  EXPECT_TRUE(harness::eventually([&] { return backed_up() == "a=2 "; }, 1s));
}

TEST_F(Beating, BacksUpAtItsEndWhatWasPublishedInTheLastMoment) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
  publish_as_watch("2");
  stop();
  EXPECT_EQ(backed_up(), "a=2 ");
}

TEST_F(Beating, BacksUpNothingButWhatCameFromConsulForTheseSources) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
  publish_as_watch("2", format::Origin::kDev);
  EXPECT_FALSE(harness::eventually([&] { return backed_up() == "a=2 "; }, 800ms));
}

TEST_F(Beating, YieldsToAProcessThatIsAlwaysFaster) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  stop();
  // The other one compares while each of these reads is under way.
  fakes::Fault overtaken;
  overtaken.change = [this](dev::Reply&) { observer_->segment().page().sync_count.fetch_add(1); };
  consul_.script(overtaken.on("recurse").repeated());
  consul_.forget_requests();
  consul_.put("web/a", "2");
  start();
  ASSERT_TRUE(consul_.wait_for_requests(3));
  EXPECT_FALSE(consul_.wait_for_requests(4, 300ms));
  EXPECT_EQ(published(), "a=1 ");
  EXPECT_EQ(line().failing_since_ns.load(), 0u);
}

TEST_F(Beating, ASegmentThatWasReplacedIsFilledAtOnceAndWatchedForGenerations) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  std::filesystem::remove_all(root_ / "web");
  in_loop([&] {
    ASSERT_TRUE(target_->renew());
    activity_->renewed();
  });
  ASSERT_TRUE(observer_->renew());
  ASSERT_TRUE(publishes("a=1 "));
  publish_as_watch("2");
  EXPECT_TRUE(harness::eventually([&] { return backed_up() == "a=2 "; }, 1s));
}

TEST_F(Beating, EndsWithinASecondBetweenReadsAndDuringOne) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  EXPECT_LT(stop(), 500ms);
  consul_.script(faults::silent().repeated());
  consul_.forget_requests();
  start();
  ASSERT_TRUE(consul_.wait_for_requests(1));
  EXPECT_LT(stop(), 500ms);
}

TEST_F(Beating, TheGenerationWatchTellsEachMoveAndTheEndOfThePage) {
  std::atomic<int> told{0};
  auto watch = heartbeat::GenerationWatch::start(env::Env::posix(), observer_->segment().directory(), [&] { ++told; });
  ASSERT_TRUE(watch);
  publish_as_watch("1");
  ASSERT_TRUE(harness::eventually([&] { return told == 1; }));
  publish_as_watch("2");
  ASSERT_TRUE(harness::eventually([&] { return told == 2; }));
  observer_->segment().wake();
  std::filesystem::remove_all(root_ / "web");
  ASSERT_TRUE(observer_->renew());
  ASSERT_TRUE(harness::eventually([&] { return told == 3; }));
  (*watch).reset();
  for (int i = 0; i < 200; ++i) {
    auto brief = heartbeat::GenerationWatch::start(env::Env::posix(), observer_->segment().directory(), [] {});
    ASSERT_TRUE(brief);  // its end must not hang, however soon it comes
  }
}

}  // namespace
}  // namespace shmconf::fault
