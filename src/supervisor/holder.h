// Who supervises a name: a line in its lock file, for messages only. The lock itself decides.
//
// Not thread-safe. Blocks on the file system only.
#ifndef SHMCONF_SUPERVISOR_HOLDER_H_
#define SHMCONF_SUPERVISOR_HOLDER_H_

#include <string>
#include <string_view>

#include "env/env.h"
#include "shm/segment.h"

namespace shmconf::supervisor {

// Writes "`command`, pid N" into the lock file of place. Requires the supervisor's lock. A failure
// costs the next refusal its detail and nothing else, so it is not reported.
void name_holder(env::Env& env, const shm::Place& place, std::string_view command);

// What the holder wrote, such as "run, pid 4711", or "an unnamed process".
std::string holder(env::Env& env, const shm::Place& place);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_HOLDER_H_
