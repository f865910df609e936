// Users: who keeps a launched sidecar alive. Each user holds <root>/.<name>.users locked shared
// (launched readers, see src/reader/users.h; exec; a launcher while it waits). The sidecar ends when
// it can lock the file alone, and holds it so until it has ended: who comes meanwhile waits.
//
// Move-only; not thread-safe. The lock ends with the object, and with the last process that has
// inherited its descriptor by fork.
#ifndef SHMCONF_SUPERVISOR_USERS_H_
#define SHMCONF_SUPERVISOR_USERS_H_

#include <vector>

#include "env/env.h"
#include "env/fd.h"
#include "shm/segment.h"
#include "shmconf/result.h"

namespace shmconf::supervisor {

class Users {
 public:
  // Without being one. Makes the root directory and the file where they are missing. Errors:
  // kDenied, kNoSpace, kSystem.
  static Result<Users> open(env::Env& env, const shm::Place& place);

  // As one of them. Waits, 10 s at most, while a sidecar that ends holds the file. Errors: also
  // kTimeout.
  static Result<Users> join(env::Env& env, const shm::Place& place);

  // Whether nobody else is left, from now until this object goes. If somebody is, this one is no
  // user any more either. Does not block.
  bool alone();

 private:
  Users(env::Env& env, shm::Place place) : env_(&env), place_(std::move(place)) {}
  Result<void> take_file();
  [[nodiscard]] bool is_replaced() const;

  env::Env* env_;
  shm::Place place_;
  std::vector<env::Fd> files_;  // more than one where the file was removed under its users
};

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_USERS_H_
