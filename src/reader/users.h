// Users: the lock that keeps a launched sidecar alive, <root>/.<name>.users, held shared.
//
// The kernel drops it when the last process that has the descriptor closed it or died; a child made
// by fork() has it too. Move-only. Taking it blocks while a sidecar that ends holds it.
#ifndef SHMCONF_READER_USERS_H_
#define SHMCONF_READER_USERS_H_

#include <utility>

#include "reader/locate.h"
#include "reader/region.h"
#include "shmconf/result.h"

namespace shmconf::reader {

class Users {
 public:
  // Errors: kAbsent (there is no root directory yet), kDenied, kTimeout, kNoSpace, kSystem.
  static Result<Users> join(const Location& location);

 private:
  explicit Users(Descriptor file) noexcept : file_(std::move(file)) {}

  Descriptor file_;
};

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_USERS_H_
