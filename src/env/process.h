// Starting processes by fork and exec.
//
// posix_spawn cannot tie a child to its parent's life, so this forks. Requires a process whose only
// thread is the caller (PR_SET_PDEATHSIG is tied to the forking thread, and between fork and exec
// nothing may wait for a lock that another thread held). Plain values; nothing here throws.
#ifndef SHMCONF_ENV_PROCESS_H_
#define SHMCONF_ENV_PROCESS_H_

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "shmconf/result.h"

namespace shmconf::env {

// Signal state that a started process shall have.
struct SignalState {
  sigset_t mask;                  // blocked signals
  struct sigaction child_action;  // of SIGCHLD, which a parent that waits must not ignore
};

struct Program {
  std::string file;                      // a path, or a name to be found on PATH
  std::vector<std::string> arguments;    // the first is the program's own name
  std::vector<std::string> environment;  // NAME=value each
  SignalState signals;
};

// The descriptor at which a bound process finds the file that start_bound() hands to it.
inline constexpr int kHandedDescriptor = 3;

// Starts a program as the caller would be replaced by it: same process group, session, terminal and
// descriptors (those without close-on-exec). A LISTEN_PID that names the caller is made to name the
// program, so that sockets passed to the caller reach it. Error: the fork failed. A program that
// cannot be executed is not an error here: exec_errno tells.
struct Started {
  pid_t pid = -1;       // a process to be waited for, also when exec failed
  int exec_errno = 0;   // 0: the program runs
};
Result<Started> start_foreground(const Program& program);

// Starts a program that cannot outlive this process: SIGKILL reaches it when the caller dies. It
// leads a process group of its own, so no key of the terminal reaches it, and is not stopped for
// writing to the terminal; it reads nothing from stdin and prints to stderr; of the other
// descriptors it has only `handed`, as kHandedDescriptor.
Result<Started> start_bound(const Program& program, int handed);

// For a program that start_bound() started: dies with its parent also after a change of credentials,
// which clears what was armed between fork and exec. Errors: kUnavailable where the parent has died
// already; kSystem.
Result<void> die_with_parent();

// The supervisor starts its children with these held back, which are deadly before they can obey them:
// SIGHUP, SIGUSR1, SIGUSR2.
void let_signals_through() noexcept;

// Closes every descriptor above this one.
void close_above(int last_kept) noexcept;

// For a process that now and then needs memory for a moment: up to so many bytes freed stay in the heap,
// so that the next need of that size meets no page fault; blocks of a quarter of it, and larger ones,
// always go back to the system. (By default the C library gives back from 128 KiB on, and, once a large
// block was freed, keeps up to 64 MiB.)
void keep_heap_warm(std::size_t bytes) noexcept;

}  // namespace shmconf::env

#endif  // SHMCONF_ENV_PROCESS_H_
