// Processes of the sidecar killed at once, one by one and together, and their directory removed:
// readers that were opened before keep the configuration, and see what comes after.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
using harness::RealConsul;
namespace fs = std::filesystem;

class RecoveryTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = RealConsul::start();
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    ASSERT_TRUE(put("1"));
  }
  bool put(const std::string& value) { return consul_->kv().put("config/web/a", value); }

  // `run`, with both of its processes at work, and a reader from before all that follows.
  void start_run() {
    run_ = &sidecar_->start("run");
    open_reader();
    ASSERT_TRUE(both_in_contact(*reader_));
    ASSERT_TRUE(child("watch") != 0 && child("heartbeat") != 0);
  }
  void open_reader() {
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
    ASSERT_EQ(reader_->get("a"), "1");
  }
  [[nodiscard]] pid_t child(std::string_view command) const { return child_of(*run_, command); }
  [[nodiscard]] std::uint64_t starts(format::Role role) const { return reader_->status().role(role).starts; }
  // Which page the reader's generation is of.
  [[nodiscard]] std::uint64_t page() const { return reader_->generation() >> 32; }
  // Another process in the place of the killed one.
  [[nodiscard]] bool restarted(std::string_view command, pid_t before) const {
    return eventually([&] {
      const pid_t now = child(command);
      return now != 0 && now != before;
    });
  }

  std::unique_ptr<RealConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<Reader> reader_;
  harness::Process* run_ = nullptr;
};

TEST_F(RecoveryTest, AKilledWatchIsRestarted) {
  ASSERT_NO_FATAL_FAILURE(start_run());
  const std::uint64_t page_before = page();
  const pid_t watch = child("watch");
  const pid_t heartbeat = child("heartbeat");
  ASSERT_EQ(::kill(watch, SIGKILL), 0);
  ASSERT_TRUE(put("2"));
  EXPECT_TRUE(shows(*reader_, "a", "2", 3s));
  EXPECT_TRUE(restarted("watch", watch));
  EXPECT_EQ(child("heartbeat"), heartbeat);
  EXPECT_EQ(page(), page_before);
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
  EXPECT_TRUE(eventually([&] { return starts(format::Role::kWatch) == 2; }));
  const RoleStatus supervisor = reader_->status().role(format::Role::kSupervisor);
  EXPECT_EQ(supervisor.failures, 1U);
  EXPECT_NE(supervisor.last_error.find("watch"), std::string::npos) << supervisor.last_error;
}

TEST_F(RecoveryTest, AKilledHeartbeatIsRestartedAndTheWatchGoesOn) {
  ASSERT_NO_FATAL_FAILURE(start_run());
  const pid_t watch = child("watch");
  const pid_t heartbeat = child("heartbeat");
  ASSERT_EQ(::kill(heartbeat, SIGKILL), 0);
  ASSERT_TRUE(put("2"));
  EXPECT_TRUE(shows(*reader_, "a", "2", 1s));
  EXPECT_TRUE(restarted("heartbeat", heartbeat));
  EXPECT_EQ(child("watch"), watch);
  // The new one keeps the backup.
  EXPECT_TRUE(eventually([&] { return text_of(sidecar_->backup_file()).find("a2") != std::string::npos; }));
}

TEST_F(RecoveryTest, EitherProcessAloneKeepsTheServiceSupplied) {
  auto& watch = sidecar_->start("watch");
  sidecar_->start("heartbeat", {"--heartbeat-interval", "200ms"});
  ASSERT_NO_FATAL_FAILURE(open_reader());
  ASSERT_TRUE(eventually([&] { return starts(format::Role::kHeartbeat) == 1; }));
  watch.kill_now();
  ASSERT_TRUE(put("2"));
  EXPECT_TRUE(shows(*reader_, "a", "2", 3s)) << "the heartbeat alone";
  ASSERT_TRUE(put("3"));
  EXPECT_TRUE(shows(*reader_, "a", "3", 3s));
}

TEST_F(RecoveryTest, NewSettingsDoNotKillAProcessThatHasJustBeenStarted) {
  ASSERT_NO_FATAL_FAILURE(start_run());
  constexpr int kRestarts = 4;
  for (int i = 0; i < kRestarts; ++i) {
    const pid_t before = child("watch");
    ASSERT_EQ(::kill(before, SIGKILL), 0);
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    pid_t now = 0;
    // Without a pause: the moment before it obeys signals is short.
    while (now == 0 || now == before) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up);
      now = child("watch");
    }
    ASSERT_EQ(::kill(now, SIGHUP), 0);
    ASSERT_TRUE(eventually([&] { return starts(format::Role::kWatch) == static_cast<std::uint64_t>(i) + 2; }));
    EXPECT_EQ(child("watch"), now) << "ended by SIGHUP";
  }
  EXPECT_EQ(reader_->status().role(format::Role::kSupervisor).failures, static_cast<std::uint64_t>(kRestarts));
  ASSERT_TRUE(put("2"));
  EXPECT_TRUE(shows(*reader_, "a", "2", 3s));
}

TEST_F(RecoveryTest, ARemovedLockFileIsMadeAnewAndASecondRunIsStillRefused) {
  ASSERT_NO_FATAL_FAILURE(start_run());
  const std::uint64_t page_before = page();
  const pid_t watch = child("watch");
  ASSERT_TRUE(fs::remove(sidecar_->root() + "/.web.lock"));
  const auto removed = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually([&] { return fs::exists(sidecar_->root() + "/.web.lock"); }));
  // Each process takes its lock at its own next stamp.
  for (const auto role : {format::Role::kWatch, format::Role::kHeartbeat, format::Role::kSupervisor}) {
    ASSERT_TRUE(eventually([&] {
      const auto age = reader_->status().role(role).stamp_age;
      return age && *age < std::chrono::steady_clock::now() - removed - 100ms;
    }));
  }
  EXPECT_NE(sidecar_->tool({"run", "--prefix", "config/web/", "--consul", consul_->url()}).status.code, 0);
  EXPECT_EQ(child("watch"), watch);
  EXPECT_EQ(page(), page_before);
  ASSERT_TRUE(put("2"));
  EXPECT_TRUE(shows(*reader_, "a", "2", 3s));
}

TEST_F(RecoveryTest, AKilledSupervisorTakesBothWithItAndReadersKeepTheConfiguration) {
  ASSERT_NO_FATAL_FAILURE(start_run());
  const std::uint64_t page_before = page();
  const pid_t watch = child("watch");
  const pid_t heartbeat = child("heartbeat");
  ASSERT_TRUE(run_->send_signal(SIGKILL));
  EXPECT_TRUE(eventually([&] { return !is_running(watch) && !is_running(heartbeat); }, 5s));
  ASSERT_TRUE(put("2"));
  EXPECT_EQ(reader_->get("a"), "1");
  // No stamp is of the last 15 s then.
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kDead, 20s));
  EXPECT_EQ(sidecar_->status()["verdict"], "dead");
  EXPECT_EQ(sidecar_->tool({"get", "a"}).out, "1\n");

  run_ = &sidecar_->start("run");
  EXPECT_TRUE(shows(*reader_, "a", "2", 5s)) << "the new run did not attach to the segment that is there";
  EXPECT_EQ(page(), page_before);
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
}

TEST_F(RecoveryTest, AllKilledAtOnce) {
  ASSERT_NO_FATAL_FAILURE(start_run());
  const std::uint64_t page_before = page();
  const pid_t watch = child("watch");
  const pid_t heartbeat = child("heartbeat");
  for (const pid_t pid : {run_->pid(), watch, heartbeat}) ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !is_running(watch) && !is_running(heartbeat); }, 5s));
  ASSERT_TRUE(put("2"));
  EXPECT_EQ(reader_->get("a"), "1");
  run_ = &sidecar_->start("run");
  EXPECT_TRUE(shows(*reader_, "a", "2", 5s));
  EXPECT_EQ(page(), page_before);
  ASSERT_TRUE(put("3"));
  EXPECT_TRUE(shows(*reader_, "a", "3", 3s));
}

TEST_F(RecoveryTest, ADirectoryRemovedUnderEveryoneIsMadeAnew) {
  ASSERT_NO_FATAL_FAILURE(start_run());
  const std::uint64_t generation = reader_->generation();
  const pid_t watch = child("watch");
  fs::remove_all(sidecar_->directory());
  EXPECT_EQ(reader_->get("a"), "1");
  ASSERT_TRUE(put("2"));
  EXPECT_TRUE(shows(*reader_, "a", "2", 10s));
  EXPECT_NE(reader_->generation(), generation);
  EXPECT_TRUE(fs::exists(sidecar_->directory() + "/control.v1"));
  ASSERT_TRUE(put("3"));
  EXPECT_TRUE(shows(*reader_, "a", "3", 3s));
  EXPECT_EQ(sidecar_->tool({"get", "a"}).out, "3\n");
  EXPECT_TRUE(run_->running());
  EXPECT_EQ(child("watch"), watch) << "it needed a restart";
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
}

}  // namespace
}  // namespace shmconf::integration
