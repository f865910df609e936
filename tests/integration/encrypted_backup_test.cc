// An encrypted backup and the real program: served to a service while Consul is down, denied to
// everybody else, and never lost to a wrong key.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"
#include "shmconf/c.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
using harness::RealConsul;
namespace fs = std::filesystem;

const std::string kKey(64, 'a');
const std::string kOtherKey(64, 'b');

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A service that had a configuration once, on a host that has restarted without Consul.
class EncryptedBackup : public testing::Test {
 protected:
  void SetUp() override {
    auto started = RealConsul::start();
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    set_key(kKey);
    sidecar_->options().variables["SHMCONF_BACKUP_KEY_FILE"] = key_file();
    ASSERT_TRUE(consul_->kv().put("config/web/a", "first-value"));
    auto& run = sidecar_->start("run");
    ASSERT_TRUE(eventually([&] { return fs::exists(backup()); })) << "no backup was written";
    ASSERT_TRUE(consul_->kv().put("config/web/a", "second-value"));
    ASSERT_TRUE(eventually([&] { return fs::exists(backup() + ".prev"); }));
    stop(run);
    consul_->kill_now();
    fs::remove_all(sidecar_->directory());
    newest_ = text_of(backup());
    before_ = text_of(backup() + ".prev");
  }
  [[nodiscard]] std::string backup() const { return sidecar_->backup_file(); }
  [[nodiscard]] std::string key_file() const { return sidecar_->file("backup.key"); }
  void set_key(const std::string& lines) {
    fs::remove(key_file());
    write_text(key_file(), lines + "\n");
    fs::permissions(key_file(), fs::perms::owner_read | fs::perms::owner_write);
  }
  static void stop(harness::Process& run) {
    ASSERT_TRUE(run.send_signal(SIGTERM));
    const auto ended = run.wait(10s);
    ASSERT_TRUE(ended && ended->code == 0);
  }
  void expect_untouched() {
    EXPECT_EQ(text_of(backup()), newest_);
    EXPECT_EQ(text_of(backup() + ".prev"), before_);
    EXPECT_FALSE(fs::exists(backup() + ".damaged"));
  }
  // Consul with the key a, where it was before.
  void start_consul(const std::string& value) {
    ASSERT_TRUE(consul_->launch());
    const auto ready = consul_->wait_ready();
    ASSERT_TRUE(ready) << ready.error().text;
    ASSERT_TRUE(consul_->kv().put("config/web/a", value));
  }

  std::unique_ptr<RealConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
  std::string newest_;
  std::string before_;
};

TEST_F(EncryptedBackup, IsServedWhenConsulIsDown) {
  EXPECT_TRUE(newest_.starts_with("SHMCONFE") && before_.starts_with("SHMCONFE"));
  EXPECT_FALSE(has(newest_, "second-value") || has(before_, "first-value"));
  sidecar_->start("run");
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_EQ(reader->get("a"), "second-value");
  EXPECT_EQ(reader->status().verdict, Verdict::kBackup);
  expect_untouched();
}

TEST_F(EncryptedBackup, IsDeniedToReaders) {
  const auto reader = Reader::open("web", sidecar_->open_options());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kDenied);
  EXPECT_TRUE(has(reader.error().text, "is encrypted, for the sidecar alone")) << reader.error().text;
  shmconf_reader* opened = nullptr;
  EXPECT_EQ(shmconf_open_backup(backup().c_str(), &opened), SHMCONF_DENIED);
  EXPECT_TRUE(has(shmconf_last_error(), "is encrypted"));
  const auto get = sidecar_->tool({"get", "a"});
  EXPECT_EQ(get.status.code, 5);
  EXPECT_TRUE(is_one_line_of(get.err, "get")) << get.err;
  const auto dump = sidecar_->tool({"dump", backup()});
  EXPECT_EQ(dump.out, "a=second-value\n") << "the variable names the key: " << dump.err;
  expect_untouched();
}

TEST_F(EncryptedBackup, WithAnotherKeyNothingIsServedAndNothingLost) {
  set_key(kOtherKey);
  auto& run = sidecar_->start("run");
  ASSERT_TRUE(eventually([&] { return has(run.stderr_text(), "another key"); })) << run.stderr_text();
  EXPECT_TRUE(has(run.stderr_text(), "add that key to the key file"));
  EXPECT_EQ(sidecar_->tool({"get", "a"}).status.code, 3);
  expect_untouched();

  ASSERT_NO_FATAL_FAILURE(start_consul("third-value"));
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_TRUE(shows(*reader, "a", "third-value"));
  ASSERT_TRUE(eventually([&] { return has(run.stderr_text(), "left untouched, and no backup is written"); }));
  expect_untouched();

  // The old key below the new one: the backup is written again, and needs the old one no more.
  set_key(kOtherKey + "\n" + kKey);
  ASSERT_TRUE(consul_->kv().put("config/web/a", "fourth-value"));
  ASSERT_TRUE(eventually([&] {
    const auto dumped = sidecar_->tool({"dump", backup()});
    return dumped.out == "a=fourth-value\n";
  }));
  set_key(kOtherKey);
  EXPECT_EQ(sidecar_->tool({"dump", backup()}).out, "a=fourth-value\n");
  EXPECT_EQ(sidecar_->tool({"dump", backup() + ".prev"}).status.code, 0);
}

TEST_F(EncryptedBackup, WithoutItsKeyTheSidecarDoesNotStart) {
  fs::remove(key_file());
  auto& run = sidecar_->start("run");
  const auto ended = run.wait(10s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 2);
  EXPECT_TRUE(is_one_line_of(run.stderr_text(), "run")) << run.stderr_text();
  EXPECT_TRUE(has(run.stderr_text(), "SHMCONF_BACKUP_KEY_FILE")) << run.stderr_text();
  expect_untouched();

  // Nor is it served where no key is set at all.
  sidecar_->options().variables.erase("SHMCONF_BACKUP_KEY_FILE");
  auto& keyless = sidecar_->start("run");
  ASSERT_TRUE(eventually([&] { return has(keyless.stderr_text(), "--backup-key-file"); })) << keyless.stderr_text();
  EXPECT_EQ(sidecar_->tool({"get", "a"}).status.code, 3);
  expect_untouched();
}

}  // namespace
}  // namespace shmconf::integration
