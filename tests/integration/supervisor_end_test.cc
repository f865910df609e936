// `shmconf run`: how it ends, is killed, is refused, and what it tells the service manager.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "env/fd.h"
#include "integration/sidecar_fixture.h"

namespace shmconf::integration {
namespace {

using format::Role;
using harness::eventually;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class RunEndTest : public SidecarTest {
 protected:
  void SetUp() override { start_consul(); }
};

TEST_F(RunEndTest, KilledItselfItsChildrenEndAndReadersKeepTheConfiguration) {
  auto run = run_published();
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  const pid_t heartbeat = child_other_than(run.pid(), "heartbeat", 0);
  auto reader = open();
  ASSERT_TRUE(reader);
  ASSERT_EQ(::kill(run.pid(), SIGKILL), 0);
  EXPECT_TRUE(ends(watch, seconds(2)));
  EXPECT_TRUE(ends(heartbeat, seconds(2)));
  EXPECT_EQ(reader->get("k"), "v");
  EXPECT_EQ(value("k"), "v");
  EXPECT_TRUE(eventually([&] { return reader->status().verdict == Verdict::kDead; }, seconds(25)));
  // A new one reattaches: the reader opened before sees what comes after.
  auto again = spawn(sidecar("run"));
  put("k", "after");
  EXPECT_TRUE(eventually([&] { return reader->get("k") == "after"; })) << again.stderr_text();
  EXPECT_TRUE(eventually([&] { return reader->status().verdict == Verdict::kLive; }));
}

TEST_F(RunEndTest, KilledAllAtOnceANewOneReattaches) {
  auto run = run_published();
  auto reader = open();
  ASSERT_TRUE(reader);
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  const pid_t heartbeat = child_other_than(run.pid(), "heartbeat", 0);
  for (const pid_t pid : {watch, heartbeat, run.pid()}) ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(run.wait());
  put("k", "after");
  auto again = spawn(sidecar("run"));
  EXPECT_TRUE(eventually([&] { return reader->get("k") == "after"; })) << again.stderr_text();
}

class EndSignal : public RunEndTest, public ::testing::WithParamInterface<int> {};

TEST_P(EndSignal, EndsWithinFiveSecondsEvenIfAChildIsStopped) {
  auto run = run_published();
  const pid_t heartbeat = child_other_than(run.pid(), "heartbeat", 0);
  ASSERT_EQ(::kill(heartbeat, SIGSTOP), 0);
  const auto began = steady_clock::now();
  ASSERT_TRUE(run.send_signal(GetParam()));
  const auto status = run.wait(seconds(10));
  ASSERT_TRUE(status);
  EXPECT_LT(steady_clock::now() - began, milliseconds(5'000));
  EXPECT_EQ(status->shell_code(), 0);
  EXPECT_FALSE(runs(heartbeat));
}

INSTANTIATE_TEST_SUITE_P(All, EndSignal, ::testing::Values(SIGTERM, SIGINT),
                         [](const auto& chosen) { return std::string(::sigabbrev_np(chosen.param)); });

TEST_F(RunEndTest, SignalsThatMeanNothingChangeNothing) {
  auto run = run_published();
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  for (const int number : {SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGWINCH}) {
    ASSERT_TRUE(run.send_signal(number));
  }
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  EXPECT_TRUE(run.running());
  EXPECT_TRUE(runs(watch));
}

// Without what is asked of a parent here, the ends of children would be lost.
TEST_F(RunEndTest, ACallerThatIgnoresSigchldDoesNotDeafenIt) {
  put("k", "v");
  std::vector<std::string> argv = {"env", "--ignore-signal=CHLD"};
  for (const std::string& word : sidecar("run")) argv.push_back(word);
  auto run = spawn(argv);
  ASSERT_TRUE(becomes("k", "v")) << run.stderr_text();
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  ASSERT_EQ(::kill(watch, SIGKILL), 0);
  child_other_than(run.pid(), "watch", watch);
  ASSERT_TRUE(run.send_signal(SIGTERM));
  EXPECT_EQ(run.wait(seconds(5)), (harness::ExitStatus{0, 0}));
}

TEST_F(RunEndTest, ASecondOneIsRefusedAndTheFirstNamed) {
  auto first = run_published();
  const auto second = harness::run(with(sidecar("run")));
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_EQ(second->status.shell_code(), 5);
  const std::string named = "(run, pid " + std::to_string(first.pid()) + ")";
  EXPECT_NE(second->err.find(named), std::string::npos) << second->err;
  EXPECT_NE(second->err.find(root_.path()), std::string::npos) << second->err;
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

TEST_F(RunEndTest, AConfigurationThatIsRequiredAndNotToBeHadEndsItWithThree) {
  consul_.kill_now();
  const Words flags = {"--require-configuration", "--startup-timeout", "500ms"};
  const auto ended = harness::run(with(sidecar("run", flags)));
  ASSERT_TRUE(ended) << ended.error().text;
  EXPECT_EQ(ended->status.shell_code(), 3);
  EXPECT_NE(ended->err.find("no configuration within"), std::string::npos) << ended->err;
}

// --- the service manager ---

class Listener {
 public:
  explicit Listener(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  bool hears(const std::string& message, milliseconds limit = seconds(20)) {
    return eventually(
        [&] {
          collect();
          const auto found = heard_.find("[" + message);
          if (found == std::string::npos) return false;
          heard_.erase(found, message.size() + 1);
          return true;
        },
        limit);
  }
  bool heard(const std::string& message) {
    collect();
    return heard_.find("[" + message) != std::string::npos;
  }
  [[nodiscard]] const std::string& rest() const { return heard_; }

 private:
  void collect() {
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(fd_.get(), buffer, sizeof buffer, 0)) > 0;) {
      heard_ += "[" + std::string(buffer, static_cast<std::size_t>(got)) + "]";
    }
  }

  env::Fd fd_;
  std::string heard_;  // each datagram in brackets, less what was asked for
};

TEST_F(RunEndTest, TellsTheServiceManagerHowItFares) {
  Listener listener(state_ / "notify");
  put("k", "v");
  auto run = spawn(with(sidecar("run"), {{"NOTIFY_SOCKET", state_ / "notify"}, {"WATCHDOG_USEC", "400000"}}));
  ASSERT_TRUE(listener.hears("READY=1]")) << run.stderr_text();
  EXPECT_EQ(value("k"), "v") << "ready means readable";
  EXPECT_TRUE(listener.hears("STATUS=live, generation 1")) << listener.rest();
  for (int beat = 0; beat < 3; ++beat) EXPECT_TRUE(listener.hears("WATCHDOG=1]", seconds(2)));
  ASSERT_TRUE(run.send_signal(SIGHUP));
  EXPECT_TRUE(listener.hears("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_TRUE(listener.hears("READY=1]"));
  ASSERT_TRUE(run.send_signal(SIGTERM));
  EXPECT_TRUE(listener.hears("STOPPING=1]"));
  EXPECT_EQ(run.wait(), (harness::ExitStatus{0, 0}));
}

TEST_F(RunEndTest, IsNotReadyBeforeThereIsAConfiguration) {
  put("k", "v");
  consul_.stop();
  Listener listener(state_ / "notify");
  auto run = spawn(
      with(sidecar("run", {"--startup-timeout", "100ms"}), {{"NOTIFY_SOCKET", state_ / "notify"}}));
  EXPECT_TRUE(listener.hears("EXTEND_TIMEOUT_USEC=")) << listener.rest();
  ASSERT_TRUE(listener.hears("STATUS=no configuration yet; watch: ")) << run.stderr_text();
  EXPECT_FALSE(eventually([&] { return listener.heard("READY=1"); }, seconds(3)));
  EXPECT_TRUE(run.running()) << "it keeps trying";
  start_consul();
  put("k", "late");
  EXPECT_TRUE(listener.hears("READY=1]")) << run.stderr_text();
  EXPECT_EQ(value("k"), "late");
}

TEST_F(RunEndTest, ExecToldToWaitLongerAsksTheServiceManagerToWaitWithIt) {
  put("k", "v");
  consul_.stop();
  Listener listener(state_ / "notify");
  auto exec_process = spawn(with(exec({"true"}, {"--startup-timeout", "1h"}), {{"NOTIFY_SOCKET", state_ / "notify"}}));
  EXPECT_TRUE(listener.hears("EXTEND_TIMEOUT_USEC=")) << exec_process.stderr_text();
  ASSERT_TRUE(exec_process.send_signal(SIGTERM));
  EXPECT_TRUE(listener.hears("STOPPING=1]"));
}

TEST_F(RunEndTest, ABackupMakesItReadyToo) {
  {
    auto run = run_published();
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(state_ / "web.snapshot"); }));
    ASSERT_TRUE(run.send_signal(SIGTERM));
    ASSERT_TRUE(run.wait());
  }
  consul_.stop();
  std::filesystem::remove_all(root_ / "web");
  Listener listener(state_ / "notify");
  auto run = spawn(with(sidecar("run", {"--startup-timeout", "2s"}), {{"NOTIFY_SOCKET", state_ / "notify"}}));
  ASSERT_TRUE(listener.hears("READY=1]", seconds(10))) << run.stderr_text();
  EXPECT_EQ(value("k"), "v");
}

}  // namespace
}  // namespace shmconf::integration
