// What a signal means to `run` and to `exec`. Pure functions; thread-safe.
#ifndef SHMCONF_SUPERVISOR_SIGNAL_PLAN_H_
#define SHMCONF_SUPERVISOR_SIGNAL_PLAN_H_

#include <signal.h>
#include <sys/types.h>

namespace shmconf::supervisor {

struct Received {
  int number = 0;
  int code = 0;      // si_code: who made it
  pid_t sender = 0;  // 0: outside this pid namespace, or the kernel
  sigval value{};    // with SI_QUEUE
  // The caller had started this process with the signal ignored (nohup; a script's background job).
  // It stays deaf to the terminal then, not to who sends it on purpose.
  bool ignored_before = false;
};

enum class Action {
  kNothing,
  kReap,     // children changed
  kStop,     // end, children first
  kReload,   // read the settings again
  kLogMore,  // make the log more verbose
  kLogLess,
  kForward,  // hand it to the command
};

Action action_of_run(const Received& received);

struct ExecSituation {
  pid_t self = 0;
  pid_t command = 0;            // 0: not started yet
  bool session_leader = false;  // of the terminal's session
};

// A signal of the terminal reaches the command's process group, so it is not handed on, except for
// the hang-up, which the kernel sends to the session's leader alone. One that the command itself
// sent (kill(0, ...) reaches its parent too) is not handed back. Until the command runs, a signal
// that asks for the end ends exec; others have nobody to go to.
Action action_of_exec(const Received& received, const ExecSituation& situation);

// Whether a command stopped by this signal asks for the shell to get the terminal back, which takes
// this process to stop too.
bool is_job_control_stop(int number);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_SIGNAL_PLAN_H_
