// Backups and segments whose bytes are not sound, or are of another version: each gets its one clear
// line and exit code; a running service's readers keep what they have, and a new sidecar repairs.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
using harness::Finished;
namespace fs = std::filesystem;

constexpr std::size_t kVersionAt = 8;    // in both files
constexpr std::size_t kBodyAt = 300;     // behind a snapshot's header

// Leaves a sound segment and a sound backup of one generation, and no sidecar.
class BadBytesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = harness::RealConsul::start();
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    ASSERT_TRUE(put("1"));
    auto& run = sidecar_->start("run");
    ASSERT_TRUE(eventually([&] { return fs::exists(sidecar_->backup_file()); }));
    stop(run);
    fs::remove(sidecar_->backup_file() + ".prev");  // where it was written twice
  }
  static void stop(harness::Process& run) {
    ASSERT_TRUE(run.send_signal(SIGTERM));
    const auto ended = run.wait(5s);
    ASSERT_TRUE(ended && ended->code == 0);
  }
  bool put(const std::string& value) { return consul_->kv().put("config/web/a", value); }
  [[nodiscard]] std::string control_page() const { return sidecar_->directory() + "/control.v1"; }
  [[nodiscard]] std::string snapshot() const {
    for (const auto& entry : fs::directory_iterator(sidecar_->directory())) {
      if (entry.path().filename().string().starts_with("snapshot.v1.")) return entry.path();
    }
    return "";
  }

  void expect_complaint(const Words& words, int code) {
    const Finished finished = sidecar_->tool(words);
    EXPECT_EQ(finished.status.code, code) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(is_one_line_of(finished.err, words[0])) << finished.err;
  }
  // A new sidecar on what is there: it serves what Consul has, and what comes after.
  void expect_repair() {
    ASSERT_TRUE(put("2"));
    auto& run = sidecar_->start("run");
    EXPECT_TRUE(eventually([&] { return sidecar_->tool({"get", "a"}).out == "2\n"; }, 10s, 50ms));
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    ASSERT_TRUE(put("3"));
    EXPECT_TRUE(shows(*reader, "a", "3"));
    EXPECT_TRUE(run.running());
  }

  std::unique_ptr<harness::RealConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
};

TEST_F(BadBytesTest, ASnapshotCutShort) {
  fs::resize_file(snapshot(), fs::file_size(snapshot()) - 8);
  expect_complaint({"get", "a"}, 4);
  expect_complaint({"status"}, 4);
  expect_repair();
}

TEST_F(BadBytesTest, ASnapshotWithAFlippedBit) {
  flip_bit(snapshot(), kBodyAt);
  expect_complaint({"get", "a"}, 4);
  expect_complaint({"list"}, 4);
  expect_complaint({"dump"}, 4);
  expect_repair();
}

TEST_F(BadBytesTest, ASnapshotWhoseHeaderHasAFlippedBit) {
  flip_bit(snapshot(), 80);  // the number of keys
  expect_complaint({"get", "a"}, 4);
  expect_repair();
}

TEST_F(BadBytesTest, ASnapshotOfAnotherVersion) {
  flip_bit(snapshot(), kVersionAt);
  expect_complaint({"get", "a"}, 4);
  expect_repair();
}

TEST_F(BadBytesTest, ASnapshotThatIsGone) {
  fs::remove(snapshot());
  expect_complaint({"get", "a"}, 4);
  expect_repair();
}

TEST_F(BadBytesTest, AControlPageCutShort) {
  fs::resize_file(control_page(), 100);
  expect_complaint({"get", "a"}, 4);
  expect_repair();
}

TEST_F(BadBytesTest, AControlPageWithAFlippedBit) {
  flip_bit(control_page(), 0);
  expect_complaint({"get", "a"}, 4);
  expect_repair();
}

TEST_F(BadBytesTest, AControlPageOfAnotherVersion) {
  flip_bit(control_page(), kVersionAt + 1);
  expect_complaint({"get", "a"}, 4);
  expect_repair();
}

TEST_F(BadBytesTest, ADamagedSegmentWithoutConsulGivesWayToTheBackup) {
  flip_bit(snapshot(), kBodyAt);
  consul_->kill_now();
  sidecar_->start("run");
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_EQ(reader->get("a"), "1");
  EXPECT_TRUE(has_verdict(*reader, Verdict::kBackup));
}

TEST_F(BadBytesTest, ReadersOfASegmentThatIsFoundDamagedGoOnWithTheNextOne) {
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  const std::uint64_t page = reader->generation() >> 32;
  flip_bit(control_page(), 0);
  sidecar_->start("run");
  ASSERT_TRUE(put("2"));
  EXPECT_TRUE(shows(*reader, "a", "2"));
  EXPECT_NE(reader->generation() >> 32, page);
}

// --- backups; what becomes of those that are damaged is in outage_test.cc ---

TEST_F(BadBytesTest, ABackupOfANewerVersionIsNeitherServedNorTouched) {
  flip_bit(sidecar_->backup_file(), kVersionAt + 1);
  const std::string newer = text_of(sidecar_->backup_file());
  fs::remove_all(sidecar_->directory());
  consul_->kill_now();
  expect_complaint({"get", "a"}, 4);
  expect_complaint({"dump", sidecar_->backup_file()}, 4);
  auto& run = sidecar_->start("run", {"--startup-timeout", "1s", "--require-configuration"});
  const auto ended = run.wait(15s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 3);
  EXPECT_NE(run.stderr_text().find("version"), std::string::npos) << run.stderr_text();

  ASSERT_TRUE(consul_->launch());
  const auto ready = consul_->wait_ready();
  ASSERT_TRUE(ready) << ready.error().text;
  ASSERT_TRUE(put("2"));
  auto& again = sidecar_->start("run");
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_TRUE(shows(*reader, "a", "2"));
  EXPECT_TRUE(eventually([&] { return again.stderr_text().find("left untouched") != std::string::npos; }));
  EXPECT_EQ(text_of(sidecar_->backup_file()), newer);
}

TEST_F(BadBytesTest, ABackupThatOthersMayWriteIsNotServed) {
  fs::remove_all(sidecar_->directory());
  consul_->kill_now();
  fs::permissions(sidecar_->backup_file(),
                  fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_write);
  expect_complaint({"get", "a"}, 5);
  auto& run = sidecar_->start("run", {"--startup-timeout", "1s", "--require-configuration"});
  const auto ended = run.wait(15s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 3);
  EXPECT_NE(run.stderr_text().find("chmod"), std::string::npos) << run.stderr_text();
}

}  // namespace
}  // namespace shmconf::integration
