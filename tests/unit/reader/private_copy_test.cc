// Readers that survive files that are cut short under them, and what the others do.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "reader/file_place.h"
#include "shmconf/c.h"
#include "shmconf/reader.h"
#include "unit/reader/plain_segment.h"
#include "unit/reader/temporary_directory.h"

namespace shmconf {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::PlainContent;
using testing::PlainSegment;

constexpr auto kPatience = 60s;
constexpr std::size_t kLargeBytes = 64 * 1024;  // some pages

PlainContent one(const std::string& value) {
  return {.keys = {{.key = "k", .value = value}, {.key = "large", .value = std::string(kLargeBytes, value[0])}},
          .pointers = {}};
}

// Until the reader sees it: polling and waiting are what looks for another segment.
bool comes_to_read(Reader& reader, const std::string& value) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (reader.get("k") != value) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    reader.wait_for_change(100ms);
  }
  return true;
}

void overwrite(const std::string& file, std::size_t offset, const std::string& bytes) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0) << file;
  EXPECT_EQ(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)),
            static_cast<ssize_t>(bytes.size()));
  ::close(fd);
}

class PrivateCopy : public ::testing::Test {
 protected:
  PrivateCopy() {
    make(1000);
    generation = segment().publish(one("1"));
  }
  // A segment in the place of the one that is there, as a sidecar that starts makes it. The old one's
  // page stays mapped by its publisher, which never touches it again.
  void make(std::uint64_t created_s) {
    static_cast<void>(fs::remove_all(root.path() + "/web"));
    segments.push_back(std::make_unique<PlainSegment>(root.path(), "web", created_s));
  }
  PlainSegment& segment() { return *segments.back(); }
  Result<Reader> open(bool private_copy = true) {
    return Reader::open("web", {.directory = root.path(), .allow_backup = false, .private_copy = private_copy});
  }
  void cut_page(std::uintmax_t bytes) { fs::resize_file(segment().control_file(), bytes); }
  void cut_snapshot(std::uintmax_t bytes) { fs::resize_file(segment().snapshot_file(generation), bytes); }

  testing::TemporaryDirectory root;
  std::vector<std::unique_ptr<PlainSegment>> segments;
  std::uint64_t generation = 0;  // what the test has published
};

TEST_F(PrivateCopy, ReadsAndFollowsLikeAnyOther) {
  Reader reader = open().value();
  EXPECT_EQ(reader.get("k"), "1");
  EXPECT_EQ(reader.get("large")->size(), kLargeBytes);
  const auto handle = reader.value<int>("k", 0);
  EXPECT_EQ(handle.get(), 1);
  const Snapshot held = reader.snapshot();
  segment().publish(one("2"));
  EXPECT_EQ(handle.get(), 2);
  EXPECT_EQ(reader.get("k"), "2");
  EXPECT_EQ(held.get("k"), "1");
  EXPECT_EQ(reader.generation_word(), nullptr);
  EXPECT_TRUE(reader.poll());
  EXPECT_FALSE(reader.poll());
  EXPECT_FALSE(reader.wait_for_change(1ms));
  EXPECT_EQ(reader.status().problem, "");
  EXPECT_EQ(reader.status().generation, reader.generation());
}

TEST_F(PrivateCopy, AWaitEndsWithThePublishing) {
  Reader reader = open().value();
  const auto start = std::chrono::steady_clock::now();
  std::thread publisher([&] {
    std::this_thread::sleep_for(20ms);
    segment().publish(one("2"));
  });
  EXPECT_TRUE(reader.wait_for_change(kPatience));
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
  publisher.join();
  EXPECT_EQ(reader.get("k"), "2");
}

// The readers of a process have one copy of a generation between them.
TEST_F(PrivateCopy, IsSharedByTheReadersOfTheProcess) {
  const Reader first = open().value();
  const Reader second = open().value();
  const Reader mapped = open(false).value();
  EXPECT_EQ(first.snapshot().view().bytes().data(), second.snapshot().view().bytes().data());
  EXPECT_NE(first.snapshot().view().bytes().data(), mapped.snapshot().view().bytes().data());
  generation = segment().publish(one("2"));
  EXPECT_EQ(second.get("k"), "2");
  EXPECT_EQ(first.snapshot().view().bytes().data(), second.snapshot().view().bytes().data());
  overwrite(segment().snapshot_file(generation), 256, std::string(1024, 'x'));
  EXPECT_TRUE(first.snapshot().verify()) << "it is nobody else's memory";
  EXPECT_FALSE(mapped.snapshot().verify()) << "what a map shows is the file";
}

struct Cut {
  std::optional<std::uintmax_t> page;
  std::optional<std::uintmax_t> snapshot;
};

// Each file is cut to nothing, or within or to a page, under readers that read all the time.
TEST_F(PrivateCopy, SurvivesFilesThatAreCutShort) {
  std::uint64_t created_s = 1000;
  const Cut cuts[] = {{.page = 0, .snapshot = {}},  {.page = 100, .snapshot = {}}, {.page = {}, .snapshot = 0},
                      {.page = {}, .snapshot = 4096}, {.page = 0, .snapshot = 0}, {.page = 64, .snapshot = 4096}};
  for (const Cut& cut : cuts) {
    SCOPED_TRACE(created_s);
    std::atomic<bool> stop = false;
    std::atomic<int> reading = 0;
    std::atomic<std::uint64_t> wrong = 0;
    const Reader shared = open().value();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, reader = shared] {
        ++reading;
        while (!stop.load()) {
          const Snapshot one_state = reader.snapshot();
          const auto large = one_state.get("large");
          const auto small = one_state.get("k");
          if (!small || !large || *large != std::string(kLargeBytes, (*small)[0])) ++wrong;
        }
      });
    }
    while (reading.load() < 3) std::this_thread::yield();
    Reader reader = shared;
    if (cut.page) cut_page(*cut.page);
    if (cut.snapshot) cut_snapshot(*cut.snapshot);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(reader.get("k"), "1");
    EXPECT_FALSE(reader.wait_for_change(1ms));
    const Status status = reader.status();
    EXPECT_EQ(status.problem.empty(), !cut.page.has_value()) << status.problem;
    if (cut.page) {
      EXPECT_NE(status.problem.find(root.path() + "/web"), std::string::npos) << status.problem;
      EXPECT_NE(status.problem.find("restart the sidecar"), std::string::npos) << status.problem;
      EXPECT_EQ(status.verdict, Verdict::kDead);
      EXPECT_EQ(open().error().code, ErrorCode::kDamaged);
    } else {
      // In the same segment, as a sidecar does that goes on.
      segment().publish(one("2"));
      EXPECT_TRUE(comes_to_read(reader, "2"));
    }
    make(++created_s);
    generation = segment().publish(one("1"));
    segment().publish(one("3"));
    EXPECT_TRUE(comes_to_read(reader, "3"));
    EXPECT_EQ(reader.status().problem, "");
    stop = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong.load(), 0u);
    make(++created_s);
    generation = segment().publish(one("1"));
  }
}

// The steps of an opening or a move behind the look at the page, which is cut short between them.
TEST_F(PrivateCopy, NoStepBehindTheLookAtThePageTouchesIt) {
  const std::string named = root.path() + "/named.snapshot";
  testing::write_file(named, testing::read_file(segment().snapshot_file(generation)));
  segment().page().backup_path.store(named);
  const reader::FilePlace place({.root = root.path(), .name = "web", .root_is_default = false}, "", true);
  const auto page = place.open_page().value();
  EXPECT_EQ(place.open_backup(page.get()).value().file, named);
  cut_page(0);
  const auto snapshot = place.open_snapshot(*page, generation);
  ASSERT_TRUE(snapshot) << snapshot.error().text;
  EXPECT_EQ(snapshot->view.header().generation, generation);
  const auto backup = place.open_backup(page.get());
  EXPECT_TRUE(!backup || backup->file != named) << "nothing can name it any more";
}

// A page that is cut short while a reader sleeps on it: it neither spins nor sleeps for good.
TEST_F(PrivateCopy, AWaitOnAPageThatIsCutShortTakesNoProcessorTime) {
  Reader reader = open().value();
  const auto used = [] {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  cut_page(0);
  const auto before = used();
  EXPECT_FALSE(reader.wait_for_change(1'500ms));
  EXPECT_LT(used() - before, 500ms);
  make(2000);
  segment().publish(one("2"));
  EXPECT_TRUE(reader.wait_for_change(kPatience));
  EXPECT_EQ(reader.get("k"), "2");
}

// Bytes that change in the file while they are copied are not what the checksum is of.
TEST_F(PrivateCopy, WhatIsNoWholeCopyIsNotTaken) {
  Reader reader = open().value();
  const std::uint64_t next = segment().next_generation();
  PlainContent content = one("2");
  content.generation = next;
  const std::string sound = testing::PlainSnapshot(std::move(content)).string();
  std::string torn = sound;
  torn[torn.size() / 2] ^= 1;
  segment().publish_bytes(torn);
  EXPECT_EQ(reader.get("k"), "1");
  EXPECT_NE(reader.status().problem.find("damaged"), std::string::npos) << reader.status().problem;
  EXPECT_EQ(open().error().code, ErrorCode::kDamaged);
  EXPECT_TRUE(open(false)) << "a map is as good as its header";
  // Put right, it is taken at one of the next looks, without another generation.
  overwrite(segment().snapshot_file(next), 0, sound);
  EXPECT_TRUE(comes_to_read(reader, "2"));
  EXPECT_EQ(reader.status().problem, "");
}

// Somebody writes into each file as soon as it is there, while it is copied: what is read is always a
// whole generation, and never an older one.
TEST_F(PrivateCopy, WhateverIsWrittenIntoFilesWhileTheyAreCopied) {
  constexpr int kGenerations = 200;
  Reader reader = open().value();
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> newest = generation;
  std::atomic<int> spoilt = 0;
  std::thread vandal([&] {
    for (off_t at = 0; !stop.load(); at = (at + 997) % static_cast<off_t>(kLargeBytes)) {
      const int fd = ::open(segment().snapshot_file(newest.load()).c_str(), O_WRONLY | O_CLOEXEC);
      if (fd < 0) continue;
      spoilt += ::pwrite(fd, "x", 1, at) == 1 ? 1 : 0;
      if (at % 7 == 0) spoilt += ::ftruncate(fd, at) == 0 ? 1 : 0;
      ::close(fd);
    }
  });
  int wrong = 0;
  std::uint64_t last = 0;
  for (int i = 0; i < kGenerations; ++i) {
    newest = segment().next_generation();
    segment().publish(one(std::to_string(i % 10)));
    const Snapshot read = reader.snapshot();
    const bool whole = read.get("large") == std::string(kLargeBytes, read.get("k")->front()) && read.verify();
    if (!whole || read.generation() < last) ++wrong;
    last = read.generation();
  }
  stop = true;
  vandal.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(spoilt.load(), 0);
  segment().publish(one("at last"));
  EXPECT_TRUE(comes_to_read(reader, "at last"));
}

// The descriptors of this process that are open on the control page.
std::vector<int> page_descriptors() {
  std::vector<int> all;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the one of this listing, say
    const std::string file = fs::read_symlink(entry.path(), gone);
    if (file.ends_with("/web/control.v1")) all.push_back(std::stoi(entry.path().filename()));
  }
  return all;
}

// A program that closes all its descriptors, as one that detaches itself does, and opens others.
TEST_F(PrivateCopy, FindsTheSegmentAgainWhenItsDescriptorIsSomebodyElses) {
  const std::string other = root.path() + "/other";
  testing::write_file(other, std::string(8192, '\x11'));
  Reader reader = open().value();
  const std::vector<int> theirs = page_descriptors();
  ASSERT_EQ(theirs.size(), 1u);
  const int fd = ::open(other.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::dup2(fd, theirs[0]), theirs[0]);
  ::close(fd);
  EXPECT_EQ(reader.get("k"), "1");
  segment().publish(one("2"));
  EXPECT_TRUE(comes_to_read(reader, "2"));
  EXPECT_EQ(::write(theirs[0], "x", 1), 1) << "the number is the program's now";
  EXPECT_EQ(::close(theirs[0]), 0);
}

// The number is free when the segment is looked up again, and may be given to that very look.
TEST_F(PrivateCopy, FindsTheSegmentAgainWhenItsDescriptorIsClosed) {
  Reader reader = open().value();
  for (const std::string value : {"2", "3"}) {
    for (const int fd : page_descriptors()) ASSERT_EQ(::close(fd), 0);
    EXPECT_TRUE(reader.get("k"));
    segment().publish(one(value));
    EXPECT_TRUE(comes_to_read(reader, value));
    EXPECT_EQ(reader.status().problem, "");
    EXPECT_EQ(page_descriptors().size(), 1u);
  }
}

// Where the word of a page would be, the program's file holds that of a page without a generation.
TEST_F(PrivateCopy, FindsTheSegmentAgainWhenItsDescriptorIsOfAFileOfZeros) {
  const std::string other = root.path() + "/other";
  testing::write_file(other, std::string(8192, '\0'));
  Reader reader = open().value();
  const std::vector<int> theirs = page_descriptors();
  ASSERT_EQ(theirs.size(), 1u);
  const int fd = ::open(other.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(fd, theirs[0]), theirs[0]);
  ::close(fd);
  EXPECT_EQ(reader.get("k"), "1");
  segment().publish(one("2"));
  EXPECT_TRUE(comes_to_read(reader, "2"));
  EXPECT_EQ(::close(theirs[0]), 0);
}

TEST_F(PrivateCopy, IsAnOptionOfTheCAbi) {
  shmconf_options options = SHMCONF_OPTIONS_INIT;
  const std::string directory = root.path();
  options.directory = directory.c_str();
  options.deny_backup = 1;
  options.private_copy = 1;
  shmconf_reader* reader = nullptr;
  ASSERT_EQ(shmconf_open("web", &options, &reader), SHMCONF_OK) << shmconf_last_error();
  cut_page(0);
  cut_snapshot(0);
  const char* value = nullptr;
  size_t bytes = 0;
  ASSERT_EQ(shmconf_get(reader, "k", SHMCONF_NUL_TERMINATED, &value, &bytes), SHMCONF_OK);
  EXPECT_EQ(std::string(value, bytes), "1");
  shmconf_status status{};
  status.size = sizeof status;
  ASSERT_EQ(shmconf_get_status(reader, &status), SHMCONF_OK);
  EXPECT_NE(std::string(status.problem).find("restart the sidecar"), std::string::npos);
  shmconf_close(reader);
  // A program that was compiled before there was the option.
  options.size = offsetof(shmconf_options, private_copy);
  make(2000);
  segment().publish(one("2"));
  ASSERT_EQ(shmconf_open("web", &options, &reader), SHMCONF_OK) << shmconf_last_error();
  shmconf_word* word = nullptr;
  const std::uint64_t* address = nullptr;
  ASSERT_EQ(shmconf_word_take(reader, &word, &address), SHMCONF_OK);
  EXPECT_NE(address, nullptr) << "it maps";
  shmconf_word_free(word);
  shmconf_close(reader);
}

// What README says of a reader without private_copy.
TEST_F(PrivateCopy, WithoutItAFileThatIsCutShortIsSigbus) {
  for (const bool page : {true, false}) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGBUS, SIG_DFL);  // not the sanitizers'
      const rlimit no_core{0, 0};
      ::setrlimit(RLIMIT_CORE, &no_core);
      const auto reader = open(false);
      if (!reader || reader->get("k") != "1") ::_exit(2);
      page ? cut_page(0) : cut_snapshot(0);
      ::_exit(reader->get("large") ? 3 : 4);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
    make(page ? 2000 : 3000);
    generation = segment().publish(one("1"));
  }
}

}  // namespace
}  // namespace shmconf
