// ChangeList: in words, which keys a new configuration changes; for the log. Never a value.
//
// Pure function; thread-safe.
#ifndef SHMCONF_SOURCES_CHANGE_LIST_H_
#define SHMCONF_SOURCES_CHANGE_LIST_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "shm/content.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::sources {

// Like "2 changed, 1 deleted: a/b, c, d". Names at most `most` keys, cut and printable. Nothing
// published: all are added.
[[nodiscard]] std::string list_changes(const std::optional<SnapshotView>& published, std::span<const shm::Item> keys,
                                       std::size_t most = 8);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_CHANGE_LIST_H_
