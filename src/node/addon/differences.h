// Differences: which keys two snapshots disagree about.
#ifndef SHMCONF_NODE_ADDON_DIFFERENCES_H_
#define SHMCONF_NODE_ADDON_DIFFERENCES_H_

#include "addon/js.h"

namespace shmconf::node {

// The keys whose value or flags differ, as an array of strings: the one that is path and those below
// "path/"; of all keys where path is empty. Stops where bytes are not sound: what follows is not gone.
napi_value changed_keys(napi_env env, const shmconf_snapshot* before, const shmconf_snapshot* after,
                        const std::string& path);

// Whether the value or flags of one key differ.
bool is_changed(const shmconf_snapshot* before, const shmconf_snapshot* after, const std::string& key) noexcept;

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_DIFFERENCES_H_
