// `shmconf exec`: signals that are sent, and those of a terminal.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "integration/sidecar_fixture.h"
#include "integration/terminal.h"

namespace shmconf::integration {
namespace {

using harness::eventually;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ExecSignalTest : public SidecarTest {
 protected:
  void SetUp() override {
    start_consul();
    put("k", "v");
  }

  [[nodiscard]] Words recorder() const { return exec({SHMCONF_SIGNAL_RECORDER, file_}); }
  bool records(const std::string& line) { return holds(file_, line + "\n"); }
  [[nodiscard]] long count(const std::string& line) const {
    const std::string text = "\n" + content(file_);
    long found = 0;
    for (std::size_t at = 0; (at = text.find("\n" + line + "\n", at)) != std::string::npos; ++at) ++found;
    return found;
  }

  const std::string file_ = state_ / "signals";
};

TEST_F(ExecSignalTest, EverySignalSentReachesTheCommand) {
  auto process = spawn(recorder());
  ASSERT_TRUE(records("ready")) << process.stderr_text();
  for (const int number : {SIGHUP,  SIGINT,  SIGQUIT, SIGABRT, SIGUSR1, SIGSEGV, SIGUSR2,
                           SIGPIPE, SIGALRM, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
                           SIGXCPU, SIGPROF, SIGWINCH, SIGIO,  SIGPWR,  SIGSYS}) {
    ASSERT_TRUE(process.send_signal(number));
    EXPECT_TRUE(records(::sigabbrev_np(number))) << number;
  }
  ASSERT_EQ(::sigqueue(process.pid(), SIGRTMIN + 3, {.sival_int = 4711}), 0);
  EXPECT_TRUE(records("RT+3 4711")) << "with its value";
  ASSERT_TRUE(process.send_signal(SIGTERM));
  EXPECT_EQ(process.wait(), (harness::ExitStatus{0, 0}));
  EXPECT_EQ(count("TERM"), 1);
  EXPECT_EQ(count("HUP"), 1);
}

TEST_F(ExecSignalTest, NoSignalIsTheSidecarsOwn) {
  auto process = spawn(recorder());
  ASSERT_TRUE(records("ready")) << process.stderr_text();
  const pid_t watch = child_other_than(process.pid(), "watch", 0);
  for (const int number : {SIGHUP, SIGINT, SIGQUIT}) ASSERT_TRUE(process.send_signal(number));
  ASSERT_TRUE(records("QUIT"));
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  EXPECT_EQ(child(process.pid(), "watch"), watch);
}

// A command that signals its whole group reaches its parent, too, and must not get it back.
TEST_F(ExecSignalTest, TheCommandsOwnSignalIsNotHandedBack) {
  const std::string line =
      "trap 'echo usr >> " + file_ + "' USR1; kill -USR1 0; sleep 0.5; echo end >> " + file_;
  // Without a group of its own the signal would reach this test.
  auto process = spawn(exec({"sh", "-c", line}));
  EXPECT_EQ(process.wait()->shell_code(), 0) << process.stderr_text();
  EXPECT_EQ(content(file_), "usr\nend\n");
}

TEST_F(ExecSignalTest, TheTerminalsKeysReachTheCommandOnce) {
  Terminal terminal(recorder());
  ASSERT_TRUE(records("ready")) << terminal.printed();
  const pid_t watch = child_other_than(terminal.pid(), "watch", 0);
  terminal.type("\x03");
  EXPECT_TRUE(records("INT"));
  terminal.type("\x1c");
  EXPECT_TRUE(records("QUIT"));
  terminal.resize(30, 90);
  EXPECT_TRUE(records("WINCH"));
  // What exec handed on, if it did, would be there before this.
  ASSERT_EQ(::kill(terminal.pid(), SIGUSR1), 0);
  ASSERT_TRUE(records("USR1"));
  EXPECT_EQ(count("INT"), 1);
  EXPECT_EQ(count("QUIT"), 1);
  EXPECT_EQ(count("WINCH"), 1);
  EXPECT_TRUE(runs(watch)) << "the sidecar is not in the terminal's group";
  ASSERT_EQ(::kill(terminal.pid(), SIGTERM), 0);
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(ExecSignalTest, TheCommandIsInTheForeground) {
  Terminal terminal(exec({"sh", "-c", "read line; echo \"<$line>\"; exit 3"}));
  ASSERT_TRUE(becomes("k", "v"));
  terminal.type("typed\n");
  EXPECT_TRUE(terminal.prints("<typed>"));
  const auto status = terminal.wait();
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 3);
}

// The kernel tells the session's leader alone, which exec is here.
TEST_F(ExecSignalTest, TheHangupReachesTheCommand) {
  Terminal terminal(recorder());
  ASSERT_TRUE(records("ready")) << terminal.printed();
  terminal.hang_up();
  EXPECT_TRUE(records("HUP"));
  EXPECT_EQ(count("HUP"), 1);
  ASSERT_EQ(::kill(terminal.pid(), SIGTERM), 0);
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(ExecSignalTest, CtrlZGivesTheShellItsTerminalBack) {
  Terminal shell({"bash", "--norc", "--noediting", "-i"});
  std::string line;
  // A command that starts none itself: a shell stopped inside vfork() would never look stopped.
  for (const std::string& word : exec({"sh", "-c", "echo began; read line; echo \"<$line>\""})) {
    line += "'" + word + "' ";
  }
  shell.type(line + "\n");
  // With its end, since the terminal may show what is typed before the shell shows its prompt.
  ASSERT_TRUE(shell.prints("began\r\n")) << shell.printed();
  shell.type("\x1a");
  ASSERT_TRUE(shell.prints("Stopped")) << shell.printed();
  // The sidecar has its own group and goes on.
  put("k", "while stopped");
  EXPECT_TRUE(becomes("k", "while stopped"));
  shell.type("fg\n");
  shell.type("typed\n");
  EXPECT_TRUE(shell.prints("<typed>")) << shell.printed();
  shell.type("echo code=$?\n");
  EXPECT_TRUE(shell.prints("code=0")) << shell.printed();
  shell.type("exit\n");
  EXPECT_TRUE(shell.wait()) << shell.printed();
}

TEST_F(ExecSignalTest, ACommandThatIsStoppedByHandDoesNotStopTheSupervisor) {
  auto process = spawn(recorder());
  ASSERT_TRUE(records("ready")) << process.stderr_text();
  const std::string children = children_of(process.pid());
  const pid_t watch = child_other_than(process.pid(), "watch", 0);
  const pid_t heartbeat = child_other_than(process.pid(), "heartbeat", 0);
  pid_t command = 0;
  for (std::size_t at = 0; at < children.size();) {
    std::size_t used = 0;
    const pid_t pid = std::stoi(children.substr(at), &used);
    if (pid != watch && pid != heartbeat) command = pid;
    at += used + 1;
  }
  ASSERT_NE(command, 0) << children;
  ASSERT_EQ(::kill(command, SIGSTOP), 0);
  ASSERT_EQ(::kill(watch, SIGKILL), 0);
  child_other_than(process.pid(), "watch", watch);
  ASSERT_EQ(::kill(command, SIGCONT), 0);
  ASSERT_TRUE(process.send_signal(SIGTERM));
  EXPECT_EQ(process.wait(), (harness::ExitStatus{0, 0}));
}

}  // namespace
}  // namespace shmconf::integration
