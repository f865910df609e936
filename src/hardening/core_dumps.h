// Whether this process may be dumped: it holds the token and decoded values.
//
// Not the core limit: a crash handler that the kernel pipes dumps to gets them in spite of it, and the
// command of exec would inherit it. What is forbidden here is allowed again in whatever program the
// process executes. As long as it is forbidden, /proc/PID/{environ,mem,fd,...} belong to root, and other
// processes of the same user can neither read nor trace the process. Thread-safe.
#ifndef SHMCONF_HARDENING_CORE_DUMPS_H_
#define SHMCONF_HARDENING_CORE_DUMPS_H_

#include <cstdint>

namespace shmconf::hardening {

enum class CoreDumps : std::uint8_t { kForbidden, kAllowed };

// Returns what was set before.
CoreDumps set_core_dumps(CoreDumps wanted) noexcept;

}  // namespace shmconf::hardening

#endif  // SHMCONF_HARDENING_CORE_DUMPS_H_
