// Examiner: compares a new configuration with the last good one: what it changes, and whether what it
// lacks can be believed.
//
// Not thread-safe. Blocks on the disk where nothing is published, as LastGood does.
#ifndef SHMCONF_SOURCES_EXAMINER_H_
#define SHMCONF_SOURCES_EXAMINER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "backup/store.h"
#include "settings/settings.h"
#include "shm/content.h"
#include "shmconf/result.h"
#include "shmconf/snapshot_view.h"
#include "sources/change_list.h"
#include "sources/last_good.h"
#include "sources/publish_target.h"
#include "sources/read_limits.h"
#include "sources/source_states.h"
#include "sources/stand_still.h"
#include "sources/vanished.h"

namespace shmconf::sources {

struct Evidence {
  Suspects suspects;
  bool stands = true;  // false: what is missing may still be on its way
  ChangeList changes;
  std::uint64_t differs_from = 0;  // the published generation, if the content is another one
  std::vector<std::size_t> documents;  // positions of the content's keys that may_be_document()
};

class Examiner {
 public:
  // settings, states and backup, which may be null, outlive it.
  Examiner(const settings::Settings& settings, const ReadLimits& limits, const SourceStates& states,
           backup::Store* backup);

  // published is target.current(); content what the states make together. Errors: as LastGood::find().
  [[nodiscard]] Result<Evidence> examine(PublishTarget& target, const std::optional<SnapshotView>& published,
                                         const shm::Content& content);

  // What was examined last is the last good configuration now.
  void believe();
  // Gives the memory of the backup back.
  void forget_backup() { last_good_.forget(); }

 private:
  const settings::Settings& settings_;
  const std::uint64_t hash_;
  const SourceStates& states_;
  LastGood last_good_;
  StandStill stand_still_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_EXAMINER_H_
