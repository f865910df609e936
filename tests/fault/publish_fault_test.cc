// What readers find when the publisher fails, or is killed, at each of its operations in turn.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes/faulty_env.h"
#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "shm/publisher.h"

namespace shmconf::shm {
namespace {

using fakes::FaultyEnv;
using fakes::one_stamp;
using fakes::StampedContent;
using format::Role;

constexpr int kKeys = 50;

class PublishFaultTest : public ::testing::Test {
 protected:
  Place place() { return {.root = directory_.path(), .name = "web", .group = {}}; }

  // What somebody who attaches now finds.
  std::optional<std::uint64_t> visible() {
    Segment segment = Segment::attach(env::Env::posix(), place()).value();
    Publisher peer = Publisher::attach(env::Env::posix(), segment, Role::kHeartbeat).value();
    auto view = peer.current();
    if (!view) return std::nullopt;
    return one_stamp(*view, kKeys);
  }

  static Result<Outcome> publish(env::Env& env, const Place& place, std::uint64_t stamp) {
    auto segment = Segment::attach(env, place);
    if (!segment) return segment.error();
    auto publisher = Publisher::attach(env, *segment, Role::kWatch);
    if (!publisher) return publisher.error();
    publisher->prepare_next();
    StampedContent content(stamp, kKeys);
    std::uint64_t noted = publisher->note();
    auto outcome = publisher->publish(content.content(), noted, {}, nullptr);
    publisher->prepare_next();
    return outcome;
  }

  harness::TempDirectory directory_{"/dev/shm"};
};

TEST_F(PublishFaultTest, AFailedOperationLeavesOneWholeStateAndTheNextSucceeds) {
  for (const int error : {EIO, ENOSPC, EMFILE, ENOMEM, EACCES}) {
    std::uint64_t stamp = 1;
    ASSERT_TRUE(publish(env::Env::posix(), place(), stamp));
    for (int step = 1;; ++step) {
      FaultyEnv env;
      env.arm(step, FaultyEnv::Fault::kFail, error);
      const auto outcome = publish(env, place(), stamp + 1);
      const auto now = visible();
      ASSERT_TRUE(now) << "step " << step << " (" << env.failed() << ") lost the configuration";
      ASSERT_TRUE(*now == stamp || *now == stamp + 1) << "step " << step << " (" << env.failed() << ")";
      const bool published = outcome && *outcome == Outcome::kPublished;
      ASSERT_TRUE(!published || *now == stamp + 1) << "step " << step;
      stamp += 2;
      ASSERT_EQ(publish(env::Env::posix(), place(), stamp).value(), Outcome::kPublished) << "step " << step;
      if (!env.tripped()) break;
      ASSERT_LT(step, 200);
    }
  }
}

TEST_F(PublishFaultTest, KilledAtAnyOperationReadersSeeTheOldStateOrTheNewAndTheNextRecovers) {
  std::uint64_t stamp = 1;
  ASSERT_TRUE(publish(env::Env::posix(), place(), stamp));
  for (int step = 1;; ++step) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FaultyEnv env;
      env.arm(step, FaultyEnv::Fault::kKill);
      static_cast<void>(publish(env, place(), stamp + 1));
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    const auto now = visible();
    ASSERT_TRUE(now) << "killed at step " << step;
    ASSERT_TRUE(*now == stamp || *now == stamp + 1) << "killed at step " << step;
    stamp += 2;
    ASSERT_EQ(publish(env::Env::posix(), place(), stamp).value(), Outcome::kPublished) << "step " << step;
    if (WIFEXITED(status)) break;
    ASSERT_LT(step, 200);
  }
}

// A first page and snapshot, made under the same faults.
TEST_F(PublishFaultTest, KilledAtAnyOperationOfTheFirstStartTheNextOneSucceeds) {
  for (int step = 1;; ++step) {
    harness::TempDirectory fresh("/dev/shm");
    const Place place{.root = fresh.path(), .name = "web", .group = {}};
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FaultyEnv env;
      env.arm(step, FaultyEnv::Fault::kKill);
      static_cast<void>(publish(env, place, 1));
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(publish(env::Env::posix(), place, 2).value(), Outcome::kPublished) << "killed at step " << step;
    if (WIFEXITED(status)) break;
    ASSERT_LT(step, 200);
  }
}

}  // namespace
}  // namespace shmconf::shm
