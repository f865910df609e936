// `shmconf dump [FILE]`: the whole configuration, of the running service or of a backup file.
//
// A line "key=value" each, both escaped as console.h does it ('=' in a key as well), or with --json
// the array that `consul kv export` prints, which `shmconf pack` and `consul kv import` read. What
// JSON documents expand to is left out: it is made again from them. Without --show-secrets, secrets
// are masked (display/secrets.h), in the array in a way that says so and that neither of the two reads; a
// line on stderr tells how many.
#ifndef SHMCONF_CLI_DUMP_H_
#define SHMCONF_CLI_DUMP_H_

#include "cli/command_line.h"

namespace shmconf::cli {

// The command's exit code; complaints are on stderr by then.
int run_dump(const DumpOptions& options);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_DUMP_H_
