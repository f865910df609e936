// Segment: the place of one service's shared memory, as the sidecar's processes see it: the
// directory <root>/<name>/, the lock file beside it, and the control page mapped for writing.
//
// Move-only; one a process; not thread-safe. Locks and mapping end with the object. Creating,
// replacing and removing take the publish lock for their moment.
#ifndef SHMCONF_SHM_SEGMENT_H_
#define SHMCONF_SHM_SEGMENT_H_

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "env/env.h"
#include "env/fd.h"
#include "shmconf/format.h"
#include "shmconf/result.h"

namespace shmconf::shm {

// Where a service's segment is, and who may read it.
struct Place {
  std::string root;              // directory of all services
  bool root_is_default = false;  // then it is made when missing and must belong to the effective user
  std::string name;              // validated by the settings
  std::optional<gid_t> group;    // its members may read; none: the owner alone
};

// A held lock; released when destroyed. It may outlive its Segment.
class ByteLock {
 public:
  ByteLock() = default;
  ByteLock(env::Env& env, std::shared_ptr<const env::Fd> file, format::LockByte byte)
      : env_(&env), file_(std::move(file)), byte_(byte) {}
  ByteLock(ByteLock&& other) noexcept;
  ByteLock& operator=(ByteLock&& other) noexcept;
  ~ByteLock();
  [[nodiscard]] bool held() const noexcept { return env_ != nullptr; }

 private:
  env::Env* env_ = nullptr;
  std::shared_ptr<const env::Fd> file_;
  format::LockByte byte_ = format::LockByte::kPublish;
};

class Segment {
 public:
  // Opens the place, making root (if it is the default one), directory, lock file and control page
  // where they are missing. A page that is unsound or of another boot is retired and replaced; a
  // sound one is kept, with its readers, who are woken. Errors: kDenied for wrong owners, modes or
  // symlinks; kNoSpace; kTimeout when the publish lock stays taken; kSystem.
  static Result<Segment> attach(env::Env& env, Place place);

  Segment(Segment&&) noexcept;
  Segment& operator=(Segment&&) noexcept;
  ~Segment();

  [[nodiscard]] const Place& place() const noexcept;
  [[nodiscard]] format::ControlPage& page() const noexcept;
  [[nodiscard]] format::RoleState& role(format::Role role) const noexcept;
  // Descriptor of <root>/<name>/; lives as long as the segment.
  [[nodiscard]] int directory() const noexcept;

  // The lock that a role holds for life. An empty ByteLock (held() false): another process has it.
  // When the lock file itself is replaced, renew_if_replaced() takes the same byte of the new one.
  [[nodiscard]] Result<ByteLock> try_lock(format::LockByte byte);
  // Waits at most timeout. Error: kTimeout, when a holder was stopped.
  [[nodiscard]] Result<ByteLock> lock(format::LockByte byte, std::chrono::milliseconds timeout);

  // Looks whether the path still leads to this page, and the page is not retired. If not (the
  // directory was removed or replaced under us): retires the orphan, so that its readers look
  // again, and attaches anew. True: it was
  // renewed, and must be published to again. Error kDenied: meanwhile another process took a lock
  // that this one held for life; end.
  Result<bool> renew_if_replaced();

  // Ends the segment: retires the page, wakes its readers, removes files and directory. The lock
  // file stays.
  Result<void> remove();

  // Wakes everyone who waits for a new generation.
  void wake() const;

 private:
  struct State;
  explicit Segment(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_SEGMENT_H_
