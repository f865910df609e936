#include "supervisor/signal_plan.h"

namespace shmconf::supervisor {
namespace {

bool asks_for_the_end(int number) {
  return number == SIGTERM || number == SIGINT || number == SIGQUIT || number == SIGHUP;
}

bool from_terminal(const Received& received) { return received.code == SI_KERNEL; }

}  // namespace

Action action_of_run(const Received& received) {
  if (from_terminal(received) && received.ignored_before) return Action::kNothing;
  switch (received.number) {
    case SIGCHLD:
      return Action::kReap;
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
      return Action::kStop;
    case SIGHUP:
      return from_terminal(received) ? Action::kStop : Action::kReload;
    case SIGUSR1:
      return Action::kLogMore;
    case SIGUSR2:
      return Action::kLogLess;
    default:
      return Action::kNothing;
  }
}

Action action_of_exec(const Received& received, const ExecSituation& situation) {
  if (received.number == SIGCHLD) return Action::kReap;
  if (situation.command == 0) {
    if (from_terminal(received) && received.ignored_before) return Action::kNothing;
    return asks_for_the_end(received.number) ? Action::kStop : Action::kNothing;
  }
  if (from_terminal(received)) {
    const bool hung_up = received.number == SIGHUP || received.number == SIGCONT;
    return hung_up && situation.session_leader ? Action::kForward : Action::kNothing;
  }
  // A SIGPIPE of our own writing to stderr comes from ourselves.
  if (received.sender == situation.command || received.sender == situation.self) return Action::kNothing;
  return Action::kForward;
}

bool is_job_control_stop(int number) { return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU; }

}  // namespace shmconf::supervisor
