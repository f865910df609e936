// LastGood: what Consul's answers are compared with before they are believed: the configuration that is
// published, or, where nothing is published, the backup.
//
// Not thread-safe. Blocks on the disk, once until forget().
#ifndef SHMCONF_SOURCES_LAST_GOOD_H_
#define SHMCONF_SOURCES_LAST_GOOD_H_

#include <cstdint>
#include <optional>

#include "backup/store.h"
#include "shmconf/snapshot_view.h"
#include "sources/publish_target.h"

namespace shmconf::sources {

class LastGood {
 public:
  // backup may be null; else it outlives this object.
  LastGood(backup::Store* backup, std::uint64_t sources_hash) : backup_(backup), sources_hash_(sources_hash) {}

  // Only what came from the same sources. Valid until the next call, and as target.current() is. Errors:
  // kNoSpace, kSystem, of a backup that could not be looked at: whether there is a last good one is not known.
  Result<std::optional<SnapshotView>> find(PublishTarget& target);
  // Gives the memory of the backup back, and reads it again next time.
  void forget();

 private:
  backup::Store* backup_;
  std::uint64_t sources_hash_;
  bool looked_ = false;
  std::optional<backup::Loaded> loaded_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_LAST_GOOD_H_
