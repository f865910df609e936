// The store with a key file: what it encrypts, refuses and leaves alone, and how a key is changed.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "backup/store.h"
#include "fakes/faulty_env.h"
#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "shm/snapshot_builder.h"

namespace shmconf::backup {
namespace {

using fakes::FaultyEnv;
using fakes::one_stamp;
namespace fs = std::filesystem;

constexpr int kKeys = 10;

std::vector<std::byte> snapshot(std::uint64_t stamp) {
  fakes::StampedContent content(stamp, kKeys);
  std::vector<std::byte> bytes(shm::snapshot_bytes(content.content()).value());
  shm::build_snapshot(content.content(), 1, bytes);
  shm::stamp_generation(bytes, stamp, std::chrono::seconds(1), format::Origin::kConsul);
  return bytes;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool says(const Error& error, const std::string& words) { return error.text.find(words) != std::string::npos; }

const std::string kOldKey(64, 'a');
const std::string kNewKey(64, 'b');

class EncryptedStoreTest : public ::testing::Test {
 protected:
  EncryptedStoreTest() { set_key(kOldKey); }

  void set_key(const std::string& lines) {
    fs::remove(key_file_);
    std::ofstream(key_file_) << lines << "\n";
    fs::permissions(key_file_, fs::perms::owner_read | fs::perms::owner_write);
  }
  Store plain() { return Store(env_, path_); }
  // The stamp in a file, with the keys of now; 0: it is not to be had.
  std::uint64_t stamp_in(const std::string& path) {
    const auto loaded = Store::load_file(env_, path, key_file_);
    return loaded ? one_stamp(loaded->view(), kKeys).value_or(0) : 0;
  }
  void flip(const std::string& path, std::size_t at) {
    std::string bytes = text_of(path);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    std::ofstream(path, std::ios::binary) << bytes;
  }
  [[nodiscard]] bool is_encrypted(const std::string& path) const { return text_of(path).starts_with("SHMCONFE"); }

  harness::TempDirectory directory_;
  const std::string path_ = directory_ / "state/web.snapshot";
  const std::string key_file_ = directory_ / "backup.key";
  FaultyEnv env_;
  Store store_{env_, path_, key_file_};
};

TEST_F(EncryptedStoreTest, WhatWasWrittenIsLoadedAndBothFilesAreEncrypted) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  const auto loaded = store_.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(one_stamp(loaded->view(), kKeys), 2u);
  EXPECT_EQ(stamp_in(path_ + ".prev"), 1u);
  Entry entry;
  auto keys = loaded->view().walk();
  ASSERT_TRUE(keys.next(entry));
  for (const std::string& file : {path_, path_ + ".prev"}) {
    EXPECT_TRUE(is_encrypted(file));
    EXPECT_EQ(text_of(file).find(entry.key), std::string::npos);
    EXPECT_EQ(static_cast<unsigned>(fs::status(file).permissions()), 0600u);
  }
}

TEST_F(EncryptedStoreTest, TheSameBytesAreNotWrittenAgain) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  const std::string before = text_of(path_);
  ASSERT_TRUE(store_.write(snapshot(1)));
  EXPECT_EQ(text_of(path_), before);
}

// Every byte that goes to the disk goes through here.
class LookingEnv : public FaultyEnv {
 public:
  Result<void> write_all(int fd, std::span<const std::byte> bytes) override {
    written.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return FaultyEnv::write_all(fd, bytes);
  }
  std::string written;
};

TEST_F(EncryptedStoreTest, NoPlaintextReachesTheDisk) {
  LookingEnv looking;
  Store store(looking, path_, key_file_);
  ASSERT_TRUE(store.write(snapshot(1)));
  set_key(kNewKey + "\n" + kOldKey);
  ASSERT_TRUE(store.write(snapshot(2)));
  const auto loaded = store.load();
  ASSERT_TRUE(loaded);
  Entry entry;
  auto keys = loaded->view().walk();
  ASSERT_TRUE(keys.next(entry));
  ASSERT_GT(looking.written.size(), loaded->bytes().size());
  EXPECT_EQ(looking.written.find(entry.key), std::string::npos);
  EXPECT_EQ(looking.written.find("SHMCONFS"), std::string::npos);
}

TEST_F(EncryptedStoreTest, AnotherKeyOrNoneRefusesAndLosesNothing) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  const std::string newest = text_of(path_);
  const std::string before = text_of(path_ + ".prev");
  const auto expect_refused = [&](Store store, ErrorCode code, const std::string& words) {
    for (const bool writing : {false, true}) {
      const auto refused = writing ? store.write(snapshot(3)) : [&]() -> Result<void> {
        auto loaded = store.load();
        return loaded ? Result<void>() : loaded.error();
      }();
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, code) << refused.error().text;
      EXPECT_TRUE(says(refused.error(), words)) << refused.error().text;
      EXPECT_EQ(refused.error().text.find('\n'), std::string::npos);
    }
    EXPECT_EQ(text_of(path_), newest);
    EXPECT_EQ(text_of(path_ + ".prev"), before);
    EXPECT_FALSE(fs::exists(path_ + ".damaged"));
    EXPECT_FALSE(fs::exists(path_ + ".tmp"));
  };
  set_key(kNewKey);
  expect_refused(store_, ErrorCode::kDenied, "another key");
  expect_refused(plain(), ErrorCode::kDenied, "--backup-key-file");
  set_key("nonsense");
  expect_refused(store_, ErrorCode::kInvalid, "64 hexadecimal digits");
  fs::remove(key_file_);
  expect_refused(store_, ErrorCode::kDenied, "cannot be opened");
  set_key(kOldKey);
  EXPECT_EQ(stamp_in(path_), 2u);
}

TEST_F(EncryptedStoreTest, AFlippedBitIsDamageAndGivesWayToTheOneBefore) {
  for (const std::size_t at : {std::size_t{20}, std::size_t{60}, std::size_t{70}, std::size_t{0}}) {
    fs::remove_all(directory_ / "state");
    ASSERT_TRUE(store_.write(snapshot(1)));
    ASSERT_TRUE(store_.write(snapshot(2)));
    flip(path_, at);
    const auto loaded = store_.load();
    ASSERT_TRUE(loaded) << loaded.error().text;
    EXPECT_EQ(one_stamp(loaded->view(), kKeys), 1u);
    EXPECT_TRUE(loaded->warning().find(".damaged") != std::string::npos) << loaded->warning();
    EXPECT_TRUE(fs::exists(path_ + ".damaged"));
    ASSERT_TRUE(store_.write(snapshot(3)));
    EXPECT_EQ(stamp_in(path_), 3u);
    EXPECT_EQ(stamp_in(path_ + ".prev"), 1u);
  }
}

TEST_F(EncryptedStoreTest, OneThatIsNotEncryptedIsNotServedNorEverTrusted) {
  ASSERT_TRUE(plain().write(snapshot(1)));
  ASSERT_TRUE(plain().write(snapshot(2)));
  const std::string file = text_of(path_);
  const auto refused = store_.load();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_TRUE(says(refused.error(), "not encrypted")) << refused.error().text;
  EXPECT_EQ(text_of(path_), file) << "the operator may still want it";
  EXPECT_EQ(stamp_in(path_), 2u) << "and may look at it";

  // What Consul says replaces it, and nothing unencrypted is left, nor has become trustworthy.
  ASSERT_TRUE(store_.write(snapshot(3)));
  EXPECT_EQ(store_.load().value().view().header().generation, 3u);
  EXPECT_FALSE(fs::exists(path_ + ".prev"));
  EXPECT_FALSE(fs::exists(path_ + ".damaged"));
}

// A switch to encryption that ended before its last step, which deletes what is not encrypted.
TEST_F(EncryptedStoreTest, APlainOneBeforeIsDeletedAlsoWhenTheNewestIsThereAlready) {
  ASSERT_TRUE(plain().write(snapshot(1)));
  fs::rename(path_, path_ + ".prev");
  ASSERT_TRUE(store_.write(snapshot(2)));
  ASSERT_FALSE(fs::exists(path_ + ".prev"));
  ASSERT_TRUE(Store(env_, path_ + ".prev").write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  EXPECT_FALSE(fs::exists(path_ + ".prev"));
  EXPECT_EQ(stamp_in(path_), 2u);
}

TEST_F(EncryptedStoreTest, OneThatIsNotEncryptedIsLookedAtWithoutTheKey) {
  ASSERT_TRUE(plain().write(snapshot(1)));
  ASSERT_TRUE(Store(env_, path_ + ".sealed", key_file_).write(snapshot(2)));
  fs::remove(key_file_);
  EXPECT_EQ(stamp_in(path_), 1u);
  const auto refused = Store::load_file(env_, path_ + ".sealed", key_file_);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(says(refused.error(), "cannot be opened")) << refused.error().text;
}

TEST_F(EncryptedStoreTest, OneThatSomebodyPutInPlaceDoesNotPushOutTheOneBefore) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  fs::remove(path_);
  ASSERT_TRUE(plain().write(snapshot(66)));
  const auto loaded = store_.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(one_stamp(loaded->view(), kKeys), 1u) << "the one before is genuine";
  EXPECT_TRUE(loaded->warning().find("not encrypted") != std::string::npos);
  ASSERT_TRUE(store_.write(snapshot(3)));
  EXPECT_EQ(stamp_in(path_), 3u);
  EXPECT_EQ(stamp_in(path_ + ".prev"), 1u);
}

TEST_F(EncryptedStoreTest, ANewKeyOnTopTakesBothFilesOver) {
  ASSERT_TRUE(store_.write(snapshot(1)));
  ASSERT_TRUE(store_.write(snapshot(2)));
  set_key(kNewKey + "\n" + kOldKey);
  EXPECT_EQ(store_.load().value().view().header().generation, 2u);
  ASSERT_TRUE(store_.write(snapshot(2))) << "even the same bytes";
  set_key(kNewKey);
  EXPECT_EQ(stamp_in(path_), 2u);
  EXPECT_EQ(stamp_in(path_ + ".prev"), 1u);

  // And where there is something new to write as well.
  set_key(kOldKey + "\n" + kNewKey);
  ASSERT_TRUE(store_.write(snapshot(3)));
  set_key(kOldKey);
  EXPECT_EQ(stamp_in(path_), 3u);
  EXPECT_EQ(stamp_in(path_ + ".prev"), 2u);
}

// Fails each operation of a write, of a change of keys and of the first write with a key, in turn.
TEST_F(EncryptedStoreTest, AFailureAtAnyStepLeavesAWholeBackup) {
  const auto try_each_step = [&](const std::function<void()>& prepare, std::uint64_t newest_before) {
    for (int step = 1;; ++step) {
      ASSERT_LT(step, 100);
      fs::remove_all(directory_ / "state");
      prepare();
      env_.arm(step, FaultyEnv::Fault::kFail, ENOSPC, true);
      const bool written = store_.write(snapshot(9)).ok();
      const bool tripped = env_.tripped();
      env_.disarm();
      const auto loaded = Store::load_file(env_, path_, key_file_);
      const auto before = Store::load_file(env_, path_ + ".prev", key_file_);
      const auto& kept = loaded ? loaded : before;  // between two renames there is only the one before
      ASSERT_TRUE(kept) << "step " << step << " " << env_.failed() << ": " << loaded.error().text;
      const std::uint64_t now = one_stamp(kept->view(), kKeys).value_or(0);
      EXPECT_TRUE(now == newest_before || now == 9u) << "step " << step << " " << env_.failed() << ": " << now;
      if (written) {
        EXPECT_EQ(now, 9u);
      }
      if (!tripped) break;
    }
  };
  const auto two_with = [&](Store store) {
    ASSERT_TRUE(store.write(snapshot(1)));
    ASSERT_TRUE(store.write(snapshot(2)));
  };
  try_each_step([&] { two_with(store_); }, 2);
  try_each_step([&] { two_with(plain()); }, 2);
  try_each_step(
      [&] {
        set_key(kOldKey);
        two_with(store_);
        set_key(kNewKey + "\n" + kOldKey);
      },
      2);
}

}  // namespace
}  // namespace shmconf::backup
