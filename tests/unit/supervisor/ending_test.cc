#include "supervisor/ending.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

namespace shmconf::supervisor {
namespace {

int exited(int code) { return W_EXITCODE(code, 0); }
int killed(int number) { return W_EXITCODE(0, number); }

TEST(Ending, ExitCodesAreAShells) {
  EXPECT_EQ(exit_code_of(exited(0)), 0);
  EXPECT_EQ(exit_code_of(exited(255)), 255);
  EXPECT_EQ(exit_code_of(killed(SIGTERM)), 143);
  EXPECT_EQ(exit_code_of(killed(SIGKILL)), 137);
}

TEST(Ending, WhatCannotBeExecutedIsToldFromWhatIsNotThere) {
  EXPECT_EQ(exit_code_of_exec_failure("no-such-command", ENOENT), 127);
  EXPECT_EQ(exit_code_of_exec_failure("/no/such/command", ENOENT), 127);
  EXPECT_EQ(exit_code_of_exec_failure("", ENOENT), 127);
  EXPECT_EQ(exit_code_of_exec_failure("/etc/passwd", EACCES), 126);
  EXPECT_EQ(exit_code_of_exec_failure("/etc/passwd", ENOENT), 126);  // there, but its interpreter is not
}

TEST(Ending, IsDescribedForAnOperator) {
  EXPECT_EQ(describe_ending(exited(0)), "ended with code 0");
  EXPECT_EQ(describe_ending(exited(2)), "ended with code 2 (bad usage or settings)");
  EXPECT_EQ(describe_ending(exited(5)), "ended with code 5 (not permitted)");
  EXPECT_EQ(describe_ending(killed(SIGKILL)), "was killed by signal 9 (Killed)");
}

}  // namespace
}  // namespace shmconf::supervisor
