// GroupAccess: files and directories that a group may read.
#ifndef SHMCONF_SHM_GROUP_ACCESS_H_
#define SHMCONF_SHM_GROUP_ACCESS_H_

#include <sys/types.h>

#include <optional>

#include "env/env.h"
#include "shmconf/result.h"

namespace shmconf::shm {

// Gives what was just made to the group, if there is one, with this mode, of which the process's umask
// may have taken the group's part. Errors: kDenied, kSystem.
inline Result<void> give_to_group(env::Env& env, int fd, std::optional<gid_t> group, mode_t mode) {
  if (!group) return {};
  if (auto given = env.set_group(fd, *group); !given) return given;
  return env.set_mode(fd, mode);
}

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_GROUP_ACCESS_H_
