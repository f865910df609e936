// `shmconf exec`: how the command starts, what it gets, how it ends. See also exec_signal_test.cc.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "integration/sidecar_fixture.h"

namespace shmconf::integration {
namespace {

using format::Role;
using harness::eventually;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class ExecTest : public SidecarTest {
 protected:
  void SetUp() override {
    start_consul();
    put("k", "v");
  }

  harness::Finished finished(const harness::Command& command) {
    auto result = harness::run(command);
    EXPECT_TRUE(result) << result.error().text;
    return result ? std::move(*result) : harness::Finished{};
  }
  harness::Finished finished(const Words& argv) { return finished(with(argv)); }

  static bool attaches(harness::Process& process) {
    return eventually([&] { return process.stderr_text().find("using that sidecar") != std::string::npos; });
  }

  // Leaves a backup, and neither Consul nor segment.
  void leave_backup_alone() {
    auto run = run_published();
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(state_ / "web.snapshot"); }));
    ASSERT_TRUE(run.send_signal(SIGTERM));
    ASSERT_TRUE(run.wait());
    consul_.stop();
    std::filesystem::remove_all(root_ / "web");
  }
};

// --- the end ---

TEST_F(ExecTest, EndsWithTheCommandsCode) {
  EXPECT_EQ(finished(exec({"true"})).status.code, 0);
  EXPECT_EQ(finished(exec({"sh", "-c", "exit 7"})).status.code, 7);
  EXPECT_EQ(finished(exec({"sh", "-c", "kill -KILL $$"})).status.code, 128 + SIGKILL);
  EXPECT_EQ(finished(exec({"sh", "-c", "kill -TERM $$"})).status.code, 128 + SIGTERM);
}

TEST_F(ExecTest, EndsAsAShellDoesWithWhatCannotBeExecuted) {
  const auto absent = finished(exec({"no-such-command-anywhere"}));
  EXPECT_EQ(absent.status.code, 127);
  EXPECT_NE(absent.err.find("no-such-command-anywhere"), std::string::npos) << absent.err;
  EXPECT_EQ(finished(exec({root_ / "absent"})).status.code, 127);
  write(state_ / "plain", "text");
  const auto plain = finished(exec({state_ / "plain"}));
  EXPECT_EQ(plain.status.code, 126);
  EXPECT_NE(plain.err.find("Permission denied"), std::string::npos) << plain.err;
  EXPECT_EQ(finished(exec({root_.path()})).status.code, 126);
  write(state_ / "script", "#!/no/such/interpreter\n");
  std::filesystem::permissions(state_ / "script", std::filesystem::perms::owner_all);
  EXPECT_EQ(finished(exec({state_ / "script"})).status.code, 126);
}

TEST_F(ExecTest, TheSegmentGoesWithTheService) {
  auto process = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(becomes("k", "v")) << process.stderr_text();
  const auto reader = open();
  ASSERT_TRUE(reader);
  const pid_t watch = child_other_than(process.pid(), "watch", 0);
  ASSERT_TRUE(process.send_signal(SIGTERM));
  EXPECT_EQ(process.wait()->shell_code(), 128 + SIGTERM);
  EXPECT_FALSE(runs(watch));
  EXPECT_FALSE(std::filesystem::exists(root_ / "web"));
  EXPECT_EQ(reader->get("k"), "v") << "who has it open keeps it";
  EXPECT_TRUE(std::filesystem::exists(state_ / "web.snapshot")) << "the backup stays";
}

TEST_F(ExecTest, TheSidecarServesUntilTheCommandHasDrained) {
  const std::string file = state_ / "signals";
  auto process = spawn(exec({SHMCONF_SIGNAL_RECORDER, file, "9", "2000"}));
  ASSERT_TRUE(holds(file, "ready")) << process.stderr_text();
  ASSERT_TRUE(process.send_signal(SIGTERM));
  ASSERT_TRUE(holds(file, "TERM"));
  put("k", "while draining");
  EXPECT_TRUE(becomes("k", "while draining", milliseconds(1'500)));
  EXPECT_EQ(content(file).find("done"), std::string::npos);
  EXPECT_EQ(process.wait()->shell_code(), 9);
  EXPECT_NE(content(file).find("done"), std::string::npos) << "it was not cut";
}

// --- the start ---

TEST_F(ExecTest, TheCommandStartsWithThisRunsConfiguration) {
  put("k", "fresh");
  const auto result = finished(exec({SHMCONF_BINARY, "get", "k"}));
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_EQ(result.out, "fresh\n");
}

TEST_F(ExecTest, ASurvivingSegmentWaitsForConsulButNotForEver) {
  {
    auto run = run_published();
    ASSERT_TRUE(run.send_signal(SIGTERM));
    ASSERT_TRUE(run.wait());
  }
  put("k", "newer");
  EXPECT_EQ(finished(exec({SHMCONF_BINARY, "get", "k"})).out, "newer\n");
  {
    auto run = run_published();
    ASSERT_TRUE(run.send_signal(SIGTERM));
    ASSERT_TRUE(run.wait());
  }
  consul_.stop();
  const auto began = steady_clock::now();
  const auto result = finished(exec({SHMCONF_BINARY, "get", "k"}, {"--startup-timeout", "1s"}));
  EXPECT_EQ(result.out, "v\n") << result.err;
  EXPECT_GE(steady_clock::now() - began, seconds(1));
  EXPECT_NE(result.err.find("last known configuration"), std::string::npos) << result.err;
}

TEST_F(ExecTest, StartsFromTheBackup) {
  leave_backup_alone();
  const auto began = steady_clock::now();
  const auto result = finished(exec({SHMCONF_BINARY, "get", "k"}, {"--startup-timeout", "2s"}));
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_EQ(result.out, "v\n");
  EXPECT_LT(steady_clock::now() - began, seconds(8));
}

TEST_F(ExecTest, ATimeoutTooShortForTheBackupStillTakesIt) {
  leave_backup_alone();
  const auto result = finished(exec({SHMCONF_BINARY, "get", "k"}, {"--startup-timeout", "0ms"}));
  EXPECT_EQ(result.out, "v\n") << result.err;
}

TEST_F(ExecTest, StartsWithNothingNever) {
  consul_.stop();
  const std::string mark = state_ / "started";
  const auto result = finished(exec({"touch", mark}, {"--startup-timeout", "1s"}));
  EXPECT_EQ(result.status.code, 125);
  EXPECT_FALSE(std::filesystem::exists(mark));
  EXPECT_NE(result.err.find("no configuration within"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("watch: "), std::string::npos) << "what failed: " << result.err;
  EXPECT_FALSE(std::filesystem::exists(root_ / "web"));
}

TEST_F(ExecTest, StartsNothingOnTheConfigurationOfOtherSources) {
  const std::string mark = state_ / "started";
  const auto with_others = exec({"touch", mark}, {"--startup-timeout", "1s", "--prefix", "config/other/"});
  const auto is_refused = [&](const harness::Finished& result) {
    EXPECT_EQ(result.status.code, 125);
    EXPECT_NE(result.err.find("other sources"), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(mark));
  };
  {
    auto run = run_published();
    is_refused(finished(with_others));  // attached to a sidecar that mirrors something else
    EXPECT_EQ(value("k"), "v");
    ASSERT_TRUE(run.send_signal(SIGTERM));
    ASSERT_TRUE(run.wait());
  }
  consul_.stop();
  is_refused(finished(with_others));  // and what that one left behind is no better
}

TEST_F(ExecTest, GoesOnWithoutASidecarWhereAnotherTookTheNameOver) {
  auto process = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(becomes("k", "v"));
  for (const auto& entry : std::filesystem::directory_iterator(root_.path())) std::filesystem::remove_all(entry);
  auto other = run_published();
  EXPECT_TRUE(eventually([&] { return !child(process.pid(), "watch") && !child(process.pid(), "heartbeat"); },
                         seconds(30)))
      << process.stderr_text();
  EXPECT_TRUE(process.running());
  ASSERT_TRUE(process.send_signal(SIGTERM));
  ASSERT_TRUE(process.wait());
  EXPECT_EQ(value("k"), "v") << "the segment is the other's";
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

TEST_F(ExecTest, ASignalBeforeTheCommandEndsIt) {
  consul_.stop();
  const std::string mark = state_ / "started";
  auto process = spawn(exec({"touch", mark}, {"--startup-timeout", "1m"}));
  ASSERT_TRUE(eventually([&] { return child(process.pid(), "watch").has_value(); }));
  ASSERT_TRUE(process.send_signal(SIGUSR1));  // asks for nothing
  EXPECT_FALSE(eventually([&] { return !process.running(); }, milliseconds(500)));
  ASSERT_TRUE(process.send_signal(SIGTERM));
  EXPECT_EQ(process.wait(seconds(5)), (harness::ExitStatus{128 + SIGTERM, 0}));
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(ExecTest, UsesTheSidecarThatIsThereAndLeavesItsSegment) {
  auto run = run_published();
  auto process = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(attaches(process)) << process.stderr_text();
  EXPECT_NE(process.stderr_text().find("run, pid " + std::to_string(run.pid())), std::string::npos);
  EXPECT_TRUE(eventually([&] { return !children_of(process.pid()).empty(); }));
  EXPECT_EQ(child(process.pid(), "watch"), std::nullopt);
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  ASSERT_TRUE(process.send_signal(SIGTERM));
  EXPECT_EQ(process.wait()->shell_code(), 128 + SIGTERM);
  EXPECT_TRUE(run.running());
  EXPECT_EQ(value("k"), "after");
}

TEST_F(ExecTest, TakesThePlaceOfASupervisorThatEndsMeanwhile) {
  consul_.stop();
  auto first = spawn(exec({"true"}, {"--startup-timeout", "1m"}));
  ASSERT_TRUE(eventually([&] { return child(first.pid(), "watch").has_value(); }));
  auto second = spawn(exec({SHMCONF_BINARY, "get", "k"}, {"--startup-timeout", "1m"}));
  ASSERT_TRUE(attaches(second)) << second.stderr_text();
  ASSERT_TRUE(first.send_signal(SIGTERM));
  ASSERT_TRUE(first.wait());
  ASSERT_TRUE(eventually([&] { return child(second.pid(), "watch").has_value(); })) << second.stderr_text();
  start_consul();
  put("k", "late");
  EXPECT_EQ(second.wait()->shell_code(), 0) << second.stderr_text();
  EXPECT_EQ(second.stdout_text(), "late\n");
}

// --- what the command gets ---

TEST_F(ExecTest, TheCommandHasTheCallersEnvironmentLessTheSecrets) {
  const auto result = finished(with(exec({"env"}), {{"CONSUL_HTTP_TOKEN", "secret-1"},
                                                   {"SHMCONF_CONSUL_TOKEN", "secret-2"},
                                                   {"CONSUL_HTTP_AUTH", "u:secret-3"},
                                                   {"NOTIFY_SOCKET", "@nobody-listens"},
                                                   {"OTHER", "stays"}}));
  ASSERT_EQ(result.status.code, 0) << result.err;
  EXPECT_EQ(result.out.find("secret"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("NOTIFY_SOCKET"), std::string::npos);
  EXPECT_NE(result.out.find("OTHER=stays\n"), std::string::npos);
  EXPECT_NE(result.out.find("SHMCONF_NAME=web\n"), std::string::npos);
  EXPECT_NE(result.out.find("SHMCONF_DIR=" + root_.path() + "\n"), std::string::npos);
}

TEST_F(ExecTest, StandardInputAndOutputAreTheCommandsAlone) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 31 % 256);
  write(state_ / "input", bytes);
  harness::Command command = with(exec({"cat"}, {"--log-level", "trace"}));
  command.stdin_file = state_ / "input";
  const auto result = finished(command);
  EXPECT_EQ(result.status.code, 0);
  EXPECT_TRUE(result.out == bytes) << result.out.size() << " bytes";
}

TEST_F(ExecTest, WhatTheCommandClosesIsClosed) {
  // cat ends, and makes the mark, when nobody holds the pipe any more.
  const std::string line = R"("$@" | { cat; touch ")" + (state_ / "closed") + "\"; }";
  Words argv = {"sh", "-c", line, "sh"};
  for (const std::string& word : exec({"sh", "-c", "exec >&- 2>&-; exec sleep 1000"})) argv.push_back(word);
  auto process = spawn(argv);
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(state_ / "closed"); }))
      << process.stderr_text();
}

TEST_F(ExecTest, NoDescriptorLeaksIntoTheCommandOrTheSidecar) {
  write(state_ / "inherited", "");
  // Descriptor 9 is the caller's to pass on; the sidecar's processes must not hold it.
  const Words prepared = {"sh", "-c", "exec 9<'" + (state_ / "inherited") + R"('; exec "$@")", "sh"};
  const Words command = {"sh", "-c", "ls /proc/$$/fd; echo listed; exec sleep 1000"};
  const auto listed = [&](const Words& what) {
    Words argv = prepared;
    argv.insert(argv.end(), what.begin(), what.end());
    auto process = spawn(argv);
    EXPECT_TRUE(eventually([&] { return process.stdout_text().find("listed") != std::string::npos; }))
        << process.stderr_text();
    return process;
  };
  const std::string direct = listed(command).stdout_text();
  auto process = listed(exec(command, open_to_this_user()));
  EXPECT_NE(direct.find("9\n"), std::string::npos) << direct;
  EXPECT_EQ(process.stdout_text(), direct);
  for (const char* name : {"watch", "heartbeat"}) {
    const pid_t pid = child_other_than(process.pid(), name, 0);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      std::error_code gone;
      EXPECT_NE(std::filesystem::read_symlink(entry.path(), gone).string(), state_ / "inherited") << name;
    }
  }
}

TEST_F(ExecTest, SignalMaskAndDispositionsAreTheCallers) {
  const Words prepared = {"env", "--block-signal=USR1", "--ignore-signal=HUP,CHLD"};
  const Words command = {"grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"};
  Words direct = prepared;
  direct.insert(direct.end(), command.begin(), command.end());
  Words through = prepared;
  for (const std::string& word : exec(command)) through.push_back(word);
  const auto expected = finished(direct);
  const auto result = finished(through);
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_NE(expected.out, "");
  EXPECT_EQ(result.out, expected.out);
}

TEST_F(ExecTest, OrphansOfTheCommandAreAdoptedAndReaped) {
  // The inner shell ends at once, so the sleep has no parent but exec.
  auto process = spawn(exec({"sh", "-c", "sh -c 'sleep 1000 & echo $!'; exec sleep 1000"}));
  ASSERT_TRUE(eventually([&] { return process.stdout_text().find('\n') != std::string::npos; }))
      << process.stderr_text();
  const pid_t orphan = std::stoi(process.stdout_text());
  EXPECT_TRUE(eventually([&] { return parent_of(orphan) == process.pid(); }));
  ASSERT_EQ(::kill(orphan, SIGKILL), 0);
  // A zombie would still have its entry.
  EXPECT_TRUE(eventually([&] { return proc_file(orphan, "stat").empty(); }));
  EXPECT_TRUE(process.running());
}

TEST_F(ExecTest, AKilledChildOfTheSidecarIsStartedAgain) {
  auto process = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(becomes("k", "v")) << process.stderr_text();
  const pid_t watch = child_other_than(process.pid(), "watch", 0);
  ASSERT_EQ(::kill(watch, SIGKILL), 0);
  child_other_than(process.pid(), "watch", watch);
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  EXPECT_TRUE(process.running());
}

}  // namespace
}  // namespace shmconf::integration
