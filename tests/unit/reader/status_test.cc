#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "shmconf/reader.h"
#include "unit/reader/memory_place.h"

namespace shmconf {
namespace {

using namespace std::chrono_literals;
using format::Role;
using testing::MemoryPlace;

class StatusTest : public ::testing::Test {
 protected:
  StatusTest() { publish(format::Origin::kConsul); }

  void publish(format::Origin origin) {
    place->publish({.keys = {{.key = "ab", .value = "cde"}, {.key = "f", .value = ""}},
                    .pointers = {{.key = "ab#/x", .value = "1", .kind = 3}},
                    .indexes = {11, 22},
                    .origin = static_cast<std::uint32_t>(origin),
                    .published_wall_ns = 5'000'000'001,
                    .read_wall_ns = 4'000'000'002});
  }
  format::RoleState& role(Role which) { return place->control().roles[static_cast<std::size_t>(which)]; }
  std::uint64_t ago(std::chrono::nanoseconds age) const {
    return static_cast<std::uint64_t>(place->now_ns - age.count());
  }
  // A role in good health.
  void healthy(Role which) {
    role(which).alive_ns = ago(1s);
    role(which).contact_ns = ago(2s);
    role(which).stale_after_ns = 30'000'000'000;
  }
  Status status() { return reader::open_at(place, {}).value().status(); }

  std::shared_ptr<MemoryPlace> place = std::make_shared<MemoryPlace>();
};

TEST_F(StatusTest, DescribesTheSnapshot) {
  const Status status = this->status();
  EXPECT_EQ(status.generation, (1000ULL << 32) + 1);
  EXPECT_EQ(status.key_count, 2U);
  EXPECT_EQ(status.pointer_count, 1U);
  EXPECT_EQ(status.key_value_bytes, 6U);
  EXPECT_EQ(status.snapshot_bytes % 8, 0U);
  EXPECT_GT(status.snapshot_bytes, 256U);
  EXPECT_EQ(status.origin, format::Origin::kConsul);
  EXPECT_EQ(status.indexes, (std::vector<std::uint64_t>{11, 22}));
  EXPECT_EQ(status.published.time_since_epoch(), 5'000'000'001ns);
  EXPECT_EQ(status.read.time_since_epoch(), 4'000'000'002ns);
  EXPECT_FALSE(status.from_file);
  EXPECT_EQ(status.directory, "memory/web");
}

TEST_F(StatusTest, DescribesTheRoles) {
  place->control().sync_count = 17;
  place->control().settled_rounds_exceeded = 3;
  place->control().backup_path.store("/var/lib/shmconf/web.snapshot");
  format::RoleState& watch = role(Role::kWatch);
  healthy(Role::kWatch);
  watch.failing_since_ns = ago(7s);
  watch.failures = 4;
  watch.queries = 5;
  watch.publishes = 6;
  watch.starts = 7;
  watch.last_error.store("connection refused");
  const Status status = this->status();
  const RoleStatus& seen = status.role(Role::kWatch);
  EXPECT_TRUE(seen.alive);
  EXPECT_EQ(seen.stamp_age, 1s);
  EXPECT_EQ(seen.contact_age, 2s);
  EXPECT_EQ(seen.failing_for, 7s);
  EXPECT_EQ(seen.stale_after, 30s);
  EXPECT_EQ(seen.failures, 4U);
  EXPECT_EQ(seen.queries, 5U);
  EXPECT_EQ(seen.publishes, 6U);
  EXPECT_EQ(seen.starts, 7U);
  EXPECT_EQ(seen.last_error, "connection refused");
  EXPECT_EQ(status.contact_age, 2s);
  EXPECT_EQ(status.sync_count, 17U);
  EXPECT_EQ(status.settled_rounds_exceeded, 3U);
  EXPECT_EQ(status.backup_file, "/var/lib/shmconf/web.snapshot");
  EXPECT_FALSE(status.role(Role::kHeartbeat).alive);
  EXPECT_EQ(status.role(Role::kHeartbeat).stamp_age, std::nullopt);
  EXPECT_EQ(status.role(Role::kHeartbeat).contact_age, std::nullopt);
}

TEST_F(StatusTest, AStampOfTheFutureIsNow) {
  healthy(Role::kWatch);
  role(Role::kWatch).contact_ns = ago(-5s);
  EXPECT_EQ(status().contact_age, 0s);
}

TEST_F(StatusTest, LiveWhileOneRoleIsInContact) {
  healthy(Role::kWatch);
  EXPECT_EQ(status().verdict, Verdict::kLive);
  role(Role::kWatch).failing_since_ns = ago(1s);
  EXPECT_EQ(status().verdict, Verdict::kStale);
  healthy(Role::kHeartbeat);
  role(Role::kHeartbeat).contact_ns = ago(500ms);
  EXPECT_EQ(status().verdict, Verdict::kLive);
  role(Role::kHeartbeat).alive_ns = 0;
  EXPECT_EQ(status().verdict, Verdict::kStale) << "the contact of a process that ended counts no more";
}

TEST_F(StatusTest, AContactFromBeforeTheOthersFailureCountsNoMore) {
  healthy(Role::kWatch);
  healthy(Role::kHeartbeat);
  role(Role::kHeartbeat).stale_after_ns = 960'000'000'000;
  role(Role::kWatch).failing_since_ns = ago(1s);
  EXPECT_EQ(status().verdict, Verdict::kStale);
  role(Role::kWatch).alive_ns = 0;
  EXPECT_EQ(status().verdict, Verdict::kLive) << "the failure of a process that ended counts no more";
}

TEST_F(StatusTest, WhileOneFailsTheOthersContactCountsAsLongAsTheStricterAllows) {
  healthy(Role::kWatch);
  healthy(Role::kHeartbeat);
  role(Role::kHeartbeat).stale_after_ns = 960'000'000'000;
  role(Role::kWatch).failing_since_ns = ago(100s);
  role(Role::kHeartbeat).contact_ns = ago(30s);
  EXPECT_EQ(status().verdict, Verdict::kLive);
  role(Role::kHeartbeat).contact_ns = ago(30s + 1ns);
  EXPECT_EQ(status().verdict, Verdict::kStale);
}

TEST_F(StatusTest, StaleWhenTheContactIsOverdue) {
  healthy(Role::kWatch);
  role(Role::kWatch).contact_ns = ago(30s);
  EXPECT_EQ(status().verdict, Verdict::kLive);
  role(Role::kWatch).contact_ns = ago(30s + 1ns);
  EXPECT_EQ(status().verdict, Verdict::kStale);
}

TEST_F(StatusTest, LiveBetweenTheFirstPublicationAndItsStampOfContact) {
  healthy(Role::kWatch);
  role(Role::kWatch).contact_ns = 0;
  EXPECT_EQ(status().verdict, Verdict::kLive);
  EXPECT_EQ(status().contact_age, std::nullopt);
  role(Role::kHeartbeat).failing_since_ns = ago(1s);
  EXPECT_EQ(status().verdict, Verdict::kStale) << "queries fail, and none has ever succeeded";
}

TEST_F(StatusTest, ContactAgeIsThatOfTheLaterOne) {
  healthy(Role::kWatch);
  healthy(Role::kHeartbeat);
  role(Role::kHeartbeat).contact_ns = ago(9s);
  EXPECT_EQ(status().contact_age, 2s);
  role(Role::kWatch).contact_ns = ago(11s);
  EXPECT_EQ(status().contact_age, 9s);
}

TEST_F(StatusTest, BackupWhileAProcessServesARestoredOne) {
  publish(format::Origin::kBackup);
  healthy(Role::kHeartbeat);
  EXPECT_EQ(status().verdict, Verdict::kBackup);
  role(Role::kHeartbeat).alive_ns = 0;
  EXPECT_EQ(status().verdict, Verdict::kDead);
}

TEST_F(StatusTest, DeadAfterThreeMissedStampsOrACleanEnd) {
  healthy(Role::kWatch);
  role(Role::kWatch).alive_ns = ago(15s);
  EXPECT_EQ(status().verdict, Verdict::kLive);
  role(Role::kWatch).alive_ns = ago(15s + 1ns);
  EXPECT_EQ(status().verdict, Verdict::kDead);
  role(Role::kWatch).alive_ns = 0;
  EXPECT_EQ(status().verdict, Verdict::kDead);
  healthy(Role::kSupervisor);
  EXPECT_EQ(status().verdict, Verdict::kDead) << "a supervisor alone renews nothing";
}

TEST_F(StatusTest, DeadWhileThePageIsRetired) {
  healthy(Role::kWatch);
  const Reader reader = reader::open_at(place, {}).value();
  place->control().generation = format::kRetired;
  EXPECT_TRUE(reader.status().retired);
  EXPECT_EQ(reader.status().verdict, Verdict::kDead);
  EXPECT_EQ(reader.get("ab"), "cde");
}

TEST_F(StatusTest, AnErrorThatAKilledWriterLeftHalfIsEmpty) {
  role(Role::kWatch).last_error.store("first");
  role(Role::kWatch).last_error.sequence = 3;
  EXPECT_EQ(status().role(Role::kWatch).last_error, "");
}

TEST(StatusNames, AreWords) {
  EXPECT_STREQ(verdict_name(Verdict::kLive), "live");
  EXPECT_STREQ(verdict_name(Verdict::kStale), "stale");
  EXPECT_STREQ(verdict_name(Verdict::kBackup), "backup");
  EXPECT_STREQ(verdict_name(Verdict::kDead), "dead");
  EXPECT_STREQ(origin_name(format::Origin::kConsul), "consul");
  EXPECT_STREQ(origin_name(format::Origin::kBackup), "backup");
  EXPECT_STREQ(origin_name(format::Origin::kDev), "dev");
}

}  // namespace
}  // namespace shmconf
