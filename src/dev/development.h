// The processes of `shmconf dev`: the endpoint on its own, or as the child of a sidecar's supervisor.
//
// Call from main, in a process with one thread, with nothing started before.
#ifndef SHMCONF_DEV_DEVELOPMENT_H_
#define SHMCONF_DEV_DEVELOPMENT_H_

#include <string>

#include "dev/endpoint.h"
#include "shmconf/result.h"

namespace shmconf::dev {

// Serves until SIGTERM or SIGINT. Prints "listening on URL" as the first line of stdout, and that
// this is for development on stderr. Errors: as run_endpoint().
Result<void> serve(const EndpointOptions& options);

// Forks a process that serves and cannot outlive this one. Returns its URL once it listens. Errors:
// as run_endpoint(), and kSystem.
Result<std::string> start_bound_endpoint(const EndpointOptions& options);

}  // namespace shmconf::dev

#endif  // SHMCONF_DEV_DEVELOPMENT_H_
