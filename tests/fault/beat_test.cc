// The heartbeat's loop: full reads, their pace, and the backup.

#include "heartbeat/beat.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "fakes/faulty_env.h"
#include "fault/activity_fixture.h"
#include "heartbeat/generation_watch.h"
#include "settings/sources_hash.h"

namespace shmconf::fault {
namespace {

namespace faults = fakes::faults;

class Beating : public ActivityFixture {
 protected:
  Beating() : ActivityFixture(format::Role::kHeartbeat) { settings_.heartbeat_interval = 24h; }
  ~Beating() override { static_cast<void>(stop()); }
  std::unique_ptr<sources::Activity> make(const sources::Surroundings& surroundings) override {
    return std::make_unique<heartbeat::Beat>(surroundings, settings_, sources::ReadLimits(), 200ms);
  }
  std::string last_error() {
    std::string text;
    return line().last_error.load(text) ? text : "?";
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
    content.sources_hash = settings::sources_hash(settings_.sources, settings_.consul);
    auto noted = observer_->publisher()->note();
    ASSERT_TRUE(observer_->publisher()->publish(content, noted, {}, nullptr));
  }
};

// The first times that something watches the generations, there is no descriptor left for it.
class BeatingShortOfDescriptors : public Beating {
 protected:
  ~BeatingShortOfDescriptors() override { static_cast<void>(stop()); }
  std::unique_ptr<sources::Activity> make(const sources::Surroundings& around) override {
    env_.arm(1, fakes::FaultyEnv::Fault::kFail, EMFILE, true);
    return Beating::make({.io = around.io, .env = env_, .target = around.target, .liveness = around.liveness,
                          .backup = around.backup});
  }
  fakes::FaultyEnv env_;
};

TEST_F(BeatingShortOfDescriptors, BacksUpLateAndAsSoonAsBeforeWhenThereAreSome) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
  publish_as_watch("2");
  EXPECT_TRUE(harness::eventually([&] { return backed_up() == "a=2 "; })) << "looked for, now and then";
  in_loop([this] { env_.disarm(); });
  publish_as_watch("3");
  EXPECT_TRUE(harness::eventually([&] { return backed_up() == "a=3 "; }));
}

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

TEST_F(Beating, BacksUpWhatWasPublishedBeforeItLookedAlsoWithoutConsul) {
  consul_.script(faults::no_leader().repeated(1'000));
  publish_as_watch("1");
  start();
  EXPECT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
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

TEST_F(Beating, ABackupThatCouldNotBeWrittenIsSaidInStatusAndWrittenLater) {
  // Where its directory should be is a file.
  std::ofstream(root_ / "backup") << "in the way";
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(harness::eventually([&] { return last_error().starts_with("the backup was not written: "); }));
  EXPECT_EQ(line().failing_since_ns.load(), 0u) << "Consul answers";
  ASSERT_TRUE(harness::eventually([&] { return line().failures.load() >= 3; })) << "it is not tried again";
  std::filesystem::remove(root_ / "backup");
  EXPECT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; })) << "nothing has changed meanwhile";
  EXPECT_TRUE(harness::eventually([&] { return last_error().empty(); }));

  // Likewise when a full read finds that the backup of this generation has gone.
  std::filesystem::remove_all(root_ / "backup");
  std::ofstream(root_ / "backup") << "in the way";
  in_loop([&] { activity_->renewed(); });
  ASSERT_TRUE(harness::eventually([&] { return !last_error().empty(); }));
  std::filesystem::remove(root_ / "backup");
  EXPECT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
}

TEST_F(Beating, AFullReadThatFindsNothingNewLeavesTheOneBeforeTheNewestAlone) {
  consul_.put("web/a", "1");
  settings_.heartbeat_interval = 50ms;
  start();
  ASSERT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
  consul_.put("web/a", "2");
  ASSERT_TRUE(harness::eventually([&] { return backed_up() == "a=2 "; }));
  consul_.forget_requests();
  ASSERT_TRUE(consul_.wait_for_requests(3));
  const auto before = backup::Store::load_file(env::Env::posix(), store_.path() + ".prev");
  ASSERT_TRUE(before) << before.error().text;
  Entry entry;
  ASSERT_EQ(before->view().find("a", entry), Lookup::kFound);
  EXPECT_EQ(entry.value, "1");
}

// The page is replaced by the one who finds the damage; the process that it is a part of has to hear of it.
TEST_F(Beating, ADamagedSnapshotThatABackupFindsIsToldAtTheNextRenewal) {
  consul_.put("web/a", "1");
  start();
  ASSERT_TRUE(harness::eventually([&] { return backed_up() == "a=1 "; }));
  const auto page = observer_->segment().page().created_wall_s;
  const std::string name = format::generation_name(observer_->segment().page().generation.load());
  std::fstream file(root_ / ("web/" + name), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);  // padding: the keys are what Consul has
  file.put('\x7f').flush();
  in_loop([&] { activity_->renewed(); });  // a full read, and with it a backup
  ASSERT_TRUE(harness::eventually([&] {
    bool moved = false;
    in_loop([&] { moved = target_->segment().page().created_wall_s != page; });
    return moved;
  }));
  bool told = false;
  bool told_again = false;
  in_loop([&] {
    told = target_->renew().value();
    told_again = target_->renew().value();
  });
  EXPECT_TRUE(told);
  EXPECT_FALSE(told_again);
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

// Nobody can wake it there: it finds out by itself, and so does its end.
TEST_F(Beating, TheGenerationWatchOutlivesAPageThatIsCutShort) {
  for (const std::uintmax_t bytes : {0, 66}) {
    std::atomic<int> told{0};
    auto watch =
        heartbeat::GenerationWatch::start(env::Env::posix(), observer_->segment().directory(), [&] { ++told; });
    ASSERT_TRUE(watch) << watch.error().text;
    auto other = heartbeat::GenerationWatch::start(env::Env::posix(), observer_->segment().directory(), [] {});
    ASSERT_TRUE(other) << other.error().text;
    publish_as_watch(std::to_string(bytes));
    ASSERT_TRUE(harness::eventually([&] { return told == 1; }));
    std::filesystem::resize_file(root_ / "web/control.v1", bytes);
    const auto start = std::chrono::steady_clock::now();
    (*other).reset();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 8s) << "the loop waits for it";
    EXPECT_TRUE(harness::eventually([&] { return told == 2; }));
    const auto cut =
        heartbeat::GenerationWatch::start(env::Env::posix(), observer_->segment().directory(), [] {});
    EXPECT_EQ(cut.error().code, ErrorCode::kDamaged);
    ASSERT_TRUE(observer_->renew());
  }
}

}  // namespace
}  // namespace shmconf::fault
