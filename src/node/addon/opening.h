// Opening: the functions of the binding that make a Reader. Described in lib/binding.js.
#ifndef SHMCONF_NODE_ADDON_OPENING_H_
#define SHMCONF_NODE_ADDON_OPENING_H_

#include "addon/js.h"

namespace shmconf::node {

napi_value open(napi_env env, napi_callback_info info);
napi_value open_backup(napi_env env, napi_callback_info info);

// Blocks a thread of libuv's pool, not the event loop. Answers a promise.
napi_value launch(napi_env env, napi_callback_info info);

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_OPENING_H_
