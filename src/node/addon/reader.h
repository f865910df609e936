// Reader: what follows a segment, for one environment. The class `binding.Reader`; its functions are
// described in lib/binding.js.
#ifndef SHMCONF_NODE_ADDON_READER_H_
#define SHMCONF_NODE_ADDON_READER_H_

#include "addon/js.h"

namespace shmconf::node {

napi_value make_reader(napi_env env, ReaderHandle handle);

// The class, for the environment's own use.
napi_value define_reader_class(napi_env env);

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_READER_H_
