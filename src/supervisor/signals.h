// SignalInbox: this process's signals as a queue that it reads when it has time.
//
// Every signal that can be blocked is (a fault of our own still kills us: the kernel does not hold
// those back). One a process, from its only thread, before any child is started. The process's
// earlier state is kept, to be given to the programs it starts, and is not restored.
#ifndef SHMCONF_SUPERVISOR_SIGNALS_H_
#define SHMCONF_SUPERVISOR_SIGNALS_H_

#include <signal.h>

#include <array>
#include <optional>

#include "env/fd.h"
#include "env/process.h"
#include "shmconf/result.h"
#include "supervisor/child_state.h"
#include "supervisor/signal_plan.h"

namespace shmconf::supervisor {

class SignalInbox {
 public:
  // Error: kSystem.
  static Result<SignalInbox> open();

  // Sleeps until a signal is there or `until` has come.
  void wait(Time until) const;

  // The next signal, or nullopt when none is there. Does not block.
  [[nodiscard]] std::optional<Received> next() const;

  // The signal state that the caller of this process had chosen.
  [[nodiscard]] const env::SignalState& before() const noexcept { return before_; }

 private:
  env::Fd fd_;
  env::SignalState before_{};
  std::array<bool, NSIG> ignored_{};
};

// The state of a process that nobody prepared: nothing blocked, SIGCHLD not ignored.
env::SignalState plain_signals();

// Stops this process as the terminal's Ctrl-Z would, until it is continued. Nothing happens where
// there is no shell to continue it (an orphaned process group; the kernel knows).
void stop_for_job_control();

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_SIGNALS_H_
