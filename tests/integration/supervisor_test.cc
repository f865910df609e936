// `shmconf run`: restarts, signals, settings read again. See also supervisor_end_test.cc.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "integration/sidecar_fixture.h"

namespace shmconf::integration {
namespace {

using format::Role;
using harness::eventually;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class RunTest : public SidecarTest {
 protected:
  void SetUp() override { start_consul(); }

  // A settings file with these sources, for --config; everything else is in the flags.
  std::string settings_file(const std::string& sources) {
    const std::string file = state_ / "settings.json";
    write(file, R"({"name":"web","directory":")" + root_.path() + R"(","backup_file":")" +
                    (state_ / "web.snapshot") + R"(","sources":)" + sources + R"(,"consul":{"address":")" +
                    consul_.url() + R"("}})");
    return file;
  }
};

TEST_F(RunTest, ChangesArriveAndSigtermEndsEverythingButTheConfiguration) {
  auto run = run_published();
  put("k", "changed");
  EXPECT_TRUE(becomes("k", "changed"));
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  const pid_t heartbeat = child_other_than(run.pid(), "heartbeat", 0);
  ASSERT_TRUE(run.send_signal(SIGTERM));
  const auto status = run.wait(seconds(5));
  ASSERT_TRUE(status) << "still there after five seconds";
  EXPECT_EQ(status->shell_code(), 0) << run.stderr_text();
  EXPECT_FALSE(runs(watch));
  EXPECT_FALSE(runs(heartbeat));
  EXPECT_EQ(value("k"), "changed");
}

class KilledChild : public RunTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(KilledChild, IsStartedAgainWhileTheOtherServes) {
  auto run = run_published();
  const std::string name = GetParam();
  const pid_t first = child_other_than(run.pid(), name, 0);
  // Readers opened before see what comes after.
  const auto reader = open();
  ASSERT_TRUE(reader);
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  const pid_t second = child_other_than(run.pid(), name, first);
  EXPECT_NE(second, first);
  put("k", "after");
  EXPECT_TRUE(eventually([&] { return reader->get("k") == "after"; }));
  const RoleStatus status = role(Role::kSupervisor);
  EXPECT_EQ(status.failures, 1u);
  EXPECT_NE(status.last_error.find(name), std::string::npos) << status.last_error;
  EXPECT_NE(status.last_error.find("signal 9"), std::string::npos) << status.last_error;
  EXPECT_TRUE(run.running());
}

TEST_P(KilledChild, IsStartedLaterEachTime) {
  auto run = run_published();
  const std::string name = GetParam();
  pid_t pid = child_other_than(run.pid(), name, 0);
  for (int death = 0; death < 4; ++death) {
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    pid = child_other_than(run.pid(), name, pid);
  }
  const std::string log = run.stderr_text();
  for (const char* pause : {"next start in 100 ms", "in 200 ms", "in 400 ms", "in 800 ms"}) {
    EXPECT_NE(log.find(pause), std::string::npos) << pause << "\n" << log;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, KilledChild, ::testing::Values("watch", "heartbeat"),
                         [](const auto& chosen) { return std::string(chosen.param); });

TEST_F(RunTest, AStoppedChildIsKilledAfterTwentySeconds) {
  auto run = run_published();
  const pid_t first = child_other_than(run.pid(), "watch", 0);
  ASSERT_EQ(::kill(first, SIGSTOP), 0);
  const auto stopped = steady_clock::now();
  const pid_t second = child_other_than(run.pid(), "watch", first, seconds(40));
  const auto taken = steady_clock::now() - stopped;
  EXPECT_NE(second, first);
  EXPECT_GT(taken, seconds(14));  // its last stamp was at most five seconds old
  EXPECT_LT(taken, seconds(32));
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

TEST_F(RunTest, AChildThatIsRefusedIsTriedAgainUntilItFits) {
  put("k", "v");
  auto by_hand = spawn(sidecar("watch"));
  ASSERT_TRUE(becomes("k", "v")) << by_hand.stderr_text();
  auto run = spawn(sidecar("run"));
  EXPECT_TRUE(eventually([&] {
    return run.stderr_text().find("ended with code 5 (not permitted)") != std::string::npos;
  })) << run.stderr_text();
  ASSERT_TRUE(by_hand.send_signal(SIGTERM));
  ASSERT_TRUE(by_hand.wait());
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  EXPECT_FALSE(eventually([&] { return !runs(watch); }, milliseconds(1'500))) << run.stderr_text();
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

TEST_F(RunTest, TheDirectoryRemovedUnderEveryoneIsMadeAnew) {
  auto run = run_published();
  auto reader = open();
  ASSERT_TRUE(reader);
  std::filesystem::remove_all(root_ / "web");
  put("k", "after");
  EXPECT_TRUE(eventually(
      [&] {
        reader->wait_for_change(milliseconds(100));
        return reader->get("k") == "after";
      },
      seconds(15)))
      << run.stderr_text();
  EXPECT_TRUE(becomes("k", "after"));
  // The supervisor found its way too: it stamps the new page.
  EXPECT_TRUE(eventually([&] { return role(Role::kSupervisor).alive; }, seconds(12)));
}

// --- settings ---

TEST_F(RunTest, SighupTakesOverGoodSettings) {
  ASSERT_TRUE(consul_.kv().put("config/more/extra", "more"));
  put("k", "v");
  const std::string file = settings_file(R"([{"prefix":"config/web/"}])");
  auto run = spawn({SHMCONF_BINARY, "run", "--config", file});
  ASSERT_TRUE(becomes("k", "v")) << run.stderr_text();
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  settings_file(R"([{"prefix":"config/web/"},{"prefix":"config/more/"}])");
  ASSERT_TRUE(run.send_signal(SIGHUP));
  EXPECT_TRUE(becomes("extra", "more")) << run.stderr_text();
  EXPECT_EQ(value("k"), "v");
  EXPECT_EQ(child(run.pid(), "watch"), watch) << "the process stays";
}

TEST_F(RunTest, SighupWithBadSettingsReportsAllAndChangesNothing) {
  put("k", "v");
  const std::string file = settings_file(R"([{"prefix":"config/web/"}])");
  auto run = spawn({SHMCONF_BINARY, "run", "--config", file});
  ASSERT_TRUE(becomes("k", "v")) << run.stderr_text();
  write(file, R"({"name":"-bad","sources":[{"prefix":"config/web"}],"consul":{"wait":"30"}})");
  ASSERT_TRUE(run.send_signal(SIGHUP));
  EXPECT_TRUE(eventually([&] { return run.stderr_text().find("earlier ones stay") != std::string::npos; }));
  for (const char* place : {"/name", "/sources/0", "/consul/wait"}) {
    EXPECT_NE(run.stderr_text().find(place), std::string::npos) << place << "\n" << run.stderr_text();
  }
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  // A child started now still gets the last good ones.
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  ASSERT_EQ(::kill(watch, SIGKILL), 0);
  child_other_than(run.pid(), "watch", watch);
  put("k", "again");
  EXPECT_TRUE(becomes("k", "again")) << run.stderr_text();
}

TEST_F(RunTest, SighupCannotMoveTheConfiguration) {
  put("k", "v");
  const std::string file = settings_file(R"([{"prefix":"config/web/"}])");
  auto run = spawn({SHMCONF_BINARY, "run", "--config", file});
  ASSERT_TRUE(becomes("k", "v")) << run.stderr_text();
  std::string text = content(file);
  text.replace(text.find("\"web\""), 5, "\"other\"");
  write(file, text);
  ASSERT_TRUE(run.send_signal(SIGHUP));
  EXPECT_TRUE(eventually([&] { return run.stderr_text().find("restart instead") != std::string::npos; }));
  EXPECT_FALSE(std::filesystem::exists(root_ / "other"));
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

TEST_F(RunTest, ASecretReachesTheChildrenByNoEnvironmentAndNoCommandLine) {
  put("k", "v");
  auto run = spawn(with(sidecar("run", open_to_this_user()), {{"CONSUL_HTTP_TOKEN", "secret-token"},
                                                              {"CONSUL_HTTP_AUTH", "user:secret-password"},
                                                              {"SHMCONF_LOG_LEVEL", "debug"}}));
  ASSERT_TRUE(eventually([&] { return child(run.pid(), "watch") && child(run.pid(), "heartbeat"); }));
  for (const char* name : {"watch", "heartbeat"}) {
    const pid_t pid = child_other_than(run.pid(), name, 0);
    for (const char* file : {"environ", "cmdline"}) {
      EXPECT_EQ(proc_file(pid, file).find("secret"), std::string::npos) << name << " " << file;
    }
    // It was handed over all the same, in a file without a name.
    EXPECT_NE(proc_file(pid, "fd/3").find("secret-token"), std::string::npos) << name;
  }
  EXPECT_EQ(run.stderr_text().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace shmconf::integration
