// GroupAccess: who may read files and directories: their owner and, if there is one, a group.
#ifndef SHMCONF_SHM_GROUP_ACCESS_H_
#define SHMCONF_SHM_GROUP_ACCESS_H_

#include <sys/types.h>

#include <optional>

#include "env/env.h"
#include "shmconf/result.h"

namespace shmconf::shm {

// Gives what was just made to the group, if there is one, with this mode, of which the process's umask
// may have taken the group's part: the setting is the operator's word, and the umask only a default.
// Without a group, what the umask has left stays. Errors: kDenied, kSystem.
inline Result<void> give_to_group(env::Env& env, int fd, std::optional<gid_t> group, mode_t mode) {
  if (!group) return {};
  if (auto given = env.set_group(fd, *group); !given) return given;
  return env.set_mode(fd, mode);
}

// The same for what was there before, and for it to be taken from a group or from others who had it.
inline Result<void> give_access(env::Env& env, int fd, const env::FileInfo& info, std::optional<gid_t> group,
                                mode_t mode) {
  const mode_t beyond = info.mode & 0777 & ~mode;
  if (!group) return beyond == 0 ? Result<void>() : env.set_mode(fd, info.mode & mode);
  return info.group == *group && (info.mode & 0777) == mode ? Result<void>() : give_to_group(env, fd, group, mode);
}

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_GROUP_ACCESS_H_
