#include "supervisor/condition.h"

#include <gtest/gtest.h>

#include <memory>

namespace shmconf::supervisor {
namespace {

using format::Role;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds kNow = seconds(10'000);
constexpr Time kStart{seconds(500)};

std::uint64_t ago(nanoseconds span) { return static_cast<std::uint64_t>((kNow - span).count()); }

class ConditionTest : public ::testing::Test {
 protected:
  format::RoleState& role(Role which) { return page_->roles[static_cast<std::size_t>(which)]; }

  void in_touch(Role which) {
    role(which).alive_ns = ago(seconds(2));
    role(which).contact_ns = ago(seconds(20));
    role(which).stale_after_ns = 37'000'000'000;
  }

  std::unique_ptr<format::ControlPage> page_ = std::make_unique<format::ControlPage>();
};

TEST_F(ConditionTest, ANewPageHasNothing) {
  const Condition seen = look_at(*page_, kNow);
  EXPECT_EQ(seen.generation, 0u);
  EXPECT_FALSE(seen.live);
  EXPECT_FALSE(seen.supervised);
  EXPECT_EQ(to_status(seen), "no configuration yet");
}

TEST_F(ConditionTest, ARetiredPageHasNothing) {
  page_->generation = format::kRetired;
  EXPECT_EQ(look_at(*page_, kNow).generation, 0u);
}

TEST_F(ConditionTest, EitherProcessInTouchMakesItLive) {
  page_->generation = (std::uint64_t{77} << 32) | 3;
  for (const Role which : {Role::kWatch, Role::kHeartbeat}) {
    in_touch(which);
    const Condition seen = look_at(*page_, kNow);
    EXPECT_TRUE(seen.live);
    EXPECT_EQ(to_status(seen), "live, generation 3");
    role(which).contact_ns = 0;
  }
  EXPECT_EQ(to_status(look_at(*page_, kNow)), "stale, generation 3");
}

TEST_F(ConditionTest, AContactIsOverdueAfterItsSpanAndWorthNothingFromTheDead) {
  in_touch(Role::kWatch);
  role(Role::kWatch).contact_ns = ago(seconds(38));
  EXPECT_FALSE(look_at(*page_, kNow).live);
  in_touch(Role::kWatch);
  role(Role::kWatch).alive_ns = ago(seconds(16));
  EXPECT_FALSE(look_at(*page_, kNow).live);
  role(Role::kWatch).alive_ns = 0;  // ended
  EXPECT_FALSE(look_at(*page_, kNow).live);
}

TEST_F(ConditionTest, AContactFromBeforeTheOthersFailureCountsNoMore) {
  in_touch(Role::kWatch);
  in_touch(Role::kHeartbeat);
  role(Role::kWatch).failing_since_ns = ago(seconds(10));
  EXPECT_FALSE(look_at(*page_, kNow).live);
  role(Role::kHeartbeat).contact_ns = ago(seconds(9));
  EXPECT_TRUE(look_at(*page_, kNow).live);
  role(Role::kHeartbeat).contact_ns = ago(seconds(20));
  role(Role::kWatch).alive_ns = 0;
  EXPECT_TRUE(look_at(*page_, kNow).live) << "the failure of a process that ended counts no more";
}

TEST_F(ConditionTest, AStampMayBeNewerThanTheQuestion) {
  in_touch(Role::kWatch);
  role(Role::kWatch).alive_ns = static_cast<std::uint64_t>(kNow.count()) + 5;
  EXPECT_TRUE(look_at(*page_, kNow).live);
}

TEST_F(ConditionTest, TroubleIsThatOfThePresent) {
  role(Role::kWatch).last_error.store("refused");
  EXPECT_EQ(look_at(*page_, kNow).trouble, "");
  role(Role::kWatch).failing_since_ns = 5;
  EXPECT_EQ(look_at(*page_, kNow).trouble, "watch: refused");
  role(Role::kHeartbeat).failing_since_ns = 5;
  EXPECT_EQ(look_at(*page_, kNow).trouble, "watch: refused; heartbeat: fails, and does not say why");
  EXPECT_EQ(to_status(look_at(*page_, kNow)),
            "no configuration yet; watch: refused; heartbeat: fails, and does not say why");
}

TEST_F(ConditionTest, ASupervisorIsThereWhileItStamps) {
  role(Role::kSupervisor).alive_ns = ago(seconds(14));
  EXPECT_TRUE(look_at(*page_, kNow).supervised);
  role(Role::kSupervisor).alive_ns = ago(seconds(16));
  EXPECT_FALSE(look_at(*page_, kNow).supervised);
}

class ReadinessTest : public ::testing::Test {
 protected:
  static Condition seen(std::uint32_t generation, std::uint64_t sync_count) {
    Condition condition;
    condition.page = 7;
    condition.generation = generation;
    condition.sync_count = sync_count;
    return condition;
  }
  static settings::Settings settings() {
    settings::Settings settings;
    settings.startup_timeout = milliseconds(5'000);
    settings.sources = {{.kind = settings::Source::Kind::kPrefix, .path = "config/web/"}};
    return settings;
  }
  const Readiness readiness_ = Readiness::begin(seen(9, 40), settings(), kStart);
};

TEST_F(ReadinessTest, AConfigurationFromOtherSourcesIsNone) {
  Condition other = seen(9, 41);
  other.sources_hash = readiness_.sources_hash + 1;
  other.live = other.supervised = true;
  EXPECT_EQ(readiness_.judge(other, kStart), Verdict::kWait);
  EXPECT_EQ(readiness_.judge_attached(other, kStart), Verdict::kWait);
  EXPECT_EQ(readiness_.judge(other, kStart + seconds(5)), Verdict::kGiveUp);
  EXPECT_EQ(readiness_.judge_attached(other, kStart + seconds(5)), Verdict::kGiveUp);
  EXPECT_NE(no_configuration(readiness_, other).text.find("other sources"), std::string::npos);
  other.sources_hash = readiness_.sources_hash;
  EXPECT_EQ(readiness_.judge_attached(other, kStart), Verdict::kGo);
  other.sources_hash = 0;  // a backup that was packed by hand
  EXPECT_EQ(readiness_.judge(other, kStart + seconds(5)), Verdict::kGo);
}

TEST_F(ReadinessTest, GoesAtThisRunsFirstComparison) {
  EXPECT_EQ(readiness_.judge(seen(0, 40), kStart), Verdict::kWait);
  // What survived is not fresh.
  EXPECT_EQ(readiness_.judge(seen(9, 40), kStart + seconds(4)), Verdict::kWait);
  EXPECT_EQ(readiness_.judge(seen(9, 41), kStart), Verdict::kGo);
  EXPECT_EQ(readiness_.judge(seen(0, 41), kStart), Verdict::kWait);  // compared, and refused as empty
}

TEST_F(ReadinessTest, AReplacedPageCountsFromZero) {
  Condition condition = seen(1, 0);  // restored from a backup
  condition.page = 8;
  EXPECT_EQ(readiness_.judge(condition, kStart), Verdict::kWait);
  condition.sync_count = 1;
  EXPECT_EQ(readiness_.judge(condition, kStart), Verdict::kGo);
}

TEST_F(ReadinessTest, TakesAnyConfigurationAtTheTimeout) {
  EXPECT_EQ(readiness_.judge(seen(9, 40), kStart + milliseconds(4'999)), Verdict::kWait);
  EXPECT_EQ(readiness_.judge(seen(9, 40), kStart + milliseconds(5'000)), Verdict::kGo);
  EXPECT_EQ(readiness_.judge(seen(0, 40), kStart + milliseconds(5'000)), Verdict::kGiveUp);
}

TEST_F(ReadinessTest, AShortTimeoutLeavesTimeForTheBackup) {
  Readiness hasty = readiness_;
  hasty.startup_timeout = milliseconds(0);
  EXPECT_EQ(hasty.judge(seen(0, 40), kStart), Verdict::kWait);
  EXPECT_EQ(hasty.judge(seen(0, 40), kStart + kRestoreTime - milliseconds(1)), Verdict::kWait);
  EXPECT_EQ(hasty.judge(seen(1, 40), kStart + milliseconds(900)), Verdict::kGo);
  EXPECT_EQ(hasty.judge(seen(0, 40), kStart + kRestoreTime), Verdict::kGiveUp);
}

TEST_F(ReadinessTest, AnothersSidecarMustBeAliveToBeTakenAtOnce) {
  Condition condition = seen(9, 40);
  condition.live = true;
  EXPECT_EQ(readiness_.judge_attached(condition, kStart), Verdict::kWait);
  condition.supervised = true;
  EXPECT_EQ(readiness_.judge_attached(condition, kStart), Verdict::kGo);
  condition.live = false;
  EXPECT_EQ(readiness_.judge_attached(condition, kStart), Verdict::kWait);
  EXPECT_EQ(readiness_.judge_attached(condition, kStart + seconds(5)), Verdict::kGo);
}

TEST_F(ReadinessTest, TheRefusalSaysWhatFailedAndWhatToDo) {
  Condition condition;
  EXPECT_NE(no_configuration(readiness_, condition).text.find("Consul did not answer"), std::string::npos);
  condition.trouble = "watch: connection refused";
  const Error error = no_configuration(readiness_, condition);
  EXPECT_EQ(error.code, ErrorCode::kNotReady);
  EXPECT_NE(error.text.find("5000 ms"), std::string::npos);
  EXPECT_NE(error.text.find("watch: connection refused"), std::string::npos);
  EXPECT_NE(error.text.find("shmconf pack"), std::string::npos);
}

}  // namespace
}  // namespace shmconf::supervisor
