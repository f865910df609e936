#include "supervisor/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "env/env.h"

namespace shmconf::supervisor {

Result<SignalInbox> SignalInbox::open() {
  SignalInbox inbox;
  sigset_t all;
  ::sigfillset(&all);
  if (::sigprocmask(SIG_SETMASK, &all, &inbox.before_.mask) < 0) {
    return env::system_error(errno, "block", "signals");
  }
  inbox.fd_ = env::Fd(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!inbox.fd_.valid()) return env::system_error(errno, "make a descriptor for", "signals");
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0) {
      inbox.ignored_[static_cast<std::size_t>(number)] = action.sa_handler == SIG_IGN;
    }
  }
  // Where SIGCHLD is ignored the kernel throws away how children ended.
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  if (::sigaction(SIGCHLD, &action, &inbox.before_.child_action) < 0) {
    return env::system_error(errno, "take", "SIGCHLD");
  }
  return inbox;
}

void SignalInbox::wait(Time until) const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd waited{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  ::poll(&waited, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
}

std::optional<Received> SignalInbox::next() const {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  Received received{.number = static_cast<int>(info.ssi_signo),
                    .code = info.ssi_code,
                    .sender = static_cast<pid_t>(info.ssi_pid),
                    .value = {},
                    .ignored_before = info.ssi_signo < ignored_.size() && ignored_[info.ssi_signo]};
  received.value.sival_ptr = reinterpret_cast<void*>(info.ssi_ptr);
  return received;
}

env::SignalState plain_signals() {
  env::SignalState state{};
  ::sigemptyset(&state.mask);
  state.child_action.sa_handler = SIG_DFL;
  return state;
}

void stop_for_job_control() {
  struct sigaction ordinary {};
  ordinary.sa_handler = SIG_DFL;
  struct sigaction earlier {};
  ::sigaction(SIGTSTP, &ordinary, &earlier);
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTSTP);
  ::raise(SIGTSTP);
  ::sigprocmask(SIG_UNBLOCK, &stop, nullptr);  // stops here
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
  ::sigaction(SIGTSTP, &earlier, nullptr);
}

}  // namespace shmconf::supervisor
