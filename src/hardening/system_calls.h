// The system calls that watch, heartbeat and serve may make. For confine().
#ifndef SHMCONF_HARDENING_SYSTEM_CALLS_H_
#define SHMCONF_HARDENING_SYSTEM_CALLS_H_

#include "shmconf/result.h"

namespace shmconf::hardening {

// accepts: connections too, on a socket that listens already. From now on every other system call fails with EPERM, in threads that start later, too; none kills.
// Requires no_new_privs, or CAP_SYS_ADMIN. Error: kSystem or kDenied when the kernel has no filters or
// does not let this process have one.
Result<void> restrict_system_calls(bool accepts = false);

}  // namespace shmconf::hardening

#endif  // SHMCONF_HARDENING_SYSTEM_CALLS_H_
