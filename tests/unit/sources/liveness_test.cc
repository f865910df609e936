// What a process says of itself, and how a reader understands two of them.

#include "sources/liveness.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "fakes/faulty_env.h"
#include "harness/temp_directory.h"

namespace shmconf::sources {
namespace {

using namespace std::chrono_literals;
using format::Role;

class LivenessTest : public ::testing::Test {
 protected:
  std::unique_ptr<PublishTarget> attach(Role role) {
    return std::move(PublishTarget::attach(env_, {.root = root_.path(), .name = "web", .group = {}}, role).value());
  }
  format::RoleState& line(Role role) { return watch_target_->segment().role(role); }
  // How a reader judges a contact against the other process's failure.
  bool vouches(Role role, Role failing) {
    const auto since = line(failing).failing_since_ns.load();
    return since == 0 || line(role).contact_ns.load() >= since;
  }
  std::string error(Role role) {
    std::string text;
    EXPECT_TRUE(line(role).last_error.load(text));
    return text;
  }
  const Error refused_{ErrorCode::kUnavailable, "refused"};

  fakes::FaultyEnv env_;
  harness::TempDirectory root_;
  std::unique_ptr<PublishTarget> watch_target_ = attach(Role::kWatch);
  std::unique_ptr<PublishTarget> heartbeat_target_ = attach(Role::kHeartbeat);
  Liveness watch_{env_, *watch_target_, 38s};
  Liveness heartbeat_{env_, *heartbeat_target_, 1h};
};

TEST_F(LivenessTest, AContactOfTheHeartbeatVouchesOnlyUntilTheWatchFailsAgain) {
  watch_.failed(refused_);
  env_.boottime_shift += 1s;
  heartbeat_.succeeded();
  EXPECT_TRUE(vouches(Role::kHeartbeat, Role::kWatch)) << "Consul answered after the watch's failure";
  env_.boottime_shift += 1s;
  watch_.failed(refused_);
  EXPECT_FALSE(vouches(Role::kHeartbeat, Role::kWatch)) << "and has failed since";
}

TEST_F(LivenessTest, FailuresThatFollowOneAnotherAreOneRun) {
  watch_.failed(refused_);
  const auto since = line(Role::kWatch).failing_since_ns.load();
  env_.boottime_shift += 5s;
  watch_.failed(refused_);
  EXPECT_EQ(line(Role::kWatch).failing_since_ns.load(), since);
}

TEST_F(LivenessTest, FailuresAreCountedByTheirKind) {
  watch_.failed(refused_);
  watch_.failed({ErrorCode::kDenied, "no"});
  watch_.failed(refused_);
  heartbeat_.backup_failed("full");
  heartbeat_.compared(format::Comparison::kOvertaken);
  const auto& watch = watch_target_->segment().counters(Role::kWatch);
  const auto& heartbeat = watch_target_->segment().counters(Role::kHeartbeat);
  EXPECT_EQ(watch.errors[static_cast<std::size_t>(ErrorCode::kUnavailable)].load(), 2u);
  EXPECT_EQ(watch.errors[static_cast<std::size_t>(ErrorCode::kDenied)].load(), 1u);
  EXPECT_EQ(heartbeat.backup_failures.load(), 1u);
  EXPECT_EQ(heartbeat.comparisons[static_cast<std::size_t>(format::Comparison::kOvertaken)].load(), 1u);
  EXPECT_EQ(watch.backup_failures.load(), 0u);
}

TEST_F(LivenessTest, AFailingHeartbeatDoesNotOutdateTheContactOfAWatchThatWaits) {
  heartbeat_.failed(refused_);
  env_.boottime_shift += 1s;
  watch_.succeeded();
  env_.boottime_shift += 1s;
  heartbeat_.failed(refused_);
  EXPECT_TRUE(vouches(Role::kWatch, Role::kHeartbeat));
}

TEST_F(LivenessTest, ABackupThatIsNotWrittenIsSaidWithoutDoubtInConsulAndUnsaid) {
  heartbeat_.succeeded();
  heartbeat_.backup_failed("the backup was not written: disk full");
  heartbeat_.succeeded();
  EXPECT_EQ(error(Role::kHeartbeat), "the backup was not written: disk full");
  EXPECT_EQ(line(Role::kHeartbeat).failing_since_ns.load(), 0u);
  EXPECT_EQ(line(Role::kHeartbeat).failures.load(), 1u);
  heartbeat_.backup_written();
  EXPECT_EQ(error(Role::kHeartbeat), "");
  heartbeat_.failed(refused_);
  heartbeat_.backup_written();
  EXPECT_EQ(error(Role::kHeartbeat), "refused") << "not its own words";
}

TEST_F(LivenessTest, TwoTroublesAreSaidUntilEachIsOver) {
  heartbeat_.set_credentials_trouble("token file 't' is empty");
  heartbeat_.backup_failed("disk full");
  EXPECT_EQ(error(Role::kHeartbeat), "token file 't' is empty; disk full");
  heartbeat_.backup_written();
  EXPECT_EQ(error(Role::kHeartbeat), "token file 't' is empty");
  heartbeat_.set_credentials_trouble("");
  EXPECT_EQ(error(Role::kHeartbeat), "");
}

TEST_F(LivenessTest, FilesThatCannotBeUsedForNowAreSaidWithoutDoubtInConsulAndUnsaid) {
  watch_.set_credentials_trouble("token file 't' is empty");
  watch_.succeeded();
  EXPECT_EQ(error(Role::kWatch), "token file 't' is empty");
  EXPECT_EQ(line(Role::kWatch).failing_since_ns.load(), 0u);
  watch_.failed(refused_);
  EXPECT_EQ(error(Role::kWatch), "refused; token file 't' is empty");
  watch_.set_credentials_trouble("");
  EXPECT_EQ(error(Role::kWatch), "");
  watch_.failed(refused_);
  EXPECT_EQ(error(Role::kWatch), "refused");
}

}  // namespace
}  // namespace shmconf::sources
