// The place of a segment: its locks when the lock file is taken away, whose files are removed, who may
// read them.

#include "shm/segment.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "fakes/faulty_env.h"
#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "shm/publisher.h"

namespace shmconf::shm {
namespace {

using fakes::FaultyEnv;
using fakes::StampedContent;
using format::LockByte;
namespace fs = std::filesystem;

class SegmentTest : public ::testing::Test {
 protected:
  Place place() { return {.root = directory_.path(), .name = "web", .group = {}}; }
  Segment attach() { return Segment::attach(env_, place()).value(); }
  void remove_lock_file() { ASSERT_TRUE(fs::remove(directory_ / ".web.lock")); }
  void remove_everything() {
    fs::remove_all(directory_ / "web");
    remove_lock_file();
  }
  bool has(const std::string& name) { return fs::exists(directory_ / ("web/" + name)); }

  harness::TempDirectory directory_;
  FaultyEnv env_;
};

TEST_F(SegmentTest, ALockFileThatWasRemovedIsMadeAnewWithTheLocksHeldForLife) {
  Segment segment = attach();
  const ByteLock watch = segment.try_lock(LockByte::kWatch).value();
  const ByteLock supervisor = segment.try_lock(LockByte::kSupervisor).value();
  const auto generation = segment.page().generation.load();
  remove_lock_file();
  const auto renewed = segment.renew_if_replaced();
  ASSERT_TRUE(renewed) << renewed.error().text;
  EXPECT_FALSE(*renewed) << "the page is what it was";
  EXPECT_EQ(segment.page().generation.load(), generation);
  Segment other = attach();
  EXPECT_FALSE(other.try_lock(LockByte::kWatch).value().held());
  EXPECT_FALSE(other.try_lock(LockByte::kSupervisor).value().held());
  EXPECT_TRUE(other.try_lock(LockByte::kHeartbeat).value().held());
  const ByteLock publishing = segment.try_lock(LockByte::kPublish).value();
  EXPECT_FALSE(other.try_lock(LockByte::kPublish).value().held()) << "both publish under one lock again";
}

// Its seconds have 32 bits in the generation word; a page that does not fit there would be unsound to
// everyone who attaches, and so be replaced by each of them.
TEST_F(SegmentTest, AClockThatIsFarOffMakesAPageThatOthersFindSound) {
  using std::chrono::years;
  for (const auto shift : {years(100), years(-100)}) {
    env_.wall_shift = shift;
    Segment segment = attach();
    const Segment other = attach();
    const auto generation = segment.page().generation.load();
    EXPECT_NE(generation, format::kRetired) << shift.count();
    EXPECT_EQ(generation, other.page().generation.load()) << shift.count();
    fs::remove_all(directory_ / "web");
    ASSERT_TRUE(segment.renew_if_replaced());
    EXPECT_GT(segment.page().generation.load(), generation) << "no generation comes twice";
    fs::remove_all(directory_ / "web");
  }
}

TEST_F(SegmentTest, ALockThatWasMovedToANewLockFileIsReleasedThere) {
  Segment segment = attach();
  ByteLock watch = segment.try_lock(LockByte::kWatch).value();
  remove_lock_file();
  ASSERT_TRUE(segment.renew_if_replaced());
  watch = ByteLock();
  EXPECT_TRUE(attach().try_lock(LockByte::kWatch).value().held());
  // And is no longer held for life.
  Segment other = attach();
  remove_lock_file();
  const ByteLock taken = other.try_lock(LockByte::kWatch).value();
  EXPECT_TRUE(segment.renew_if_replaced());
}

TEST_F(SegmentTest, WhoeverTookALockMeanwhileKeepsTheSegment) {
  for (const bool everything : {false, true}) {
    Segment segment = attach();
    const ByteLock lost = segment.try_lock(LockByte::kSupervisor).value();
    ASSERT_TRUE(lost.held());
    everything ? remove_everything() : remove_lock_file();
    Segment other = attach();
    ByteLock taken = other.try_lock(LockByte::kSupervisor).value();
    ASSERT_TRUE(taken.held());
    for (int call = 0; call < 3; ++call) {
      EXPECT_EQ(segment.renew_if_replaced().error().code, ErrorCode::kDenied) << "call " << call;
    }
    EXPECT_EQ(segment.remove().error().code, ErrorCode::kDenied);
    EXPECT_NE(other.page().generation.load(), format::kRetired);
    EXPECT_TRUE(has(format::kControlFile));
    taken = ByteLock();
    EXPECT_TRUE(segment.renew_if_replaced()) << "the other one has ended";
    ASSERT_TRUE(segment.remove());
    EXPECT_FALSE(fs::exists(directory_ / "web"));
  }
}

TEST_F(SegmentTest, RemoveLooksForAnOwnerThatTheLastStampDidNotSee) {
  Segment segment = attach();
  const ByteLock lost = segment.try_lock(LockByte::kSupervisor).value();
  remove_everything();
  Segment other = attach();
  const ByteLock taken = other.try_lock(LockByte::kSupervisor).value();
  EXPECT_EQ(segment.remove().error().code, ErrorCode::kDenied);
  EXPECT_TRUE(has(format::kControlFile));
}

TEST_F(SegmentTest, AFailureAtAnyStepOfTheRenewalLeavesNoLockForgotten) {
  for (const bool everything : {false, true}) {
    for (int step = 1;; ++step) {
      Segment segment = attach();
      const ByteLock watch = segment.try_lock(LockByte::kWatch).value();
      const ByteLock supervisor = segment.try_lock(LockByte::kSupervisor).value();
      ASSERT_TRUE(watch.held() && supervisor.held());
      everything ? remove_everything() : remove_lock_file();
      env_.arm(step, FaultyEnv::Fault::kFail);
      static_cast<void>(segment.renew_if_replaced());
      const bool tripped = env_.tripped();
      env_.disarm();
      ASSERT_TRUE(segment.renew_if_replaced()) << "step " << step << " (" << env_.failed() << ")";
      Segment other = attach();
      EXPECT_FALSE(other.try_lock(LockByte::kWatch).value().held()) << "step " << step << " (" << env_.failed() << ")";
      EXPECT_FALSE(other.try_lock(LockByte::kSupervisor).value().held()) << "step " << step;
      if (!tripped) break;
      ASSERT_LT(step, 100);
    }
  }
}

TEST_F(SegmentTest, RemovesTheFilesOfItsOwnVersionOnly) {
  Segment segment = attach();
  {
    auto watch = Publisher::attach(env_, segment, format::Role::kWatch).value();
    StampedContent content(1, 3);
    std::uint64_t noted = watch.note();
    ASSERT_TRUE(watch.publish(content.content(), noted, {}, nullptr));
    std::ofstream(directory_ / "web/control.v2") << "newer";
    std::ofstream(directory_ / "web/snapshot.v2.1") << "newer";
    std::ofstream(directory_ / "web/control.tmp") << "left behind";
    const auto removed = segment.remove();
    ASSERT_TRUE(removed) << removed.error().text;
  }
  std::size_t left = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(directory_ / "web")) ++left;
  EXPECT_EQ(left, 2u);
  EXPECT_TRUE(has("control.v2") && has("snapshot.v2.1"));
}

// To touch such a page would be SIGBUS.
TEST_F(SegmentTest, APageThatIsCutShortIsReplaced) {
  for (const std::uintmax_t size : {0, 100}) {
    Segment segment = attach();
    const std::uint64_t before = segment.page().generation.load();
    fs::resize_file(directory_ / "web/control.v1", size);
    EXPECT_EQ(segment.page().generation.load(), format::kRetired);
    EXPECT_EQ(segment.page().created_wall_s, before >> 32);
    segment.role(format::Role::kWatch).alive_ns.store(1);  // whoever stamps meanwhile goes on
    segment.wake();
    ASSERT_TRUE(segment.renew_if_replaced().value());
    EXPECT_GT(segment.page().generation.load(), before);
    EXPECT_NE(segment.page().generation.load(), format::kRetired);
    EXPECT_EQ(fs::file_size(directory_ / "web/control.v1"), format::kControlPageBytes);
  }
}

unsigned mode_of(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST_F(SegmentTest, AGroupMayReadWhateverTheUmaskIs) {
  const mode_t before = ::umask(077);
  const std::string root = directory_ / "root";
  Segment segment =
      Segment::attach(env_, {.root = root, .root_is_default = true, .name = "web", .group = ::getegid()}).value();
  auto watch = Publisher::attach(env_, segment, format::Role::kWatch).value();
  StampedContent content(1, 3);
  std::uint64_t noted = watch.note();
  ASSERT_TRUE(watch.publish(content.content(), noted, {}, nullptr));
  ::umask(before);
  EXPECT_EQ(mode_of(root), 0750u);
  EXPECT_EQ(mode_of(root + "/web"), 0750u);
  EXPECT_EQ(mode_of(root + "/web/control.v1"), 0640u);
  EXPECT_EQ(mode_of(root + "/web/" + format::generation_name(segment.page().generation.load())), 0640u);
  EXPECT_EQ(mode_of(root + "/.web.lock"), 0600u) << "the locks are the owner's";
}

// A sidecar that starts again with another setting finds what the one before left.
TEST_F(SegmentTest, ASegmentOfBeforeIsOpenedForAGroupAndClosedAgain) {
  const std::string root = directory_ / "root";
  const auto attach_for = [&](std::optional<gid_t> group) {
    return Segment::attach(env_, {.root = root, .root_is_default = true, .name = "web", .group = group}).value();
  };
  {
    Segment segment = attach_for(std::nullopt);
    auto watch = Publisher::attach(env_, segment, format::Role::kWatch).value();
    StampedContent content(1, 3);
    std::uint64_t noted = watch.note();
    ASSERT_TRUE(watch.publish(content.content(), noted, {}, nullptr));
  }
  const auto expect_modes = [&](unsigned of_directories, unsigned of_files) {
    EXPECT_EQ(mode_of(root + "/web"), of_directories);
    int files = 0;
    for (const auto& entry : fs::directory_iterator(root + "/web")) {
      EXPECT_EQ(mode_of(entry.path()), of_files) << entry.path();
      ++files;
    }
    EXPECT_GE(files, 2) << "the page and its snapshot";
    EXPECT_EQ(mode_of(root + "/.web.lock"), 0600u);
  };
  expect_modes(0700, 0600);
  Segment open = attach_for(::getegid());
  expect_modes(0700, 0600);  // attached by somebody who may yet be refused
  const auto generation = open.page().generation.load();
  EXPECT_TRUE(format::has_snapshot(generation)) << "taken over, not made anew";
  ASSERT_TRUE(open.give_access());
  expect_modes(0750, 0640);
  EXPECT_EQ(mode_of(root), 0750u);
  Segment closed = attach_for(std::nullopt);
  EXPECT_EQ(closed.page().generation.load(), generation);
  expect_modes(0750, 0640);
  ASSERT_TRUE(closed.give_access());
  expect_modes(0700, 0600);
}

TEST_F(SegmentTest, ARootThatSomebodyNamedIsTheirsToOpen) {
  fs::permissions(directory_.path(), fs::perms::owner_all);
  static_cast<void>(Segment::attach(env_, {.root = directory_.path(), .name = "web", .group = ::getegid()}).value());
  EXPECT_EQ(mode_of(directory_.path()), 0700u);
  EXPECT_EQ(mode_of(directory_ / "web"), 0750u);
}

}  // namespace
}  // namespace shmconf::shm
