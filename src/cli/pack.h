// `shmconf pack IN --output OUT`: a backup file from JSON.
//
// It is restored like any other backup, whatever the sources of the service are. The file is replaced
// as a whole; what it held before is kept beside it as .prev. With a key file it is encrypted; of what was
// there before, only what is encrypted too is kept as .prev, and what is not is deleted.
#ifndef SHMCONF_CLI_PACK_H_
#define SHMCONF_CLI_PACK_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/pack_input.h"
#include "shmconf/result.h"

namespace shmconf::cli {

// A snapshot as it goes into a backup file.
struct Packed {
  std::vector<std::byte> bytes;
  std::uint64_t key_count = 0;
  std::uint64_t pointer_count = 0;     // into JSON documents
  std::vector<std::string> warnings;  // a line for each document that was not opened up
};

// Packs sorted keys, as a sidecar with these sources would take them from Consul; without sources,
// each key by its whole name. wall is the time that the snapshot will tell. Error kInvalid: no keys
// are left, or one is beyond the format's limits.
Result<Packed> pack_keys(const std::vector<PackedKey>& keys, const std::vector<settings::Source>& sources,
                         std::chrono::nanoseconds wall);

// The command's exit code; complaints are on stderr by then.
int run_pack(const PackOptions& options);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_PACK_H_
