// Status: what shmconf_get_status() tells, as an object for lib/status.js.
#ifndef SHMCONF_NODE_ADDON_STATUS_H_
#define SHMCONF_NODE_ADDON_STATUS_H_

#include "addon/js.h"

namespace shmconf::node {

// Ages and times in milliseconds, null where there is none.
napi_value make_status(napi_env env, shmconf_reader* reader) noexcept;

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_STATUS_H_
