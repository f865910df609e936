// A publisher killed 2,000 times at random instants under four verifying readers: not one torn,
// mixed or missing read, and the next publisher always recovers. That it survives a failure at every
// system call in turn is shown in publish_fault_test.cc.
//
// Publishers and readers are processes with one thread each, which share a page of counters.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fakes/stamped_content.h"
#include "harness/eventually.h"
#include "harness/temp_directory.h"
#include "shm/publisher.h"
#include "shmconf/reader.h"

namespace shmconf {
namespace {

using fakes::StampedContent;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr int kKills = 2'000;
constexpr int kReaders = 4;
constexpr int kKeys = 40;
constexpr unsigned kLongestLifeUs = 1'500;
const std::string kOneKey = "service/key-000007";

enum class Violation : int { kNone = 0, kNotOpened, kMissing, kMixed, kOlder };

const char* text_of(Violation violation) {
  switch (violation) {
    case Violation::kNone: return "none";
    case Violation::kNotOpened: return "the segment could not be opened";
    case Violation::kMissing: return "a key was missing";
    case Violation::kMixed: return "a snapshot was torn, damaged or of two states";
    case Violation::kOlder: return "an older state came after a newer one";
  }
  return "?";
}

struct Counters {
  std::atomic<std::uint64_t> stamp;      // the newest that a publisher has begun to publish
  std::atomic<std::uint64_t> published;  // the newest whose publication is done
  std::atomic<bool> stop;
  std::array<std::atomic<std::uint64_t>, kReaders> reads;
  std::array<std::atomic<std::uint64_t>, kReaders> generations;
  std::array<std::atomic<Violation>, kReaders> violations;
};

[[noreturn]] void publish_until_killed(Counters& counters, const shm::Place& place) {
  auto segment = shm::Segment::attach(env::Env::posix(), place);
  if (!segment) ::_exit(1);
  auto publisher = shm::Publisher::attach(env::Env::posix(), *segment, format::Role::kWatch);
  if (!publisher) ::_exit(2);
  for (;;) {
    std::uint64_t noted = publisher->note();
    const std::uint64_t stamp = counters.stamp.fetch_add(1) + 1;
    // Snapshots of many sizes, so that a file that was left half is not like the next one.
    StampedContent content(stamp, kKeys, static_cast<int>(24 + stamp % 200));
    const auto outcome = publisher->publish(content.content(), noted, {}, nullptr);
    if (!outcome || *outcome != shm::Outcome::kPublished) ::_exit(3);
    counters.published.store(stamp);
    publisher->prepare_next();
  }
}

Violation check(Reader& reader, std::uint64_t& newest) {
  const Snapshot snapshot = reader.snapshot();
  if (!snapshot.contains(kOneKey)) return Violation::kMissing;
  const auto stamp = fakes::one_stamp(snapshot.view(), kKeys);
  if (!stamp) return Violation::kMixed;
  if (*stamp < newest) return Violation::kOlder;
  newest = *stamp;
  return Violation::kNone;
}

[[noreturn]] void read_until_stopped(Counters& counters, const std::string& directory, std::size_t number) {
  auto reader = Reader::open_directory(directory);
  if (!reader) {
    counters.violations[number].store(Violation::kNotOpened);
    ::_exit(1);
  }
  std::uint64_t newest = 0;
  std::uint64_t generation = 0;
  while (!counters.stop.load()) {
    // In turn: waiting for the wake, and looking again and again.
    if (counters.reads[number].load() % 64 < 32) reader->wait_for_change(std::chrono::milliseconds(5));
    const Violation violation = check(*reader, newest);
    if (violation != Violation::kNone) {
      counters.violations[number].store(violation);
      ::_exit(1);
    }
    const std::uint64_t before = std::exchange(generation, reader->generation());
    if (before != generation) counters.generations[number].fetch_add(1);
    counters.reads[number].fetch_add(1);
  }
  ::_exit(0);
}

// A child that ends with this object, whatever becomes of the test.
class Child {
 public:
  template <typename Body>
  explicit Child(Body body) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) kill_now();
  }

  // How it ended, as wait() gives it.
  int kill_now() {
    ::kill(pid_, SIGKILL);
    return wait();
  }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

 private:
  pid_t pid_;
};

class KillPublisher : public ::testing::Test {
 protected:
  void SetUp() override {
    memory_ = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory_, MAP_FAILED);
    counters_ = new (memory_) Counters{};
  }
  void TearDown() override { ::munmap(memory_, sizeof(Counters)); }

  Child publisher() {
    return Child([this] { publish_until_killed(*counters_, place_); });
  }
  [[nodiscard]] bool publishes_more(std::uint64_t than) const {
    return harness::eventually([&] { return counters_->published.load() > than; }, std::chrono::seconds(10),
                               std::chrono::milliseconds(1));
  }

  harness::TempDirectory root_{"/dev/shm"};
  const shm::Place place_{.root = root_.path(), .name = "web", .group = {}};
  void* memory_ = MAP_FAILED;
  Counters* counters_ = nullptr;
};

TEST_F(KillPublisher, AtRandomInstantsLeavesReadersAWholeConfigurationEachTime) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  {
    Child first = publisher();
    ASSERT_TRUE(publishes_more(0));
  }
  std::vector<Child> readers;
  for (std::size_t i = 0; i < kReaders; ++i) {
    readers.emplace_back([this, i] { read_until_stopped(*counters_, root_ / "web", i); });
  }
  for (int kill = 0; kill < kKills; ++kill) {
    const std::uint64_t before = counters_->published.load();
    Child killed = publisher();
    // Every other one dies somewhere in its start or its first publications; the rest must have shown
    // first that they took over what those left.
    if (kill % 2 != 0) {
      ASSERT_TRUE(publishes_more(before)) << "after kill " << kill;
    }
    const auto end = steady_clock::now() + microseconds(random() % kLongestLifeUs);
    while (steady_clock::now() < end) {
    }
    const int status = killed.kill_now();
    ASSERT_TRUE(WIFSIGNALED(status)) << "the publisher ended by itself with " << WEXITSTATUS(status);
    for (const auto& violation : counters_->violations) {
      ASSERT_EQ(violation.load(), Violation::kNone) << text_of(violation.load()) << " after kill " << kill;
    }
  }

  const std::uint64_t before = counters_->published.load();
  Child last = publisher();
  EXPECT_TRUE(publishes_more(before));
  counters_->stop.store(true);
  for (Child& reader : readers) EXPECT_EQ(reader.wait(), 0);
  for (std::size_t i = 0; i < kReaders; ++i) {
    EXPECT_EQ(counters_->violations[i].load(), Violation::kNone) << text_of(counters_->violations[i].load());
    EXPECT_GT(counters_->generations[i].load(), 500U) << "reader " << i;
  }
}

}  // namespace
}  // namespace shmconf
