#include "supervisor/claim.h"

#include <utility>

#include "supervisor/holder.h"

namespace shmconf::supervisor {

Result<Claim> Claim::open(env::Env& env, shm::Place place, std::string_view command) {
  auto segment = shm::Segment::attach(env, std::move(place));
  if (!segment) return segment.error();
  Claim claim(std::move(*segment));
  if (auto tried = claim.try_again(env, command); !tried) return tried.error();
  return claim;
}

Result<void> Claim::try_again(env::Env& env, std::string_view command) {
  auto lock = segment_->try_lock(format::LockByte::kSupervisor);
  if (!lock) return lock.error();
  if (!lock->held()) return {};
  lock_ = std::move(*lock);
  name_holder(env, place(), command);
  return {};
}

}  // namespace shmconf::supervisor
