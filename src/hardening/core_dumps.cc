#include "hardening/core_dumps.h"

#include <sys/prctl.h>

namespace shmconf::hardening {

CoreDumps set_core_dumps(CoreDumps wanted) noexcept {
  const bool allowed = ::prctl(PR_GET_DUMPABLE) == 1;
  ::prctl(PR_SET_DUMPABLE, wanted == CoreDumps::kAllowed ? 1 : 0);
  return allowed ? CoreDumps::kAllowed : CoreDumps::kForbidden;
}

}  // namespace shmconf::hardening
