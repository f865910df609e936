// A reader that has mapped the next snapshot's file ahead: it costs no system call then, and is never
// taken for a generation that it is not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fakes/faulty_env.h"
#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "reader/file_place.h"
#include "reader/locate.h"
#include "shm/publisher.h"
#include "shmconf/reader.h"

namespace shmconf {
namespace {

using fakes::FaultyEnv;
using fakes::one_stamp;
using fakes::StampedContent;
using format::Role;
using shm::Outcome;
using shm::Publisher;
using shm::Segment;
using namespace std::chrono_literals;

constexpr int kKeys = 50;

// Called by fork() while the reader's mutex is held: handlers run in the opposite order of their being
// registered, and the reader registers its own at its first use.
std::function<void()> while_locked = [] {};
const int registered = ::pthread_atfork([] { while_locked(); }, nullptr, nullptr);

class PreparedSnapshotTest : public ::testing::Test {
 protected:
  shm::Place place() { return {.root = directory_.path(), .name = "web", .group = {}}; }
  Segment segment() { return Segment::attach(env_, place()).value(); }
  Publisher publisher(Segment& segment, Role role = Role::kWatch) {
    return Publisher::attach(env_, segment, role).value();
  }
  Reader reader() { return Reader::open("web", {.directory = directory_.path()}).value(); }

  static Result<Outcome> put(Publisher& publisher, std::uint64_t stamp, int value_bytes = 24) {
    StampedContent content(stamp, kKeys, value_bytes);
    std::uint64_t noted = publisher.note();
    return publisher.publish(content.content(), noted, {}, nullptr);
  }
  static std::optional<std::uint64_t> stamp(const Reader& reader) {
    return one_stamp(reader.snapshot().view(), kKeys);
  }
  // Lets a reader do what it does while it waits.
  static void idle(Reader& reader) {
    while (reader.wait_for_change(1ms)) {
    }
  }

  void remove_name_of(const Segment& segment) {
    const std::string name = format::generation_name(segment.page().generation.load());
    ASSERT_TRUE(std::filesystem::remove(std::filesystem::path(directory_.path()) / "web" / name));
  }

  // How many maps of the segment's snapshots this process has, the publisher's own among them.
  [[nodiscard]] int maps() const {
    std::ifstream all("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(all, line);) {
      if (line.find(directory_.path() + "/web/snapshot.") != std::string::npos) ++count;
    }
    return count;
  }

  harness::TempDirectory directory_{"/dev/shm"};
  env::Env& env_ = env::Env::posix();
};

TEST_F(PreparedSnapshotTest, IsTakenWithoutALookAtItsName) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  Reader first = reader();
  Reader second = first;
  for (std::uint64_t next = 2; next < 6; ++next) {
    watch.prepare_next();
    idle(first);
    ASSERT_EQ(put(watch, next).value(), Outcome::kPublished);
    remove_name_of(segment);
    EXPECT_EQ(stamp(first), next);
    EXPECT_EQ(stamp(second), next) << "all readers of a process share it";
    EXPECT_TRUE(first.snapshot().verify());
  }
}

TEST_F(PreparedSnapshotTest, AReaderThatNeverWaitsPreparesInItsReads) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1, 5'000));
  const Reader reader = this->reader();
  for (std::uint64_t next = 2; next < 6; ++next) {
    watch.prepare_next();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(stamp(reader));
    ASSERT_EQ(put(watch, next, 5'000).value(), Outcome::kPublished);
    remove_name_of(segment);
    EXPECT_EQ(stamp(reader), next);
  }
}

TEST_F(PreparedSnapshotTest, IsTakenWithoutALock) {
  ASSERT_EQ(registered, 0);
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  Reader reader = this->reader();
  watch.prepare_next();
  idle(reader);
  ASSERT_EQ(put(watch, 2).value(), Outcome::kPublished);
  std::optional<std::uint64_t> seen;
  while_locked = [&] { seen = stamp(reader); };
  ::alarm(60);  // ends the program where the reader waits for itself
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::alarm(0);
  while_locked = [] {};
  ASSERT_GE(child, 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(seen, 2u);
}

TEST_F(PreparedSnapshotTest, IsMappedOnceForAllThreads) {
  constexpr std::uint64_t kLast = 100;
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  std::vector<Reader> readers(3, reader());
  std::vector<std::thread> threads;
  for (Reader& reader : readers) {
    threads.emplace_back([&reader] {
      std::uint64_t before = 1;
      while (before != kLast) {
        const auto now = stamp(reader);
        ASSERT_TRUE(now) << "not whole, behind " << before;
        ASSERT_GE(*now, before);
        before = *now;
      }
    });
  }
  for (std::uint64_t next = 2; next <= kLast; ++next) {
    watch.prepare_next();
    std::this_thread::yield();
    EXPECT_EQ(put(watch, next).value(), Outcome::kPublished);
  }
  for (std::thread& thread : threads) thread.join();
  for (Reader& reader : readers) idle(reader);
  EXPECT_EQ(maps(), 1 + 1);
}

TEST_F(PreparedSnapshotTest, IsNotHeldByAReaderThatIsIdle) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  Reader reading = reader();
  Reader idling = reading;
  for (std::uint64_t next = 2; next < 5; ++next) {
    watch.prepare_next();
    idle(reading);
    if (next < 4) idle(idling);  // maps ahead what it never shows
    ASSERT_EQ(put(watch, next).value(), Outcome::kPublished);
  }
  idle(reading);
  EXPECT_EQ(stamp(reading), 4u);
  EXPECT_EQ(maps(), 1 + 2);
}

TEST_F(PreparedSnapshotTest, GoesWithAReaderThatReadsItOnce) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  std::optional<Reader> once = reader();
  Reader other = *once;
  watch.prepare_next();
  idle(*once);
  ASSERT_EQ(put(watch, 2).value(), Outcome::kPublished);
  ASSERT_EQ(stamp(*once), 2u);
  once.reset();
  ASSERT_EQ(put(watch, 3).value(), Outcome::kPublished);
  idle(other);
  EXPECT_EQ(stamp(other), 3u);
  EXPECT_EQ(maps(), 1 + 1);
}

TEST_F(PreparedSnapshotTest, MayHaveBecomeMuchSmaller) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1, 5'000));
  Reader reader = this->reader();
  watch.prepare_next();
  idle(reader);
  ASSERT_EQ(put(watch, 2, 24).value(), Outcome::kPublished);
  EXPECT_EQ(stamp(reader), 2u);
  watch.prepare_next();
  idle(reader);
  ASSERT_EQ(put(watch, 3, 5'000).value(), Outcome::kPublished);
  EXPECT_EQ(stamp(reader), 3u);
}

TEST_F(PreparedSnapshotTest, MayHaveBecomeLongerWithinItsLastPage) {
  constexpr std::size_t kPageBytes = 4096;
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  Reader reader = this->reader();
  int longer = 0;
  std::uint64_t next = 2;
  for (int value_bytes = 32; value_bytes < 128; value_bytes += 8, ++next) {
    const std::size_t bytes_before = watch.current()->bytes().size();
    watch.prepare_next();
    idle(reader);
    ASSERT_EQ(put(watch, next, value_bytes).value(), Outcome::kPublished);
    const std::size_t bytes = watch.current()->bytes().size();
    ASSERT_GT(bytes, bytes_before);
    if ((bytes - 1) / kPageBytes == (bytes_before - 1) / kPageBytes) {
      remove_name_of(segment);
      ++longer;
    }
    EXPECT_EQ(stamp(reader), next);
    EXPECT_TRUE(reader.snapshot().verify());
  }
  EXPECT_GT(longer, 0);
}

TEST_F(PreparedSnapshotTest, IsNotTakenForTheOtherPublishersGeneration) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  Reader reader = this->reader();
  watch.prepare_next();
  idle(reader);
  Segment other = this->segment();
  Publisher heartbeat = publisher(other, Role::kHeartbeat);
  ASSERT_EQ(put(heartbeat, 2).value(), Outcome::kPublished);
  EXPECT_EQ(stamp(reader), 2u);
  ASSERT_EQ(put(watch, 3).value(), Outcome::kPublished);
  EXPECT_EQ(stamp(reader), 3u) << "and is good for the generation after it";
}

// The generation word is older or newer than the file that is named beside it.
TEST_F(PreparedSnapshotTest, IsNotTakenForAnotherGenerationThanItsHeaderSays) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  Reader reader = this->reader();
  watch.prepare_next();
  idle(reader);
  ASSERT_EQ(put(watch, 2).value(), Outcome::kPublished);
  const std::uint64_t generation = segment.page().generation.load();
  segment.page().generation.store(generation + 1);
  EXPECT_EQ(stamp(reader), 1u);
  segment.page().generation.store(generation);
  EXPECT_EQ(stamp(reader), 2u);
}

TEST_F(PreparedSnapshotTest, IsNotTakenWithADamagedHeader) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  ASSERT_TRUE(put(watch, 1));
  Reader reader = this->reader();
  watch.prepare_next();
  idle(reader);
  ASSERT_EQ(put(watch, 2).value(), Outcome::kPublished);
  {
    const std::string name = format::generation_name(segment.page().generation.load());
    std::fstream file(directory_.path() + "/web/" + name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offsetof(format::SnapshotHeader, key_count));
    ASSERT_TRUE(file.put('x').flush());
  }
  EXPECT_EQ(stamp(reader), 1u);
  EXPECT_NE(reader.status().problem.find("checksum"), std::string::npos) << reader.status().problem;
  watch.prepare_next();
  ASSERT_EQ(put(watch, 3).value(), Outcome::kPublished);
  EXPECT_EQ(stamp(reader), 3u);
}

// In a full tmpfs, nothing is published any more otherwise: the reader lets it go when something is.
TEST_F(PreparedSnapshotTest, TakesNoRoomOnceItCannotBecomeAGeneration) {
  Segment segment = this->segment();
  std::optional<Publisher> watch = publisher(segment);
  ASSERT_TRUE(put(*watch, 1));
  Reader reader = this->reader();
  const auto blocks_of_draft = [&](const std::function<void()>& what_ends_it) {
    watch->prepare_next();
    idle(reader);
    const std::string name = format::draft_name(Role::kWatch, segment.page().draft_id.load());
    const auto file = env_.open_at(segment.directory(), name, O_RDONLY).value();
    struct stat info {};
    EXPECT_EQ(::fstat(file.get(), &info), 0);
    EXPECT_GT(info.st_blocks, 0);
    what_ends_it();
    EXPECT_EQ(::fstat(file.get(), &info), 0);
    EXPECT_EQ(info.st_nlink, 0u);
    return info.st_blocks;
  };
  EXPECT_EQ(blocks_of_draft([&] { EXPECT_TRUE(put(*watch, 2, 1000)); }), 0) << "too small";
  EXPECT_EQ(stamp(reader), 2u);
  std::optional<Publisher> killed;
  EXPECT_EQ(blocks_of_draft([&] {
              killed = std::move(watch);
              watch = publisher(segment);
            }),
            0)
      << "of a killed publisher";
  EXPECT_EQ(put(*watch, 3).value(), Outcome::kPublished);
  EXPECT_EQ(stamp(reader), 3u);
}

// Of which a test decides what happens between a reader's steps.
class WatchedPlace : public reader::FilePlace {
 public:
  using FilePlace::FilePlace;

  [[nodiscard]] Result<reader::Page::Draft> open_draft(const reader::Page& page) const override {
    std::exchange(before_draft, [] {})();
    return FilePlace::open_draft(page);
  }
  [[nodiscard]] Result<reader::MappedSnapshot> open_snapshot(const reader::Page& page,
                                                             std::uint64_t generation) const override {
    if (without_descriptors) return Error{ErrorCode::kSystem, "no descriptor"};
    return FilePlace::open_snapshot(page, generation);
  }

  mutable std::function<void()> before_draft = [] {};
  std::atomic<bool> without_descriptors = false;
};

// While the reader asks for a draft, the one that it has mapped becomes a generation and another one is made:
// it goes over to the first with the second half-way, and before it has finished that move, it cannot open what
// the heartbeat publishes.
TEST_F(PreparedSnapshotTest, IsTakenWhileTheMoveBeforeIsUnfinished) {
  Segment segment = this->segment();
  Publisher watch = publisher(segment);
  Publisher heartbeat = publisher(segment, Role::kHeartbeat);
  ASSERT_TRUE(put(watch, 1));
  const auto place = std::make_shared<WatchedPlace>(
      reader::locate_directory(directory_.path() + "/web").value(), "");
  Reader reader = reader::open_at(place, {}).value();
  watch.prepare_next();
  idle(reader);
  ASSERT_EQ(put(heartbeat, 2).value(), Outcome::kPublished);
  bool is_ahead = false;
  place->before_draft = [&] {
    EXPECT_EQ(put(watch, 3).value(), Outcome::kPublished);
    watch.prepare_next();
    is_ahead = true;
  };
  for (int read = 0; read < 1000 && !is_ahead; ++read) static_cast<void>(stamp(reader));
  ASSERT_TRUE(is_ahead);
  EXPECT_EQ(stamp(reader), 3u);
  ASSERT_EQ(put(heartbeat, 4).value(), Outcome::kPublished);
  place->without_descriptors = true;
  EXPECT_EQ(stamp(reader), 3u);
  place->without_descriptors = false;
  ASSERT_EQ(put(watch, 5).value(), Outcome::kPublished);
  EXPECT_EQ(stamp(reader), 5u);
}

// Killed with the snapshot complete and its generation in it, but not shown to anybody.
TEST_F(PreparedSnapshotTest, OfAKilledPublisherIsNotTakenForItsSuccessors) {
  {
    Segment segment = this->segment();
    Publisher watch = publisher(segment);
    ASSERT_TRUE(put(watch, 1));
  }
  for (int step = 1;; ++step) {
    Segment segment = this->segment();
    Reader reader = this->reader();
    int go[2];
    int ready[2];
    ASSERT_EQ(::pipe(go), 0);
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    char byte = 0;
    if (child == 0) {
      FaultyEnv env;
      Segment own = Segment::attach(env, place()).value();
      Publisher watch = Publisher::attach(env, own, Role::kWatch).value();
      watch.prepare_next();
      if (::write(ready[1], "r", 1) != 1 || ::read(go[0], &byte, 1) != 1) ::_exit(1);
      env.arm(step, FaultyEnv::Fault::kKill);
      static_cast<void>(put(watch, 1'000));
      ::_exit(0);
    }
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    idle(reader);
    ASSERT_EQ(::write(go[1], "g", 1), 1);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    for (const int fd : {go[0], go[1], ready[0], ready[1]}) ::close(fd);

    const std::uint64_t next = 2 + static_cast<std::uint64_t>(step);
    Publisher successor = publisher(segment);
    ASSERT_EQ(put(successor, next).value(), Outcome::kPublished) << "killed at step " << step;
    EXPECT_EQ(stamp(reader), next) << "killed at step " << step;
    EXPECT_TRUE(reader.snapshot().verify());
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ASSERT_LT(step, 100);
  }
}

}  // namespace
}  // namespace shmconf
