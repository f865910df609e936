// The loop of `run`, for a sidecar that was launched.
#ifndef SHMCONF_SUPERVISOR_RUN_H_
#define SHMCONF_SUPERVISOR_RUN_H_

#include "shmconf/result.h"
#include "supervisor/claim.h"
#include "supervisor/supervisor.h"
#include "supervisor/users.h"

namespace shmconf::supervisor {

// As run(), but until the name has no users any more, and then the segment goes too. Tells no service
// manager. Requires the claim to be held, and users to be open and no user itself.
Result<void> run_for_users(const Options& options, Claim claim, Users users);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_RUN_H_
