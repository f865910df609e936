// Publisher: puts a configuration into a segment, one whole generation at a time.
//
// Killed at any instruction, readers see the old generation or the new one. Two processes may
// publish into one segment: the rule of sync counts keeps either from undoing the other's newer
// state. Not thread-safe; one a process.
#ifndef SHMCONF_SHM_PUBLISHER_H_
#define SHMCONF_SHM_PUBLISHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "env/env.h"
#include "shm/content.h"
#include "shm/segment.h"
#include "shmconf/result.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::shm {

enum class Outcome : std::uint8_t {
  kPublished,  // a new generation is visible
  kUnchanged,  // the segment holds this content already; its sync count moved
  kMoved,      // another publisher compared with Consul since the note: read all sources again
  kEmpty,      // the content is empty and must not replace what is there (or count as a first one)
  kOccupied,   // restore only: the segment holds a sound snapshot, which is newer than a backup
};

class Publisher {
 public:
  // Attaches to segment, which must outlive this object, as role. Removes what a killed
  // predecessor of this role left half-built, verifies the snapshot that is there (an unsound one
  // counts as none), and wakes waiting readers.
  static Result<Publisher> attach(env::Env& env, Segment& segment, format::Role role);

  Publisher(Publisher&&) noexcept;
  Publisher& operator=(Publisher&&) noexcept;
  ~Publisher();

  // The sync count. Take it before Consul is asked for any part of what will be published.
  [[nodiscard]] std::uint64_t note() const noexcept;

  struct Options {
    bool allow_empty = false;
    // A generation that the caller has found to differ from the content; 0: it has not compared.
    std::uint64_t differs_from = 0;
  };
  // Fills content.pointers; called only when the keys differ from what is published.
  using Expand = std::function<void(Content&)>;

  // Publishes content, which was read from Consul after `noted` was taken. On kPublished and
  // kUnchanged, noted becomes the count that this call left, so a state that is kept up to date
  // needs no new note as long as only this process moves the count. Never blocks longer than two
  // seconds. On an error the old generation stays. Errors: kNoSpace (the tmpfs is full,
  // also after the previous generation was dropped), kTimeout (another process holds the lock and
  // does not move), kInvalid (beyond the format's limits), kDenied, kSystem.
  Result<Outcome> publish(Content& content, std::uint64_t& noted, Options options, const Expand& expand);

  // Publishes the bytes of a verified backup as a new generation of origin kBackup, only if the
  // segment holds no sound snapshot. Does not move the sync count.
  Result<Outcome> restore(const SnapshotView& backup);

  // Makes the file of the next generation ahead, where its size and the tmpfs allow: publishing it
  // is faster then, and readers can map it before they need it. Costs about as much as publishing;
  // call it when there is time. Only watch does: one such file is enough.
  void prepare_next();

  // The snapshot that is published now, mapped by this process, or nullopt when there is none that
  // is sound. Valid until the next call of any method.
  [[nodiscard]] std::optional<SnapshotView> current();

 private:
  struct State;
  explicit Publisher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_PUBLISHER_H_
