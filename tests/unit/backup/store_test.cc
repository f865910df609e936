#include "backup/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <utility>

#include "fakes/faulty_env.h"
#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "shm/snapshot_builder.h"

namespace shmconf::backup {
namespace {

using fakes::FaultyEnv;
using fakes::one_stamp;
using fakes::StampedContent;
namespace fs = std::filesystem;

constexpr int kKeys = 10;

std::vector<std::byte> snapshot(std::uint64_t stamp) {
  StampedContent content(stamp, kKeys);
  std::vector<std::byte> bytes(shm::snapshot_bytes(content.content()).value());
  shm::build_snapshot(content.content(), 1, bytes);
  shm::stamp_generation(bytes, stamp, std::chrono::seconds(1), format::Origin::kConsul);
  return bytes;
}

class StoreTest : public ::testing::Test {
 protected:
  std::uint64_t loaded() {
    auto backup = Store(env_, path_).load();
    if (!backup) return 0;
    return one_stamp(backup->view(), kKeys).value_or(0);
  }
  void damage(const std::string& path) {
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-9, std::ios::end);
    stream.put('\x7f');
  }

  harness::TempDirectory directory_;
  const std::string path_ = directory_ / "state/deeper/web.snapshot";
  FaultyEnv env_;
  Store store_{env_, path_};
};

TEST_F(StoreTest, WhatWasWrittenIsLoadedAndTheOneBeforeKept) {
  EXPECT_EQ(store_.load().error().code, ErrorCode::kAbsent);
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  EXPECT_EQ(loaded(), 2u);
  EXPECT_EQ(one_stamp(Store::load_file(env_, path_ + ".prev").value().view(), kKeys), 1u);
}

TEST_F(StoreTest, OnlyTheOwnerMayReadIt) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  EXPECT_EQ(static_cast<unsigned>(fs::status(path_).permissions()), 0600u);
}

TEST_F(StoreTest, ADamagedBackupIsSetAsideAndTheOneBeforeTaken) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  damage(path_);
  auto backup = store_.load();
  ASSERT_TRUE(backup);
  EXPECT_EQ(one_stamp(backup->view(), kKeys), 1u);
  EXPECT_NE(backup->warning().find("checksum"), std::string::npos) << backup->warning();
  EXPECT_TRUE(fs::exists(path_ + ".damaged"));
  ASSERT_TRUE(store_.write(snapshot(3)));
  EXPECT_EQ(loaded(), 3u);
}

TEST_F(StoreTest, ADamagedBackupNeverPushesOutTheLastGoodOne) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  damage(path_);
  ASSERT_TRUE(store_.write(snapshot(3)));
  EXPECT_EQ(one_stamp(Store::load_file(env_, path_ + ".prev").value().view(), kKeys), 1u);
  EXPECT_TRUE(fs::exists(path_ + ".damaged"));
}

// Another process replaces the file between the moment that it was read and what comes then.
class ReplacingEnv : public FaultyEnv {
 public:
  std::function<void()> after_read;
  Result<std::vector<std::byte>> read_all(int fd, std::uint64_t limit_bytes) override {
    auto bytes = FaultyEnv::read_all(fd, limit_bytes);
    if (const auto replace = std::exchange(after_read, nullptr)) replace();
    return bytes;
  }
};

TEST_F(StoreTest, AGoodBackupThatReplacedADamagedOneIsNotSetAside) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  damage(path_);
  ReplacingEnv slow;
  slow.after_read = [&] { ASSERT_TRUE(store_.write(snapshot(3))); };
  auto backup = Store(slow, path_).load();
  ASSERT_TRUE(backup) << backup.error().text;
  EXPECT_EQ(one_stamp(backup->view(), kKeys), 3u);
  EXPECT_EQ(loaded(), 3u);
  EXPECT_EQ(Store::load_file(env_, path_ + ".damaged").error().code, ErrorCode::kDamaged) << "by the other one";
}

TEST_F(StoreTest, ADamagedOneThatAnotherProcessSetAsideIsNoErrorOfAWrite) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  damage(path_);
  ReplacingEnv slow;
  slow.after_read = [&] { EXPECT_FALSE(store_.load()); };
  ASSERT_TRUE(Store(slow, path_).write(snapshot(2)));
  EXPECT_EQ(loaded(), 2u);
}

TEST_F(StoreTest, TheSameContentDoesNotPushOutTheOneBefore) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  struct stat before{};
  ASSERT_EQ(::stat(path_.c_str(), &before), 0);
  ASSERT_TRUE(store_.write(snapshot(2)));
  struct stat after{};
  ASSERT_EQ(::stat(path_.c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "the same bytes were written again";
  EXPECT_EQ(one_stamp(Store::load_file(env_, path_ + ".prev").value().view(), kKeys), 1u);

  // The same keys as another generation.
  auto again = snapshot(2);
  shm::stamp_generation(again, 9, std::chrono::seconds(7), format::Origin::kConsul, 11);
  ASSERT_TRUE(store_.write(again));
  EXPECT_EQ(Store::load_file(env_, path_).value().view().header().generation, 9u);
  EXPECT_EQ(one_stamp(Store::load_file(env_, path_ + ".prev").value().view(), kKeys), 1u);

  damage(path_);
  ASSERT_TRUE(store_.write(again)) << "the same bytes, but those on disk are not sound";
  EXPECT_EQ(loaded(), 2u);
}

TEST_F(StoreTest, BothDamagedIsSaidSo) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  damage(path_);
  damage(path_ + ".prev");
  const auto backup = store_.load();
  EXPECT_EQ(backup.error().code, ErrorCode::kDamaged);
  EXPECT_NE(backup.error().text.find(".damaged"), std::string::npos) << backup.error().text;
}

TEST_F(StoreTest, OneOfANewerFormatIsLeftUntouched) {
  auto newer = snapshot(1);
  reinterpret_cast<format::SnapshotHeader*>(newer.data())->version = 2;
  ASSERT_TRUE(store_.write(newer));
  EXPECT_EQ(store_.load().error().code, ErrorCode::kWrongVersion);
  EXPECT_EQ(store_.write(snapshot(2)).error().code, ErrorCode::kWrongVersion);
  EXPECT_EQ(Store::load_file(env_, path_).error().code, ErrorCode::kWrongVersion);
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(StoreTest, ABackupThatOthersMayWriteIsRefused) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  fs::permissions(path_, fs::perms::others_write, fs::perm_options::add);
  EXPECT_EQ(store_.load().error().code, ErrorCode::kDenied);
  EXPECT_EQ(store_.write(snapshot(2)).error().code, ErrorCode::kDenied) << "nor replaced";
  EXPECT_TRUE(Store::load_file(env_, path_)) << "an operator may still look at it";
}

TEST_F(StoreTest, ASymlinkIsRefused) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  fs::rename(path_, path_ + ".elsewhere");
  fs::create_symlink(path_ + ".elsewhere", path_);
  EXPECT_EQ(store_.load().error().code, ErrorCode::kDenied);
}

// Directories of proc know no fsync, and lead through a link to where the backup is kept.
TEST_F(StoreTest, ADirectoryAboveThatKnowsNoSyncIsNoObstacle) {
  const auto fd = env_.open_directory(directory_.path());
  ASSERT_TRUE(fd);
  const std::string path = "/proc/self/fd/" + std::to_string(fd->get()) + "/state/web.snapshot";
  const auto written = Store(env_, path).write(snapshot(1));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(one_stamp(Store::load_file(env_, directory_ / "state/web.snapshot").value().view(), kKeys), 1u);
}

// Remembers what was synced, and fails to sync one directory.
class SyncingEnv : public FaultyEnv {
 public:
  std::set<ino_t> synced;
  ino_t refused = 0;
  Result<void> sync(int fd) override {
    const ino_t inode = info(fd).value().inode;
    if (inode == refused) return env::system_error(EROFS, "sync", "a directory");
    synced.insert(inode);
    return FaultyEnv::sync(fd);
  }
};

ino_t inode_of(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_ino;
}

TEST_F(StoreTest, WhatIsMadeBehindASymlinkIsSyncedToo) {
  fs::create_directory(directory_ / "real");
  fs::create_directory_symlink(directory_ / "real", directory_ / "link");
  SyncingEnv syncing;
  ASSERT_TRUE(Store(syncing, directory_ / "link/state/web.snapshot").write(snapshot(1)));
  EXPECT_TRUE(syncing.synced.contains(inode_of(directory_ / "real")));
  EXPECT_TRUE(syncing.synced.contains(inode_of(directory_ / "real/state")));
}

TEST_F(StoreTest, OnlyAboveTheBackupMayAFileSystemBeReadOnly) {
  SyncingEnv syncing;
  syncing.refused = inode_of(directory_.path());
  EXPECT_TRUE(Store(syncing, path_).write(snapshot(1)));
  syncing.refused = inode_of(fs::path(path_).parent_path());
  EXPECT_EQ(Store(syncing, path_).write(snapshot(2)).error().code, ErrorCode::kDenied);
}

// Counts what is read whole.
class ReadingEnv : public FaultyEnv {
 public:
  int read = 0;
  Result<std::vector<std::byte>> read_all(int fd, std::uint64_t limit_bytes) override {
    ++read;
    return FaultyEnv::read_all(fd, limit_bytes);
  }
};

TEST_F(StoreTest, WhatCannotBeABackupIsNotReadIntoMemory) {
  fs::create_directories(fs::path(path_).parent_path());
  ReadingEnv reading;
  const auto expect_damaged = [&](const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    EXPECT_EQ(Store::load_file(reading, path_).error().code, ErrorCode::kDamaged) << bytes.size();
  };
  expect_damaged("");
  expect_damaged("SHMCONFS");
  expect_damaged(std::string(100'000, 'x'));
  for (const auto& magic : {format::kSnapshotMagic, format::kSealedMagic}) {
    format::SealedHeader header{};
    header.magic = magic;
    header.version = magic == format::kSealedMagic ? format::kSealedVersion : format::kSnapshotVersion;
    header.total_bytes = 99;
    expect_damaged(std::string(reinterpret_cast<const char*>(&header), sizeof header) + std::string(100'000, 'x'));
  }
  EXPECT_EQ(reading.read, 0);
}

TEST_F(StoreTest, ReadingTakesMemoryOnce) {
  constexpr std::size_t kBytes = 10'000'000;
  std::ofstream(directory_ / "file", std::ios::binary) << std::string(kBytes, 'x');
  const auto fd = env_.open_at(env_.open_directory(directory_.path()).value().get(), "file", O_RDONLY, 0);
  ASSERT_TRUE(fd);
  const auto bytes = env_.read_all(fd->get(), kBytes);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->size(), kBytes);
  EXPECT_LE(bytes->capacity(), kBytes + kBytes / 10);
}

// Fails each operation of a write in turn, and a second write right after.
TEST_F(StoreTest, AFailureAtAnyStepLeavesAWholeBackup) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  std::uint64_t last_good = 2;
  for (int step = 1;; ++step) {
    env_.arm(step, FaultyEnv::Fault::kFail, ENOSPC);
    const bool written = store_.write(snapshot(last_good + 1)).ok();
    const bool tripped = env_.tripped();
    env_.disarm();
    const std::uint64_t now = loaded();
    if (written) {
      EXPECT_EQ(now, last_good + 1);
    } else {
      EXPECT_TRUE(now == last_good || now == last_good + 1) << "step " << step << " " << env_.failed();
    }
    last_good = now;
    if (!tripped) break;
    ASSERT_LT(step, 100);
  }
}

}  // namespace
}  // namespace shmconf::backup
