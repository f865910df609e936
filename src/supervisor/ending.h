// How a process ended, in words and as an exit code. Pure functions; thread-safe.
#ifndef SHMCONF_SUPERVISOR_ENDING_H_
#define SHMCONF_SUPERVISOR_ENDING_H_

#include <string>

namespace shmconf::supervisor {

// As a shell reports it: the code, or 128 + n for signal n. `status` is waitpid's.
int exit_code_of(int status);

// How a supervised process ends that finds somebody else at its address: a word to its supervisor alone,
// which tells people. (EX_UNAVAILABLE of sysexits.h.)
inline constexpr int kExitAddressTaken = 69;

// 127 when the command does not exist, 126 when it is there and cannot be executed.
int exit_code_of_exec_failure(const std::string& file, int exec_errno);

// "ended with code 2 (bad usage or settings)", "was killed by signal 9 (Killed)".
std::string describe_ending(int status);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_ENDING_H_
