// PublishTarget: the segment that one process of the sidecar publishes into, its lock for the
// process's life, and its publisher.
//
// The segment may be replaced under the process (directory removed, page retired): renew() looks and
// attaches anew, and epoch() then moves; what was noted of the segment before is void. Stays where it
// was made; not thread-safe. Views of a snapshot end with renew() too.
#ifndef SHMCONF_SOURCES_PUBLISH_TARGET_H_
#define SHMCONF_SOURCES_PUBLISH_TARGET_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "env/env.h"
#include "shm/publisher.h"
#include "shm/segment.h"
#include "shmconf/format.h"
#include "shmconf/result.h"

namespace shmconf::sources {

class PublishTarget {
 public:
  // Attaches, and takes the role's lock. Error kDenied when another process of this role runs; else
  // as Segment::attach().
  static Result<std::unique_ptr<PublishTarget>> attach(env::Env& env, shm::Place place, format::Role role);

  PublishTarget(const PublishTarget&) = delete;
  PublishTarget& operator=(const PublishTarget&) = delete;

  // Looks whether the segment is still the one at its place, and attaches what is missing. Returns
  // whether epoch() moved since the call before, by this call or by check_snapshot(). Error: there is
  // no publisher for now; call again.
  Result<bool> renew();
  // The publisher checks the snapshot that is there; if it is damaged, retires the page, and attaches
  // anew. epoch() moves. Error: as renew().
  Result<void> check_snapshot();

  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] shm::Segment& segment() noexcept { return segment_; }
  [[nodiscard]] format::Role role() const noexcept { return role_; }
  // Null while the segment could not be attached.
  [[nodiscard]] shm::Publisher* publisher() noexcept { return publisher_ ? &*publisher_ : nullptr; }
  [[nodiscard]] std::chrono::nanoseconds wall_now() const { return env_->wall_now(); }
  // What is published; none also while there is no publisher.
  [[nodiscard]] std::optional<SnapshotView> current();

 private:
  PublishTarget(env::Env& env, shm::Segment segment, shm::ByteLock lock, format::Role role)
      : env_(&env), segment_(std::move(segment)), lock_(std::move(lock)), role_(role) {}

  env::Env* env_;
  shm::Segment segment_;
  shm::ByteLock lock_;
  format::Role role_;
  std::optional<shm::Publisher> publisher_;
  std::uint64_t epoch_ = 1;
  std::uint64_t told_epoch_ = 1;  // by the last renew()
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_PUBLISH_TARGET_H_
