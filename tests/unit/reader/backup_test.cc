// The backup file as readers see it: what is read, refused, and preferred.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "harness/core_files.h"
#include "reader/backup_file.h"
#include "shmconf/c.h"
#include "shmconf/reader.h"
#include "unit/reader/plain_segment.h"
#include "unit/reader/temporary_directory.h"

namespace shmconf {
namespace {

using testing::PlainContent;
using testing::PlainSegment;
using testing::PlainSnapshot;
using testing::write_file;

std::string bytes(std::string value) {
  return PlainSnapshot({.keys = {{.key = "k", .value = std::move(value)}}, .pointers = {}, .generation = 77}).string();
}

class BackupTest : public ::testing::Test {
 protected:
  Result<Reader> open() { return Reader::open("web", {.directory = root.path() + "/shm", .backup_file = file}); }
  ErrorCode refused() {
    auto reader = Reader::open_backup(file);
    EXPECT_FALSE(reader);
    return reader ? ErrorCode::kSystem : reader.error().code;
  }

  testing::TemporaryDirectory root;
  std::string file = root.path() + "/web.snapshot";
};

TEST_F(BackupTest, IsReadIntoMemory) {
  write_file(file, bytes("1"));
  Reader reader = Reader::open_backup(file).value();
  EXPECT_EQ(reader.get("k"), "1");
  EXPECT_EQ(reader.generation(), 77U);
  ::truncate(file.c_str(), 0);
  EXPECT_EQ(reader.get("k"), "1") << "a map of the file would be SIGBUS here";
  EXPECT_FALSE(reader.poll());
  EXPECT_FALSE(reader.wait_for_change(std::chrono::hours(1))) << "it never changes, so there is no sense in waiting";
  const Status status = reader.status();
  EXPECT_TRUE(status.from_file);
  EXPECT_EQ(status.backup_file, file);
  EXPECT_EQ(status.directory, "");
  EXPECT_EQ(status.verdict, Verdict::kDead);
  const Reader copy = reader;
  EXPECT_EQ(copy.get("k"), "1");
}

TEST_F(BackupTest, IsKeptOutOfCoreFiles) {
  write_file(file, bytes("1"));
  const Reader reader = Reader::open_backup(file).value();
  EXPECT_TRUE(testing::kept_out_of_dumps(reader.get("k")->data()));
}

TEST_F(BackupTest, ThatIsCutShortAnywhereIsRefused) {
  const std::string whole = bytes("value");
  EXPECT_EQ(refused(), ErrorCode::kAbsent);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file(file, whole.substr(0, size));
    ASSERT_EQ(refused(), ErrorCode::kDamaged) << size;
  }
  write_file(file, whole + "12345678");
  EXPECT_EQ(refused(), ErrorCode::kDamaged);
}

TEST_F(BackupTest, WithAnyBitFlippedIsRefused) {
  const std::string whole = bytes("value");
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_file(file, flipped);
    const bool in_version = bit / 8 >= 8 && bit / 8 < 12;
    ASSERT_EQ(refused(), in_version ? ErrorCode::kWrongVersion : ErrorCode::kDamaged) << "bit " << bit;
  }
}

TEST_F(BackupTest, ThatClaimsToBeEnormousAllocatesNothing) {
  PlainSnapshot snapshot({.keys = {}, .pointers = {}});
  snapshot.put64(offsetof(format::SnapshotHeader, total_bytes), std::uint64_t{1} << 46);
  write_file(file, snapshot.string());
  EXPECT_EQ(refused(), ErrorCode::kDamaged);
}

TEST_F(BackupTest, ThatIsEncryptedIsDeniedWithAWordOnWhatItIs) {
  std::string sealed(400, 'x');
  sealed.replace(0, format::kSealedMagic.size(), format::kSealedMagic.data(), format::kSealedMagic.size());
  write_file(file, sealed);
  EXPECT_EQ(refused(), ErrorCode::kDenied);
  const auto by_name = open();
  ASSERT_FALSE(by_name);
  EXPECT_EQ(by_name.error().code, ErrorCode::kDenied);
  EXPECT_NE(by_name.error().text.find("encrypted, for the sidecar alone"), std::string::npos) << by_name.error().text;
  shmconf_reader* reader = nullptr;
  EXPECT_EQ(shmconf_open_backup(file.c_str(), &reader), SHMCONF_DENIED);
  EXPECT_EQ(reader, nullptr);
  EXPECT_NE(std::string(shmconf_last_error()).find("encrypted"), std::string::npos);
}

TEST_F(BackupTest, OfTheWrongKindOrModeIsRefused) {
  write_file(root.path() + "/real", bytes("1"));
  std::filesystem::create_symlink(root.path() + "/real", file);
  EXPECT_EQ(refused(), ErrorCode::kDenied);
  ::unlink(file.c_str());
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_EQ(refused(), ErrorCode::kDenied);
  ::unlink(file.c_str());
  ASSERT_EQ(::mkdir(file.c_str(), 0700), 0);
  EXPECT_EQ(refused(), ErrorCode::kDenied);
  ::rmdir(file.c_str());
  write_file(file, bytes("1"));
  for (const mode_t mode : {mode_t{0620}, mode_t{0602}}) {
    ::chmod(file.c_str(), mode);
    EXPECT_EQ(refused(), ErrorCode::kDenied);
  }
  ::chmod(file.c_str(), 0644);
  EXPECT_TRUE(Reader::open_backup(file));
}

TEST_F(BackupTest, OfAnotherOwnerMustBeNamed) {
  write_file(file, bytes("1"));
  EXPECT_TRUE(reader::read_backup(file, {}));
  if (::geteuid() != 0) {
    EXPECT_NE(reader::read_backup("/etc/passwd", {}).error().code, ErrorCode::kDenied) << "root's are allowed";
    return;
  }
  ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
  EXPECT_EQ(reader::read_backup(file, {}).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(reader::read_backup(file, {.anybody = true, .also = {}}));
  EXPECT_TRUE(reader::read_backup(file, {.anybody = false, .also = 12345}));
}

TEST_F(BackupTest, ServesWithoutASegmentAndGivesWayToOne) {
  write_file(file, bytes("backup"));
  ::mkdir((root.path() + "/shm").c_str(), 0700);
  Reader reader = open().value();
  EXPECT_EQ(reader.get("k"), "backup");
  PlainSegment segment(root.path() + "/shm", "web");
  segment.publish({.keys = {{.key = "k", .value = "live"}}, .pointers = {}});
  EXPECT_TRUE(reader.wait_for_change(std::chrono::seconds(10)));
  EXPECT_EQ(reader.get("k"), "live");
  EXPECT_EQ(open().value().get("k"), "live");
}

TEST_F(BackupTest, TheOneBeforeServesWhereTheNewestIsMissingOrDamaged) {
  write_file(file + ".prev", bytes("previous"));
  EXPECT_EQ(open().value().get("k"), "previous");
  EXPECT_EQ(open().value().status().backup_file, file + ".prev");
  write_file(file, bytes("newest").substr(0, 300));
  EXPECT_EQ(open().value().get("k"), "previous");
  write_file(file, bytes("newest"));
  EXPECT_EQ(open().value().get("k"), "newest");
}

TEST_F(BackupTest, WhenBothAreDamagedThatIsTheAnswer) {
  write_file(file, "x");
  EXPECT_EQ(open().error().code, ErrorCode::kDamaged);
  write_file(file + ".prev", "x");
  EXPECT_EQ(open().error().code, ErrorCode::kDamaged);
  ::unlink(file.c_str());
  EXPECT_EQ(open().error().code, ErrorCode::kDamaged);
  ::unlink((file + ".prev").c_str());
  EXPECT_EQ(open().error().code, ErrorCode::kAbsent);
}

TEST_F(BackupTest, IsNoWayAroundASegmentThatIsRefused) {
  write_file(file, bytes("backup"));
  ::mkdir((root.path() + "/shm").c_str(), 0700);
  PlainSegment segment(root.path() + "/shm", "web");
  segment.page().version = 2;
  EXPECT_EQ(open().error().code, ErrorCode::kWrongVersion);
  ::chmod(segment.directory().c_str(), 0777);
  EXPECT_EQ(open().error().code, ErrorCode::kDenied);
}

TEST_F(BackupTest, TheSegmentNamesItsFile) {
  const std::string named = root.path() + "/named.snapshot";
  write_file(named, bytes("named"));
  ::mkdir((root.path() + "/shm").c_str(), 0700);
  PlainSegment segment(root.path() + "/shm", "web");
  segment.page().backup_path.store(named);
  EXPECT_EQ(Reader::open("web", {.directory = root.path() + "/shm"}).value().get("k"), "named");
}

}  // namespace
}  // namespace shmconf
