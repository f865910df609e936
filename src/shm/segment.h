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

// Opens the root directory of place, which is made where it is missing (its parent is not). Errors:
// kAbsent, kDenied when it is the default one and another user's, kNoSpace, kSystem.
Result<env::Fd> open_root(env::Env& env, const Place& place);

// Opens the lock file of place, which is made where it is missing. Errors: as Segment::attach().
Result<env::Fd> open_lock_file(env::Env& env, const Place& place);

// A held lock; released when destroyed. It may outlive its Segment.
class ByteLock {
 public:
  struct Hold;  // what is held; a life lock's moves with its segment to another lock file

  ByteLock() = default;
  explicit ByteLock(std::shared_ptr<Hold> hold) : hold_(std::move(hold)) {}
  ByteLock(ByteLock&&) noexcept = default;
  ByteLock& operator=(ByteLock&&) noexcept = default;
  [[nodiscard]] bool held() const noexcept { return hold_ != nullptr; }

 private:
  std::shared_ptr<Hold> hold_;
};

class Segment {
 public:
  // Opens the place, making root (if it is the default one), directory, lock file and control page
  // where they are missing. A page that is unsound or of another boot is retired and replaced; a
  // sound one is kept, with its readers, who are woken. Errors: kDenied for wrong owners, modes,
  // symlinks or hard links, naming the path and what to do; kNoSpace; kTimeout when the publish lock
  // stays taken; kSystem.
  static Result<Segment> attach(env::Env& env, Place place);

  Segment(Segment&&) noexcept;
  Segment& operator=(Segment&&) noexcept;
  ~Segment();

  [[nodiscard]] const Place& place() const noexcept;
  // The page; or a retired one in its place, once somebody has cut its file short. One system call.
  [[nodiscard]] format::ControlPage& page() const noexcept;
  [[nodiscard]] format::RoleState& role(format::Role role) const noexcept;
  [[nodiscard]] format::RoleCounters& counters(format::Role role) const noexcept;
  // Descriptor of <root>/<name>/; lives as long as the segment.
  [[nodiscard]] int directory() const noexcept;

  // The lock that a role holds for life. An empty ByteLock (held() false): another process has it.
  // When the lock file itself is replaced, renew_if_replaced() takes the same byte of the new one.
  [[nodiscard]] Result<ByteLock> try_lock(format::LockByte byte);
  // Gives a segment of before, and the default root, to those whom place() lets read; takes it from
  // others. For who holds a role for life: the access to another process's segment is not to be changed.
  // Errors: kDenied, kTimeout, kSystem.
  Result<void> give_access();

  // Waits at most timeout. Error: kTimeout, when a holder was stopped.
  [[nodiscard]] Result<ByteLock> lock(format::LockByte byte, std::chrono::milliseconds timeout);

  // Looks whether the paths still lead to this page and lock file, and the page is not retired. If not
  // (something was removed, replaced or cut short under us): retires an orphaned page, so that its
  // readers look again, and attaches anew, with the locks that are held for life. True: the page was renewed, and
  // must be published to again. Error kDenied, then and at every later call until that process ends:
  // another one took such a lock meanwhile; end, and leave the segment to it.
  Result<bool> renew_if_replaced();

  // Ends the segment: retires the page, wakes its readers, removes its files and, unless it holds
  // others (of another version, say), the directory. The lock file stays. Error kDenied: the segment
  // is another process's by now, see renew_if_replaced(), and stays.
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
