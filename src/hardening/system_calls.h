// The system calls that watch and heartbeat may make. For confine().
#ifndef SHMCONF_HARDENING_SYSTEM_CALLS_H_
#define SHMCONF_HARDENING_SYSTEM_CALLS_H_

#include "shmconf/result.h"

namespace shmconf::hardening {

// From now on every other system call fails with EPERM, in threads that start later, too; none kills.
// Requires no_new_privs, or CAP_SYS_ADMIN. Error: kSystem or kDenied when the kernel has no filters or
// does not let this process have one.
Result<void> restrict_system_calls();

}  // namespace shmconf::hardening

#endif  // SHMCONF_HARDENING_SYSTEM_CALLS_H_
