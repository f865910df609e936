// `shmconf get KEY`: one value on stdout.
//
// With a newline behind it, or exactly its bytes (--raw); the default, when the key is absent, in the
// same way. A default stands in for a key, never for a configuration that cannot be read.
#ifndef SHMCONF_CLI_GET_H_
#define SHMCONF_CLI_GET_H_

#include <string>

#include "cli/command_line.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::cli {

// The command's exit code; complaints are on stderr by then.
int run_get(const GetOptions& options);

// All that Consul said of the key, as `consul kv get -detailed` prints it.
std::string detailed_text(const Entry& entry);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_GET_H_
