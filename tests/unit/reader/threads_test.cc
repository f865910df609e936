// Many readers and one publisher over one memory, for the thread sanitizer; and fork().
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "shmconf/reader.h"
#include "unit/reader/memory_place.h"
#include "unit/reader/plain_segment.h"
#include "unit/reader/temporary_directory.h"

namespace shmconf {
namespace {

using testing::MemoryPlace;
using testing::PlainContent;

// Every key of a state holds the same number.
PlainContent state(int number) {
  PlainContent content;
  for (const char* key : {"a", "b", "c/d", "c/e"}) content.keys.push_back({.key = key, .value = std::to_string(number)});
  return content;
}

// Whether the snapshot is one whole state, not older than the newest seen.
void expect_whole(const Snapshot& snapshot, int& newest) {
  const int number = snapshot.get<int>("a", -1);
  ASSERT_GE(number, newest);
  newest = number;
  for (const Entry& entry : snapshot.prefix("")) ASSERT_EQ(entry.value, std::to_string(number));
  ASSERT_EQ(snapshot.key_count(), 4U);
}

TEST(Threads, ReadersSeeOnlyWholeStatesInOrder) {
  constexpr int kStates = 300;
  auto place = std::make_shared<MemoryPlace>();
  place->publish(state(0));
  const Reader original = reader::open_at(place, {}).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([reader = original]() mutable {
      const Value<int> value = reader.value<int>("b", -1);
      int newest = 0;
      while (newest < kStates) {
        expect_whole(reader.snapshot(), newest);
        ASSERT_GE(value.get(), newest);
        reader.poll();
      }
    });
  }
  for (int i = 1; i <= kStates; ++i) {
    const auto generation = place->publish(state(i));
    if (i > 2) place->remove_snapshot(generation - 2);
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Threads, OneSnapshotServesMany) {
  auto place = std::make_shared<MemoryPlace>();
  place->publish(state(7));
  const Snapshot snapshot = reader::open_at(place, {}).value().snapshot();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&snapshot] {
      int newest = 0;
      for (int round = 0; round < 200; ++round) expect_whole(snapshot, newest);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Threads, ReadersOfAFileShareTheRegistry) {
  testing::TemporaryDirectory root;
  testing::PlainSegment segment(root.path(), "web");
  segment.publish(state(0));
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      int newest = 0;
      while (!done) {
        auto reader = Reader::open("web", {.directory = root.path()});
        ASSERT_TRUE(reader) << reader.error().text;
        for (int round = 0; round < 5; ++round) expect_whole(reader->snapshot(), newest);
      }
    });
  }
  for (int i = 1; i <= 200; ++i) segment.publish(state(i));
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(Threads, LargeMapsAreLeftSafely) {
  testing::TemporaryDirectory root;
  testing::PlainSegment segment(root.path(), "web");
  const auto large = [](int i) {
    return PlainContent{.keys = {{.key = "k", .value = std::string(500'000, static_cast<char>('a' + i % 26))}}};
  };
  segment.publish(large(0));
  const Reader original = Reader::open("web", {.directory = root.path()}).value();
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([reader = original, &done] {
      while (!done) {
        const auto value = reader.get("k").value();
        ASSERT_EQ(value.front(), value.back());
      }
    });
  }
  for (int i = 1; i <= 60; ++i) segment.publish(large(i));
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(Threads, AChildOfAForkReadsOn) {
  testing::TemporaryDirectory root;
  testing::PlainSegment segment(root.path(), "web");
  segment.publish(state(1));
  const Reader reader = Reader::open("web", {.directory = root.path()}).value();
  std::atomic<bool> done = false;
  std::thread opener([&] {  // holds the registry's mutex most of the time
    while (!done) static_cast<void>(Reader::open("web", {.directory = root.path()}));
  });
  for (int i = 2; i < 40; ++i) {
    segment.publish(state(i));
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      ::_exit(reader.get("a") == std::to_string(i) ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0) << "state " << i;
  }
  done = true;
  opener.join();
}

}  // namespace
}  // namespace shmconf
