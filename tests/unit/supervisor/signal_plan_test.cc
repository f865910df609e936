#include "supervisor/signal_plan.h"

#include <gtest/gtest.h>

namespace shmconf::supervisor {
namespace {

constexpr pid_t kSelf = 10;
constexpr pid_t kCommand = 11;
constexpr pid_t kStranger = 99;
constexpr ExecSituation kRunning{.self = kSelf, .command = kCommand, .session_leader = false};
constexpr ExecSituation kWaiting{.self = kSelf, .command = 0, .session_leader = false};

Received sent(int number, pid_t sender = kStranger) {
  return {.number = number, .code = SI_USER, .sender = sender, .value = {}, .ignored_before = false};
}
Received typed(int number) {
  return {.number = number, .code = SI_KERNEL, .sender = 0, .value = {}, .ignored_before = false};
}
Received ignored(Received received) {
  received.ignored_before = true;
  return received;
}

TEST(SignalsOfRun, EndReloadAndReap) {
  for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
    EXPECT_EQ(action_of_run(sent(number)), Action::kStop) << number;
    EXPECT_EQ(action_of_run(typed(number)), Action::kStop) << number;
  }
  EXPECT_EQ(action_of_run(sent(SIGHUP)), Action::kReload);
  EXPECT_EQ(action_of_run(typed(SIGHUP)), Action::kStop);
  EXPECT_EQ(action_of_run({.number = SIGCHLD, .code = CLD_EXITED, .sender = 5}), Action::kReap);
  EXPECT_EQ(action_of_run(sent(SIGUSR1)), Action::kLogMore);
  EXPECT_EQ(action_of_run(sent(SIGUSR2)), Action::kLogLess);
  for (const int number : {SIGWINCH, SIGPIPE, SIGTSTP, SIGCONT}) {
    EXPECT_EQ(action_of_run(sent(number)), Action::kNothing) << number;
  }
}

TEST(SignalsOfRun, IgnoredFromTheStartMeansDeafToTheTerminalAlone) {
  EXPECT_EQ(action_of_run(ignored(typed(SIGHUP))), Action::kNothing);
  EXPECT_EQ(action_of_run(ignored(typed(SIGINT))), Action::kNothing);
  EXPECT_EQ(action_of_run(ignored(sent(SIGHUP))), Action::kReload);
  EXPECT_EQ(action_of_run(ignored(sent(SIGINT))), Action::kStop);
}

TEST(SignalsOfExec, WhatIsSentGoesToTheCommand) {
  for (int number = 1; number < NSIG; ++number) {
    if (number == SIGCHLD) continue;
    EXPECT_EQ(action_of_exec(sent(number), kRunning), Action::kForward) << number;
  }
  for (const int code : {SI_QUEUE, SI_TKILL}) {
    const Received received{.number = SIGUSR1, .code = code, .sender = kStranger};
    EXPECT_EQ(action_of_exec(received, kRunning), Action::kForward);
  }
  // From outside the pid namespace, as `docker stop` does.
  EXPECT_EQ(action_of_exec(sent(SIGTERM, 0), kRunning), Action::kForward);
}

TEST(SignalsOfExec, WhatTheTerminalSendsReachedTheCommandAlready) {
  for (const int number : {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP, SIGTTIN, SIGCONT}) {
    EXPECT_EQ(action_of_exec(typed(number), kRunning), Action::kNothing) << number;
  }
}

TEST(SignalsOfExec, TheHangupReachesTheSessionLeaderAlone) {
  constexpr ExecSituation kLeader{.self = kSelf, .command = kCommand, .session_leader = true};
  EXPECT_EQ(action_of_exec(typed(SIGHUP), kLeader), Action::kForward);
  EXPECT_EQ(action_of_exec(typed(SIGCONT), kLeader), Action::kForward);
  EXPECT_EQ(action_of_exec(typed(SIGINT), kLeader), Action::kNothing);
}

TEST(SignalsOfExec, TheCommandsOwnAreNotHandedBack) {
  EXPECT_EQ(action_of_exec(sent(SIGTERM, kCommand), kRunning), Action::kNothing);
  EXPECT_EQ(action_of_exec(sent(SIGPIPE, kSelf), kRunning), Action::kNothing);
}

TEST(SignalsOfExec, BeforeTheCommandRunsOnlyAnEndIsUnderstood) {
  for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) {
    EXPECT_EQ(action_of_exec(sent(number), kWaiting), Action::kStop) << number;
    EXPECT_EQ(action_of_exec(typed(number), kWaiting), Action::kStop) << number;
    EXPECT_EQ(action_of_exec(ignored(typed(number)), kWaiting), Action::kNothing) << number;
  }
  for (const int number : {SIGUSR1, SIGWINCH, SIGCONT, SIGTSTP}) {
    EXPECT_EQ(action_of_exec(sent(number), kWaiting), Action::kNothing) << number;
  }
  EXPECT_EQ(action_of_exec({.number = SIGCHLD, .code = CLD_KILLED, .sender = 5}, kWaiting), Action::kReap);
}

TEST(JobControl, StopsOfTheTerminalAndNoOthers) {
  EXPECT_TRUE(is_job_control_stop(SIGTSTP));
  EXPECT_TRUE(is_job_control_stop(SIGTTIN));
  EXPECT_TRUE(is_job_control_stop(SIGTTOU));
  EXPECT_FALSE(is_job_control_stop(SIGSTOP));  // a debugger's or an operator's, who continues it too
}

}  // namespace
}  // namespace shmconf::supervisor
