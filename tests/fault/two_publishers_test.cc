// Watch and heartbeat publishing against each other at full speed: no state is ever replaced by an
// older one, and the last one wins.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>
#include <utility>

#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "shm/publisher.h"

namespace shmconf::shm {
namespace {

using fakes::StampedContent;
using format::Role;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr int kKeys = 10;

// Consul, as far as this test goes: a version that only grows. The content goes through A, B, C and
// back to A, so that comparing contents or generations alone would not notice a missed state.
struct Consul {
  std::atomic<std::uint64_t> version;
  std::atomic<bool> stop;
};

std::uint64_t stamp_of(std::uint64_t version) { return 1 + version % 3; }

void wait_a_little(std::mt19937_64& random, unsigned most_us) {
  std::this_thread::sleep_for(microseconds(random() % most_us));
}

[[noreturn]] void publish_until_stopped(Consul& consul, const Place& place, Role role, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  auto segment = Segment::attach(env::Env::posix(), place);
  if (!segment) ::_exit(1);
  auto publisher = Publisher::attach(env::Env::posix(), *segment, role);
  if (!publisher) ::_exit(2);
  bool last_round = false;
  while (!last_round) {
    last_round = consul.stop.load();
    for (;;) {
      std::uint64_t noted = publisher->note();
      wait_a_little(random, 40);
      const std::uint64_t version = consul.version.load();
      wait_a_little(random, 80);
      StampedContent content(stamp_of(version), kKeys);
      content.content().indexes = {version};
      const auto outcome = publisher->publish(content.content(), noted, {}, nullptr);
      if (!outcome) ::_exit(3);
      publisher->prepare_next();
      if (*outcome != Outcome::kMoved) break;
    }
  }
  ::_exit(0);
}

[[noreturn]] void change_until_stopped(Consul& consul, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  while (!consul.stop.load()) {
    consul.version.fetch_add(1);
    wait_a_little(random, 60);
  }
  ::_exit(0);
}

TEST(TwoPublishers, NeitherUndoesTheOthersNewerStateAndTheLastOneWins) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  harness::TempDirectory directory("/dev/shm");
  const Place place{.root = directory.path(), .name = "web", .group = {}};
  void* memory = ::mmap(nullptr, sizeof(Consul), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& consul = *new (memory) Consul{};
  consul.version = 1;

  // Ends with the test, however that ends.
  struct Children {
    ~Children() {
      for (const pid_t child : pids) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
      }
    }
    std::vector<pid_t> pids;
  } children;
  const auto start = [&](auto body) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      body();
    }
    children.pids.push_back(child);
  };
  start([&] { publish_until_stopped(consul, place, Role::kWatch, seed); });
  start([&] { publish_until_stopped(consul, place, Role::kHeartbeat, seed + 1); });
  start([&] { change_until_stopped(consul, seed + 2); });

  Segment segment = Segment::attach(env::Env::posix(), place).value();
  Publisher reader = Publisher::attach(env::Env::posix(), segment, Role::kSupervisor).value();
  std::uint64_t newest = 0;
  std::uint64_t generation = 0;
  std::uint64_t generations = 0;
  const auto end = steady_clock::now() + std::chrono::seconds(4);
  while (steady_clock::now() < end) {
    const auto view = reader.current();
    if (!view || view->header().generation == generation) continue;
    generation = view->header().generation;
    ++generations;
    ASSERT_GT(view->indexes()[0], newest) << "an older state replaced a newer one";
    newest = view->indexes()[0];
  }
  consul.stop = true;
  for (const pid_t child : std::exchange(children.pids, {})) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_GT(generations, 100u);
  const auto last = reader.current();
  ASSERT_TRUE(last);
  EXPECT_EQ(fakes::one_stamp(*last, kKeys), stamp_of(consul.version.load()));
  ::munmap(memory, sizeof(Consul));
}

}  // namespace
}  // namespace shmconf::shm
