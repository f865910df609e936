#include "unit/reader/c_abi.h"

#include <gtest/gtest.h>

#include <string>

#include "shmconf/c.h"
#include "shmconf/reader.h"
#include "unit/reader/plain_segment.h"
#include "unit/reader/temporary_directory.h"

namespace shmconf {
namespace {

using testing::PlainContent;
using testing::PlainSegment;

PlainContent first() {
  return {.keys = {{.key = "a", .value = "1"},
                   {.key = "b", .value = std::string("two\0", 4)},
                   {.key = "dir/x", .value = "30s", .flags = 9, .create_index = 4, .modify_index = 5},
                   {.key = "dir/y", .value = "true"}},
          .pointers = {{.key = "dir/y#/z", .value = "1", .kind = 3}},
          .indexes = {11}};
}

class CAbi : public ::testing::Test {
 protected:
  CAbi() : segment(root.path(), "web") {
    auto& heartbeat = segment.role(format::Role::kHeartbeat);
    heartbeat.last_error.store("refused");
    heartbeat.failures = 3;
    segment.publish(first());
  }

  testing::TemporaryDirectory root;
  PlainSegment segment;
};

TEST_F(CAbi, Gets) { EXPECT_STREQ(c_check_gets(root.path().c_str()), nullptr); }
TEST_F(CAbi, Snapshots) { EXPECT_STREQ(c_check_snapshot(root.path().c_str()), nullptr); }
TEST_F(CAbi, Status) { EXPECT_STREQ(c_check_status(root.path().c_str()), nullptr); }

TEST_F(CAbi, Opens) {
  const std::string backup = root.path() + "/backup";
  testing::write_file(backup, testing::PlainSnapshot(first()).string());
  EXPECT_STREQ(c_check_opens(root.path().c_str(), backup.c_str()), nullptr);
}

TEST_F(CAbi, Launches) { EXPECT_STREQ(c_check_launches(root.path().c_str(), "/bin/true"), nullptr); }

TEST_F(CAbi, Changes) {
  const auto publish = [](void* context) {
    PlainContent second = first();
    second.keys[0].value = "2";
    second.keys.erase(second.keys.begin() + 1);
    static_cast<PlainSegment*>(context)->publish(second);
  };
  EXPECT_STREQ(c_check_changes(root.path().c_str(), publish, &segment), nullptr);
}

TEST(CAbiNumbers, AreThoseOfTheCppApi) {
  EXPECT_EQ(SHMCONF_ABSENT, static_cast<int>(ErrorCode::kAbsent));
  EXPECT_EQ(SHMCONF_NOT_READY, static_cast<int>(ErrorCode::kNotReady));
  EXPECT_EQ(SHMCONF_WRONG_VERSION, static_cast<int>(ErrorCode::kWrongVersion));
  EXPECT_EQ(SHMCONF_DAMAGED, static_cast<int>(ErrorCode::kDamaged));
  EXPECT_EQ(SHMCONF_DENIED, static_cast<int>(ErrorCode::kDenied));
  EXPECT_EQ(SHMCONF_INVALID, static_cast<int>(ErrorCode::kInvalid));
  EXPECT_EQ(SHMCONF_WRONG_TYPE, static_cast<int>(ErrorCode::kWrongType));
  EXPECT_EQ(SHMCONF_TIMEOUT, static_cast<int>(ErrorCode::kTimeout));
  EXPECT_EQ(SHMCONF_UNAVAILABLE, static_cast<int>(ErrorCode::kUnavailable));
  EXPECT_EQ(SHMCONF_NO_SPACE, static_cast<int>(ErrorCode::kNoSpace));
  EXPECT_EQ(SHMCONF_SYSTEM, static_cast<int>(ErrorCode::kSystem));
  EXPECT_EQ(SHMCONF_KIND_NULL, static_cast<int>(format::Kind::kNull));
  EXPECT_EQ(SHMCONF_ORIGIN_DEV, static_cast<int>(format::Origin::kDev));
  EXPECT_EQ(SHMCONF_DEAD, static_cast<int>(Verdict::kDead));
  EXPECT_EQ(SHMCONF_BOTH, static_cast<int>(Listing::kBoth));
  EXPECT_EQ(SHMCONF_ROLE_COUNT, format::kRoleCount);
}

}  // namespace
}  // namespace shmconf
