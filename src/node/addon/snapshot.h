// Snapshot: one generation, held until free() or until the object is collected. The class
// `binding.Snapshot`; its functions are described in lib/binding.js.
#ifndef SHMCONF_NODE_ADDON_SNAPSHOT_H_
#define SHMCONF_NODE_ADDON_SNAPSHOT_H_

#include "addon/js.h"

namespace shmconf::node {

napi_value make_snapshot(napi_env env, SnapshotHandle handle);

// The class, for the environment's own use.
napi_value define_snapshot_class(napi_env env);

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_SNAPSHOT_H_
