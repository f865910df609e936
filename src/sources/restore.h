// Restore: the backup into a segment that holds nothing, while Consul does not supply it.
#ifndef SHMCONF_SOURCES_RESTORE_H_
#define SHMCONF_SOURCES_RESTORE_H_

#include <cstdint>
#include <string>

#include "backup/store.h"
#include "shmconf/result.h"
#include "sources/publish_target.h"

namespace shmconf::sources {

// Publishes the backup if the segment holds no sound snapshot. sources_hash: of the settings' sources;
// a backup of others is refused (kInvalid), except a packed one, which is the operator's own word.
// Returns what happened in words for the log; empty: nothing had to be done. Errors as
// Store::load() and Publisher::restore().
Result<std::string> restore_if_empty(PublishTarget& target, backup::Store& backup, std::uint64_t sources_hash);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_RESTORE_H_
