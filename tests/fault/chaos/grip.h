// Grip: signals for a process that is not our child, as long as it lives and never for another one
// that got its number. Movable; an empty one signals nobody. Not thread-safe.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_GRIP_H_
#define SHMCONF_TESTS_FAULT_CHAOS_GRIP_H_

#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "env/fd.h"

namespace shmconf::chaos {

class Grip {
 public:
  Grip() = default;
  explicit Grip(pid_t pid) : pidfd_(pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1) {}

  // False: there is no such process any more.
  bool send(int signal) const {
    return pidfd_.valid() && ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0;
  }

 private:
  env::Fd pidfd_;
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_GRIP_H_
