// Waiter: a thread that waits for a segment's next generation and calls into the event loop.
//
// It does not keep the process alive unless it is asked to, and nothing ever waits for it: once stopped,
// by stop(), by the object's end or with its environment, it calls no more, and ends within a slice of
// its waiting. The addon is never unloaded (-z nodelete), so that its code is there until then.
#ifndef SHMCONF_NODE_ADDON_WAITER_H_
#define SHMCONF_NODE_ADDON_WAITER_H_

#include "addon/js.h"

namespace shmconf::node {

// Starts the thread. Calls moved() soon after the generation is another one than `after`, and again
// whenever it has moved since. The object: keepAlive(boolean), stop().
napi_value make_waiter(napi_env env, ReaderHandle reader, napi_value moved, std::uint64_t after);

// The class, for the environment's own use.
napi_value define_waiter_class(napi_env env);

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_WAITER_H_
