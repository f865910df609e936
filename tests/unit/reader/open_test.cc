// Opening what is on disk: each answer of open(), each kind of bad input, and files that change.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "harness/core_files.h"
#include "harness/temp_directory.h"
#include "reader/file_place.h"
#include "shmconf/reader.h"
#include "unit/reader/plain_segment.h"
#include "unit/reader/temporary_directory.h"

namespace shmconf {
namespace {

using namespace std::chrono_literals;
using testing::PlainContent;
using testing::PlainSegment;
using testing::PlainSnapshot;
using testing::read_file;
using testing::write_file;

PlainContent one(std::string value) { return {.keys = {{.key = "k", .value = std::move(value)}}, .pointers = {}}; }

class Open : public ::testing::Test {
 protected:
  Open() { ::chmod(root.path().c_str(), 0700); }

  Result<Reader> open(bool verify = false) {
    return Reader::open("web", {.directory = root.path(), .backup_file = backup, .verify = verify});
  }
  ErrorCode refused(bool verify = false) {
    auto reader = open(verify);
    EXPECT_FALSE(reader) << "opened";
    if (reader) return ErrorCode::kSystem;
    EXPECT_FALSE(reader.error().text.empty());
    EXPECT_EQ(reader.error().text.find('\n'), std::string::npos);
    return reader.error().code;
  }
  void make() { segment = std::make_unique<PlainSegment>(root.path(), "web"); }

  testing::TemporaryDirectory root;
  std::string backup = root.path() + "/web.snapshot";
  std::unique_ptr<PlainSegment> segment;
};

TEST_F(Open, Ready) {
  make();
  segment->publish(one("1"));
  Reader reader = open(true).value();
  EXPECT_EQ(reader.get("k"), "1");
  EXPECT_EQ(reader.status().directory, root.path() + "/web");
  EXPECT_EQ(Reader::open_directory(root.path() + "/web/").value().get("k"), "1");
  segment->publish(one("2"));
  EXPECT_EQ(reader.get("k"), "2");
}

TEST_F(Open, TheEnvironmentNamesNameAndRoot) {
  make();
  segment->publish(one("1"));
  ::setenv("SHMCONF_DIR", root.path().c_str(), 1);
  ::setenv("SHMCONF_NAME", "web", 1);
  const auto reader = Reader::open("");
  ::unsetenv("SHMCONF_DIR");
  ::unsetenv("SHMCONF_NAME");
  EXPECT_EQ(reader.value().get("k"), "1");
}

TEST_F(Open, Absent) {
  EXPECT_EQ(refused(), ErrorCode::kAbsent);
  ::mkdir((root.path() + "/web").c_str(), 0700);
  EXPECT_EQ(refused(), ErrorCode::kAbsent);
  EXPECT_EQ(Reader::open("web", {.directory = root.path() + "/none", .backup_file = backup}).error().code,
            ErrorCode::kAbsent);
}

TEST_F(Open, NotReady) {
  make();
  EXPECT_EQ(refused(), ErrorCode::kNotReady);
  segment->page().version = 0;
  EXPECT_EQ(refused(), ErrorCode::kNotReady);
}

TEST_F(Open, InvalidNames) {
  EXPECT_EQ(Reader::open("../web", {.directory = root.path()}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Reader::open_directory(root.path() + "/.web").error().code, ErrorCode::kInvalid);
}

TEST_F(Open, PagesOfAnotherVersionOrShape) {
  make();
  segment->publish(one("1"));
  segment->page().version = 2;
  EXPECT_EQ(refused(), ErrorCode::kWrongVersion);
  segment->page().version = 1;
  segment->page().snapshot_version = 2;
  EXPECT_EQ(refused(), ErrorCode::kWrongVersion);
  segment->page().snapshot_version = 1;
  segment->page().page_bytes = 8192;
  EXPECT_EQ(refused(), ErrorCode::kDamaged);
  segment->page().page_bytes = 4096;
  segment->page().magic[7] = 'X';
  EXPECT_EQ(refused(), ErrorCode::kDamaged);
  segment->page().magic[7] = 'C';
  segment->retire();
  EXPECT_EQ(refused(), ErrorCode::kAbsent);
}

// Processes of one boot may see different boot ids; what outlives its boot has to be told by them.
TEST(OpenOfAnotherBoot, IsAbsentExceptOnATmpfs) {
  const auto opened = [](const std::string& parent, bool another_boot) {
    const harness::TempDirectory root(parent);
    PlainSegment segment(root.path(), "web");
    segment.publish(one("1"));
    if (another_boot) segment.page().boot_id[0] = 'x';
    const auto reader = Reader::open("web", {.directory = root.path(), .backup_file = root / "none"});
    if (reader) return std::string(*reader->get("k"));
    return reader.error().code == ErrorCode::kAbsent ? std::string("absent") : reader.error().text;
  };
  EXPECT_EQ(opened("/var/tmp", false), "1");
  EXPECT_EQ(opened("/var/tmp", true), "absent");
  EXPECT_EQ(opened("/dev/shm", true), "1");
}

TEST_F(Open, ControlPagesThatAreCutShort) {
  make();
  segment->publish(one("1"));
  const std::string whole = read_file(segment->control_file());
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{8}, std::size_t{64}, std::size_t{4095}}) {
    write_file(segment->control_file(), whole.substr(0, size));
    EXPECT_EQ(refused(), ErrorCode::kDamaged) << size;
  }
  write_file(segment->control_file(), whole);
  EXPECT_TRUE(open());
}

TEST_F(Open, SnapshotsThatAreCutShort) {
  make();
  const auto generation = segment->publish(one("1"));
  const std::string whole = read_file(segment->snapshot_file(generation));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file(segment->snapshot_file(generation), whole.substr(0, size));
    ASSERT_EQ(refused(), ErrorCode::kDamaged) << size;
  }
  write_file(segment->snapshot_file(generation), whole + "x");
  EXPECT_EQ(refused(), ErrorCode::kDamaged);
  ::unlink(segment->snapshot_file(generation).c_str());
  EXPECT_EQ(refused(), ErrorCode::kDamaged);
}

TEST_F(Open, SnapshotsWithAnyBitFlipped) {
  make();
  PlainContent content{.keys = {{.key = "a", .value = "{\"x\":1}", .kind = 1}, {.key = "b", .value = "two", .flags = 5}},
                       .pointers = {{.key = "a#/x", .value = "1", .kind = 3}}};
  const auto generation = segment->publish(content);
  const std::string whole = read_file(segment->snapshot_file(generation));
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_file(segment->snapshot_file(generation), flipped);
    auto verified = open(true);
    ASSERT_FALSE(verified) << "bit " << bit;
    const bool in_version = bit / 8 >= 8 && bit / 8 < 12;
    ASSERT_EQ(verified.error().code, in_version ? ErrorCode::kWrongVersion : ErrorCode::kDamaged) << "bit " << bit;
    // Without verifying, the header is checked and everything else is kept in bounds.
    auto trusting = open(false);
    ASSERT_EQ(trusting.ok(), bit >= 256 * 8) << "bit " << bit;
    if (!trusting) continue;
    for (const char* key : {"a", "b", "a#/x", "none"}) static_cast<void>(trusting->get(key));
    for (const Entry& entry : trusting->prefix("", Listing::kBoth)) ASSERT_LE(entry.value.size(), whole.size());
  }
}

TEST_F(Open, ASnapshotUnderAnothersName) {
  make();
  PlainContent content = one("1");
  content.generation = segment->next_generation() + 1;
  segment->publish_bytes(PlainSnapshot(content).string());
  EXPECT_EQ(refused(), ErrorCode::kDamaged);
}

TEST_F(Open, SectionsOutsideTheSnapshot) {
  make();
  PlainContent content = one("1");
  content.generation = segment->next_generation();
  for (std::size_t field = offsetof(format::SnapshotHeader, indexes_offset);
       field <= offsetof(format::SnapshotHeader, pointers_offset); field += 8) {
    for (const std::uint64_t value : {~0ULL, 1ULL << 63, 1ULL << 32, 1ULL << 20}) {
      PlainSnapshot snapshot(content);
      if (value <= snapshot.get64(field)) continue;
      snapshot.put64(field, value);
      segment->show(content.generation - 1);
      segment->publish_bytes(snapshot.string());
      EXPECT_EQ(refused(true), ErrorCode::kDamaged) << "field " << field << " is " << value;
    }
  }
}

TEST_F(Open, SymlinksAreRefused) {
  make();
  const auto generation = segment->publish(one("1"));
  namespace fs = std::filesystem;
  fs::create_directory_symlink(root.path(), root.path() + "/link");
  EXPECT_EQ(Reader::open("web", {.directory = root.path() + "/link"}).error().code, ErrorCode::kDenied);
  fs::create_directory_symlink(root.path() + "/web", root.path() + "/alias");
  EXPECT_EQ(Reader::open("alias", {.directory = root.path()}).error().code, ErrorCode::kDenied);
  for (const std::string& file : {segment->snapshot_file(generation), segment->control_file()}) {
    fs::rename(file, root.path() + "/elsewhere");
    fs::create_symlink(root.path() + "/elsewhere", file);
    EXPECT_EQ(refused(), ErrorCode::kDenied) << file;
    fs::remove(file);
    fs::rename(root.path() + "/elsewhere", file);
  }
  EXPECT_TRUE(open());
}

TEST_F(Open, WhatIsNoRegularFileIsRefused) {
  make();
  segment->publish(one("1"));
  ::unlink(segment->control_file().c_str());
  ASSERT_EQ(::mkfifo(segment->control_file().c_str(), 0600), 0);
  EXPECT_EQ(refused(), ErrorCode::kDenied) << "and does not wait for somebody to write";
  ::unlink(segment->control_file().c_str());
  ASSERT_EQ(::mkdir(segment->control_file().c_str(), 0700), 0);
  EXPECT_EQ(refused(), ErrorCode::kDenied);
  write_file(root.path() + "/file", "");
  EXPECT_EQ(Reader::open("file", {.directory = root.path()}).error().code, ErrorCode::kDenied);
}

TEST_F(Open, WhatOthersMayWriteIsRefused) {
  make();
  const auto generation = segment->publish(one("1"));
  const std::string paths[] = {segment->directory(), segment->control_file(), segment->snapshot_file(generation)};
  for (const std::string& path : paths) {
    const mode_t mode = path == segment->directory() ? 0700 : 0600;
    for (const mode_t open_to : {mode_t{0020}, mode_t{0002}}) {
      ::chmod(path.c_str(), mode | open_to);
      EXPECT_EQ(refused(), ErrorCode::kDenied) << path;
    }
    ::chmod(path.c_str(), mode | 0044);
    EXPECT_TRUE(open()) << "readable by others is the owner's choice";
    ::chmod(path.c_str(), mode);
  }
  ::chmod(root.path().c_str(), 0777);
  EXPECT_TRUE(open()) << "a root that was chosen may be a shared volume";
}

// The rules for owners; where only root can make the case, the other half stands alone.
TEST_F(Open, TheDefaultRootMustBelongToTheUserAndBeClosed) {
  make();
  const auto generation = segment->publish(one("1"));
  const auto opens = [](const std::string& path) {
    return reader::FilePlace({.root = path, .name = "web", .root_is_default = true}, "").open_page();
  };
  EXPECT_TRUE(opens(root.path()));
  ::chmod(root.path().c_str(), 0770);
  EXPECT_EQ(opens(root.path()).error().code, ErrorCode::kDenied);
  ::chmod(root.path().c_str(), 0700);
  if (::geteuid() != 0) {
    EXPECT_EQ(opens("/usr").error().code, ErrorCode::kDenied);
    return;
  }
  ASSERT_EQ(::chown(segment->snapshot_file(generation).c_str(), 12345, 12345), 0);
  EXPECT_EQ(refused(), ErrorCode::kDenied) << "a snapshot belongs to whom the control page belongs to";
  ASSERT_EQ(::chown(segment->snapshot_file(generation).c_str(), 0, 0), 0);
  const auto give_to = [&](uid_t user) {
    for (const std::string& path : {segment->control_file(), segment->snapshot_file(generation)}) {
      ASSERT_EQ(::chown(path.c_str(), user, user), 0);
    }
  };
  ASSERT_EQ(::chown(segment->directory().c_str(), 12345, 12345), 0);
  EXPECT_EQ(refused(), ErrorCode::kDenied) << "a control page belongs to whom its directory belongs to";
  give_to(12345);
  EXPECT_EQ(opens(root.path()).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(open()) << "a member of another user's group may read where the root was chosen";
  give_to(0);
  ASSERT_EQ(::chown(segment->directory().c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(root.path().c_str(), 12345, 12345), 0);
  EXPECT_EQ(opens(root.path()).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(open());
}

TEST_F(Open, AllReadersOfAProcessShareOneMapOfAGeneration) {
  make();
  segment->publish(one("1"));
  const Reader first = open().value();
  const Reader second = Reader::open_directory(root.path() + "/web").value();
  const Reader third = second;
  EXPECT_EQ(first.get("k")->data(), second.get("k")->data());
  EXPECT_EQ(first.get("k")->data(), third.get("k")->data());
  segment->publish(one("2"));
  EXPECT_EQ(first.get("k")->data(), second.get("k")->data());
}

TEST_F(Open, NoDescriptorStaysOpen) {
  make();
  segment->publish(one("1"));
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = count();
  const Reader reader = open().value();
  segment->publish(one("2"));
  EXPECT_EQ(reader.get("k"), "2");
  EXPECT_EQ(count(), before);
}

// How many bytes of snapshots this process has mapped.
std::uint64_t mapped_bytes() {
  std::ifstream maps("/proc/self/maps");
  std::uint64_t total = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/snapshot.v1.") == std::string::npos) continue;
    char* dash = nullptr;
    const std::uint64_t begin = std::strtoull(line.c_str(), &dash, 16);
    total += std::strtoull(dash + 1, nullptr, 16) - begin;
  }
  return total;
}

TEST_F(Open, TheMapThatWasLeftIsGivenBackOverTheNextReads) {
  make();
  constexpr std::size_t kLarge = 1'000'000;
  segment->publish(one(std::string(kLarge, '1')));
  Reader reader = open().value();
  const Value<std::string> value = reader.value<std::string>("k", "");
  const std::uint64_t alone = mapped_bytes();
  segment->publish(one(std::string(kLarge, '2')));
  EXPECT_EQ(reader.get("k")->back(), '2');
  EXPECT_GT(mapped_bytes(), alone + kLarge / 2) << "not all at once";
  for (int i = 0; i < 24; ++i) {
    EXPECT_EQ(reader.get("k")->front(), '2');
    EXPECT_EQ(value.get().front(), '2');
  }
  EXPECT_LE(mapped_bytes(), alone);

  segment->publish(one(std::string(kLarge, '3')));
  EXPECT_EQ(reader.get("k")->back(), '3');
  reader.wait_for_change(2ms);
  EXPECT_FALSE(reader.wait_for_change(1ms));
  EXPECT_LE(mapped_bytes(), alone) << "a reader that waits gives back all";

  for (const char c : {'4', '5', '6'}) {
    segment->publish(one(std::string(kLarge, c)));
    EXPECT_EQ(reader.get("k")->back(), c);
  }
  EXPECT_LE(mapped_bytes(), 2 * alone) << "a reader that reads rarely holds no more than one";
}

TEST_F(Open, SnapshotsAreKeptOutOfCoreFiles) {
  make();
  segment->publish(one("1"));
  const Reader reader = open().value();
  EXPECT_TRUE(testing::kept_out_of_dumps(reader.get("k")->data()));
  // From the first read of each generation on, whether its file was mapped ahead or not.
  for (const char* value : {"2", "3", "4"}) {
    segment->publish(one(value));
    for (int i = 0; i < 24; ++i) {
      EXPECT_EQ(reader.get("k"), value);
      EXPECT_TRUE(testing::kept_out_of_dumps(reader.get("k")->data())) << value << " at read " << i;
    }
  }
}

TEST_F(Open, AMapThatSomebodyHoldsIsNotGivenBack) {
  make();
  constexpr std::size_t kLarge = 1'000'000;
  segment->publish(one(std::string(kLarge, '1')));
  const Reader reader = open().value();
  const Reader other = reader;
  const Snapshot snapshot = reader.snapshot();
  segment->publish(one(std::string(kLarge, '2')));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(reader.get("k")->front(), '2');
  EXPECT_EQ(snapshot.get("k"), std::string(kLarge, '1'));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(other.get("k")->front(), '2');
  EXPECT_EQ(snapshot.get("k"), std::string(kLarge, '1'));
  EXPECT_TRUE(snapshot.verify());
}

TEST_F(Open, AnUnlinkedSnapshotStaysReadable) {
  make();
  const auto generation = segment->publish(one("1"));
  const Reader reader = open().value();
  ::unlink(segment->snapshot_file(generation).c_str());
  EXPECT_EQ(reader.get("k"), "1");
}

TEST_F(Open, ADirectoryThatWasReplacedIsFound) {
  make();
  segment->publish(one("old"));
  Reader reader = open().value();
  std::filesystem::remove_all(segment->directory());
  EXPECT_FALSE(reader.poll());
  EXPECT_EQ(reader.get("k"), "old");
  PlainSegment anew(root.path(), "web", 2000);
  EXPECT_FALSE(reader.poll()) << "nothing is published there yet";
  EXPECT_EQ(reader.get("k"), "old");
  anew.publish(one("new"));
  EXPECT_EQ(reader.get("k"), "new");
}

TEST_F(Open, APublisherThatWritesWhereThePathNoLongerLeadsIsLeft) {
  make();
  segment->publish(one("old"));
  const Reader reader = open().value();
  std::filesystem::rename(segment->directory(), root.path() + "/orphan");
  PlainSegment anew(root.path(), "web", 2000);
  anew.publish(one("new"));
  segment->show(segment->next_generation());  // its snapshot is in the orphan
  EXPECT_EQ(reader.get("k"), "new");
}

TEST_F(Open, ARetiredSegmentIsFollowedToTheNextOne) {
  make();
  segment->publish(one("old"));
  Reader reader = open().value();
  segment->retire();
  std::filesystem::remove_all(segment->directory());
  EXPECT_EQ(reader.get("k"), "old");
  EXPECT_TRUE(reader.status().retired);
  PlainSegment anew(root.path(), "web", 2000);
  anew.publish(one("new"));
  EXPECT_TRUE(reader.wait_for_change(10s));
  EXPECT_EQ(reader.get("k"), "new");
}

TEST_F(Open, AWaitingThreadIsWoken) {
  make();
  segment->publish(one("1"));
  Reader reader = open().value();
  std::thread publisher([this] {
    for (int i = 2; i <= 50; ++i) segment->publish(one(std::to_string(i)));
  });
  const auto start = std::chrono::steady_clock::now();
  while (reader.get("k") != "50" && std::chrono::steady_clock::now() - start < 30s) reader.wait_for_change(5s);
  publisher.join();
  EXPECT_EQ(reader.get("k"), "50");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST_F(Open, WaitEndsAtItsTimeout) {
  make();
  segment->publish(one("1"));
  Reader reader = open().value();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(reader.wait_for_change(30ms));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 29ms);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

}  // namespace
}  // namespace shmconf
