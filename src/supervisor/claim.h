// Claim: a name's segment, with the right to supervise it or without.
//
// Move-only; not thread-safe. The right ends with the object.
#ifndef SHMCONF_SUPERVISOR_CLAIM_H_
#define SHMCONF_SUPERVISOR_CLAIM_H_

#include <memory>
#include <string_view>

#include "env/env.h"
#include "shm/segment.h"
#include "shmconf/result.h"

namespace shmconf::supervisor {

class Claim {
 public:
  // Attaches to the segment of place and tries to take the supervisor's lock as `command`. Errors: as
  // Segment::attach().
  static Result<Claim> open(env::Env& env, shm::Place place, std::string_view command);

  // Tries again to take the lock. Error: kSystem.
  Result<void> try_again(env::Env& env, std::string_view command);

  // Lets others have the right; the segment stays.
  void release() { lock_ = shm::ByteLock(); }

  [[nodiscard]] bool held() const noexcept { return lock_.held(); }
  [[nodiscard]] shm::Segment& segment() noexcept { return *segment_; }
  [[nodiscard]] const shm::Place& place() const noexcept { return segment_->place(); }

 private:
  explicit Claim(shm::Segment segment) : segment_(std::make_unique<shm::Segment>(std::move(segment))) {}

  std::unique_ptr<shm::Segment> segment_;  // others refer to it: it stays where it is
  shm::ByteLock lock_;
};

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_CLAIM_H_
