#include "shm/publisher.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "fakes/faulty_env.h"
#include "fakes/stamped_content.h"
#include "harness/core_files.h"
#include "harness/temp_directory.h"

namespace shmconf::shm {
namespace {

using fakes::FaultyEnv;
using fakes::one_stamp;
using fakes::StampedContent;
using format::Role;
namespace fs = std::filesystem;

constexpr int kKeys = 20;

class PublisherTest : public ::testing::Test {
 protected:
  Place place() { return {.root = directory_.path(), .name = "web", .group = {}}; }
  Segment attach() { return Segment::attach(env_, place()).value(); }
  Publisher publisher(Segment& segment, Role role = Role::kWatch) {
    return Publisher::attach(env_, segment, role).value();
  }
  static Outcome put(Publisher& publisher, std::uint64_t stamp, int keys = kKeys) {
    StampedContent content(stamp, keys);
    std::uint64_t noted = publisher.note();
    return publisher.publish(content.content(), noted, {}, nullptr).value();
  }
  std::string file(const std::string& name) { return directory_.path() + "/web/" + name; }
  std::vector<std::string> snapshots() { return names(format::kSnapshotPrefix); }
  std::vector<std::string> drafts() { return names(format::kDraftPrefix); }
  std::vector<std::string> names(const std::string& prefix) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_.path() + "/web")) {
      if (entry.path().filename().string().starts_with(prefix)) names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  harness::TempDirectory directory_;
  FaultyEnv env_;
};

TEST_F(PublisherTest, ANewGenerationIsVisibleToAnother) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  EXPECT_FALSE(watch.current());
  EXPECT_EQ(put(watch, 1), Outcome::kPublished);
  Segment other = attach();
  Publisher heartbeat = publisher(other, Role::kHeartbeat);
  ASSERT_TRUE(heartbeat.current());
  EXPECT_EQ(one_stamp(*heartbeat.current(), kKeys), 1u);
  EXPECT_EQ(put(heartbeat, 2), Outcome::kPublished);
  EXPECT_EQ(one_stamp(*watch.current(), kKeys), 2u);
}

TEST_F(PublisherTest, SnapshotsAreKeptOutOfCoreFiles) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  Publisher heartbeat = publisher(segment, Role::kHeartbeat);
  for (std::uint64_t stamp = 1; stamp <= 3; ++stamp) {
    ASSERT_EQ(put(watch, stamp), Outcome::kPublished);
    EXPECT_TRUE(shmconf::testing::kept_out_of_dumps(watch.current()->bytes().data()));
    EXPECT_TRUE(shmconf::testing::kept_out_of_dumps(heartbeat.current()->bytes().data()));
    watch.prepare_next();
  }
}

TEST_F(PublisherTest, TheSameContentMovesOnlyTheSyncCount) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  put(watch, 1);
  const auto generation = segment.page().generation.load();
  const auto synced = watch.note();
  EXPECT_EQ(put(watch, 1), Outcome::kUnchanged);
  EXPECT_EQ(segment.page().generation.load(), generation);
  EXPECT_EQ(watch.note(), synced + 1);
}

TEST_F(PublisherTest, KeepsTheCurrentAndThePreviousSnapshotOnly) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  for (std::uint64_t stamp = 1; stamp <= 5; ++stamp) put(watch, stamp);
  const auto generation = segment.page().generation.load();
  EXPECT_EQ(snapshots(), (std::vector{format::generation_name(generation - 1), format::generation_name(generation)}));
}

TEST_F(PublisherTest, TheNextFileIsMadeAheadAndGoesWithThePublisher) {
  Segment segment = attach();
  {
    Publisher watch = publisher(segment);
    put(watch, 1);
    EXPECT_EQ(drafts(), std::vector<std::string>());
    watch.prepare_next();
    const std::uint64_t id = segment.page().draft_id.load();
    EXPECT_EQ(drafts(), std::vector{format::draft_name(Role::kWatch, id)});
    put(watch, 2);
    EXPECT_EQ(segment.page().snapshot_id.load(), id);
    EXPECT_EQ(watch.current()->header().draft_id, id);
    EXPECT_EQ(fs::file_size(file(format::generation_name(segment.page().generation.load()))),
              watch.current()->bytes().size());
    EXPECT_TRUE(watch.current()->verify());
    watch.prepare_next();
    EXPECT_NE(segment.page().draft_id.load(), id);
  }
  EXPECT_EQ(drafts(), std::vector<std::string>());
}

TEST_F(PublisherTest, AConfigurationThatOutgrowsTheFileMadeAheadGetsItsOwn) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  for (const int keys : {1, 500, 2, 400}) {
    StampedContent content(7, keys);
    std::uint64_t noted = watch.note();
    ASSERT_EQ(watch.publish(content.content(), noted, {}, nullptr).value(), Outcome::kPublished);
    EXPECT_EQ(one_stamp(*watch.current(), keys), 7u);
    EXPECT_TRUE(watch.current()->verify());
    watch.prepare_next();
  }
}

TEST_F(PublisherTest, APeerThatComparedSinceTheNoteForcesANewRead) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  put(watch, 1);
  Segment other = attach();
  Publisher heartbeat = publisher(other, Role::kHeartbeat);
  std::uint64_t noted = heartbeat.note();  // then it asks Consul, slowly: A
  put(watch, 2);                           // A becomes B
  put(watch, 1);                           // B becomes A: the generation's content is what it was
  StampedContent late(2, kKeys);           // and the slow answer is B
  EXPECT_EQ(heartbeat.publish(late.content(), noted, {}, nullptr).value(), Outcome::kMoved);
  EXPECT_EQ(one_stamp(*watch.current(), kKeys), 1u);
  StampedContent same(1, kKeys);
  EXPECT_EQ(heartbeat.publish(same.content(), noted, {}, nullptr).value(), Outcome::kMoved);
}

TEST_F(PublisherTest, ItsOwnPublishesDoNotOutdateItsNote) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  std::uint64_t noted = watch.note();
  for (std::uint64_t stamp = 1; stamp <= 3; ++stamp) {
    StampedContent content(stamp, kKeys);
    EXPECT_EQ(watch.publish(content.content(), noted, {}, nullptr).value(), Outcome::kPublished);
  }
}

TEST_F(PublisherTest, AnEmptyConfigurationReplacesNothingUnlessAllowed) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  EXPECT_EQ(put(watch, 1, 0), Outcome::kEmpty) << "before any snapshot";
  put(watch, 1);
  EXPECT_EQ(put(watch, 2, 0), Outcome::kEmpty);
  EXPECT_EQ(one_stamp(*watch.current(), kKeys), 1u);
  StampedContent empty(3, 0);
  std::uint64_t noted = watch.note();
  EXPECT_EQ(watch.publish(empty.content(), noted, {.allow_empty = true}, nullptr).value(), Outcome::kPublished);
  EXPECT_EQ(watch.current()->header().key_count, 0u);
  EXPECT_EQ(put(watch, 3, 0), Outcome::kUnchanged) << "empty already";
}

TEST_F(PublisherTest, DocumentsAreOpenedOnlyWhenTheContentChanged) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  int expanded = 0;
  const auto expand = [&](Content& content) {
    ++expanded;
    content.pointers.push_back({.key = "service/key-000000#/a", .value = "1", .session = {}});
  };
  for (int i = 0; i < 2; ++i) {
    StampedContent content(1, kKeys);
    std::uint64_t noted = watch.note();
    ASSERT_TRUE(watch.publish(content.content(), noted, {}, expand));
  }
  EXPECT_EQ(expanded, 1);
  Entry entry;
  EXPECT_EQ(watch.current()->find("service/key-000000#/a", entry), Lookup::kFound);
}

TEST_F(PublisherTest, ABackupIsRestoredOnlyWhereNothingSoundIs) {
  std::vector<std::byte> backup;
  {
    Segment segment = attach();
    Publisher watch = publisher(segment);
    put(watch, 7);
    const auto bytes = watch.current()->bytes();
    backup.assign(bytes.begin(), bytes.end());
    ASSERT_TRUE(segment.remove());
  }
  const SnapshotView view = SnapshotView::open(backup).value();
  Segment segment = attach();
  Publisher heartbeat = publisher(segment, Role::kHeartbeat);
  EXPECT_EQ(heartbeat.restore(view).value(), Outcome::kPublished);
  EXPECT_EQ(heartbeat.current()->header().origin, format::Origin::kBackup);
  EXPECT_EQ(one_stamp(*heartbeat.current(), kKeys), 7u);
  EXPECT_EQ(heartbeat.note(), 0u) << "a backup is no comparison with Consul";
  EXPECT_EQ(heartbeat.restore(view).value(), Outcome::kOccupied);
  EXPECT_EQ(put(heartbeat, 7), Outcome::kPublished) << "the same content, but from Consul now";
  EXPECT_EQ(heartbeat.current()->header().origin, format::Origin::kConsul);
}

TEST_F(PublisherTest, ARestartedWriterKeepsThePageAndItsReaders) {
  std::uint64_t generation = 0;
  {
    Segment segment = attach();
    Publisher watch = publisher(segment);
    put(watch, 1);
    generation = segment.page().generation.load();
  }
  Segment segment = attach();
  Publisher watch = publisher(segment);
  EXPECT_EQ(segment.page().generation.load(), generation);
  EXPECT_EQ(one_stamp(*watch.current(), kKeys), 1u);
}

TEST_F(PublisherTest, ADamagedSnapshotRetiresThePage) {
  Segment before = attach();
  {
    Publisher watch = publisher(before);
    put(watch, 1);
  }
  const std::string path = file(format::generation_name(before.page().generation.load()));
  {
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-3, std::ios::end);
    stream.put('!');
  }
  Segment segment = attach();
  Publisher watch = publisher(segment);
  EXPECT_FALSE(watch.current());
  EXPECT_EQ(before.page().generation.load(), format::kRetired);
  EXPECT_EQ(put(watch, 2), Outcome::kPublished);
}

TEST_F(PublisherTest, ADirectoryRemovedUnderAWriterIsMadeAnew) {
  Segment segment = attach();
  {
    Publisher watch = publisher(segment);
    put(watch, 1);
  }
  const auto old_generation = segment.page().generation.load();
  EXPECT_FALSE(segment.renew_if_replaced().value());
  fs::remove_all(directory_.path() + "/web");
  EXPECT_TRUE(segment.renew_if_replaced().value());
  Publisher watch = publisher(segment);
  EXPECT_EQ(put(watch, 2), Outcome::kPublished);
  EXPECT_GT(segment.page().generation.load() >> 32, old_generation >> 32) << "a creation time never used before";
}

TEST_F(PublisherTest, CreationTimesAreNeverUsedTwiceEvenWhenTheClockGoesBack) {
  std::uint64_t last = 0;
  for (int i = 0; i < 3; ++i) {
    Segment segment = attach();
    const auto created = segment.page().created_wall_s;
    EXPECT_GT(created, last);
    last = created;
    ASSERT_TRUE(segment.remove());
    env_.wall_shift -= std::chrono::hours(1);
  }
}

TEST_F(PublisherTest, LifeLocksFollowALockFileThatWasReplaced) {
  Segment segment = attach();
  ByteLock held = segment.try_lock(format::LockByte::kWatch).value();
  ASSERT_TRUE(held.held());
  Segment second = attach();
  EXPECT_FALSE(second.try_lock(format::LockByte::kWatch).value().held());
  fs::remove_all(directory_.path());
  fs::create_directory(directory_.path());
  EXPECT_TRUE(segment.renew_if_replaced().value());
  Segment third = attach();
  EXPECT_FALSE(third.try_lock(format::LockByte::kWatch).value().held());
  EXPECT_TRUE(third.try_lock(format::LockByte::kHeartbeat).value().held());
}

TEST_F(PublisherTest, AStoppedHolderOfTheLockIsATimeout) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  Segment other = attach();
  ByteLock stopped = other.try_lock(format::LockByte::kPublish).value();
  ASSERT_TRUE(stopped.held());
  StampedContent content(1, kKeys);
  std::uint64_t noted = watch.note();
  EXPECT_EQ(watch.publish(content.content(), noted, {}, nullptr).error().code, ErrorCode::kTimeout);
  stopped = ByteLock();
  EXPECT_EQ(put(watch, 1), Outcome::kPublished);
}

TEST_F(PublisherTest, AFullFileSystemKeepsTheOldConfigurationAndRecovers) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  put(watch, 1);
  put(watch, 2);
  env_.arm(1, FaultyEnv::Fault::kFail, ENOSPC, true);
  StampedContent content(3, kKeys);
  std::uint64_t noted = watch.note();
  EXPECT_EQ(watch.publish(content.content(), noted, {}, nullptr).error().code, ErrorCode::kNoSpace);
  env_.disarm();
  EXPECT_EQ(one_stamp(*watch.current(), kKeys), 2u);
  EXPECT_EQ(watch.publish(content.content(), noted, {}, nullptr).value(), Outcome::kPublished);
}

TEST_F(PublisherTest, FilesAreForTheOwnerAlone) {
  Segment segment = attach();
  Publisher watch = publisher(segment);
  put(watch, 1);
  for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
    EXPECT_EQ(static_cast<unsigned>(entry.status().permissions()) & 077, 0u) << entry.path();
  }
}

TEST_F(PublisherTest, PlacesThatOthersMadeOrMayWriteAreRefused) {
  fs::create_directory(directory_.path() + "/web");
  fs::permissions(directory_.path() + "/web", fs::perms::all);
  EXPECT_EQ(Segment::attach(env_, place()).error().code, ErrorCode::kDenied);
  fs::remove(directory_.path() + "/web");
  fs::create_directory_symlink("/tmp", directory_.path() + "/web");
  EXPECT_FALSE(Segment::attach(env_, place()));
  fs::remove(directory_.path() + "/web");
  fs::remove(directory_.path() + "/.web.lock");
  fs::create_symlink("/dev/null", directory_.path() + "/.web.lock");
  EXPECT_EQ(Segment::attach(env_, place()).error().code, ErrorCode::kDenied);
}

TEST_F(PublisherTest, AnUnsoundControlPageIsReplaced) {
  for (const std::string& bytes : {std::string(), std::string(100, 'x'), std::string(4096, 'x'), std::string(4096, '\0')}) {
    fs::create_directories(directory_.path() + "/web");
    fs::permissions(directory_.path() + "/web", fs::perms::owner_all);
    std::ofstream(file("control.v1"), std::ios::binary) << bytes;
    fs::permissions(file("control.v1"), fs::perms::owner_read | fs::perms::owner_write);
    Segment segment = attach();
    Publisher watch = publisher(segment);
    EXPECT_EQ(put(watch, 1), Outcome::kPublished);
    ASSERT_TRUE(segment.remove());
  }
}

}  // namespace
}  // namespace shmconf::shm
