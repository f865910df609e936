// PackedSnapshot: a Snapshot of a few keys, as the tools would read it from a backup file.
#ifndef SHMCONF_TESTS_UNIT_CLI_PACKED_SNAPSHOT_H_
#define SHMCONF_TESTS_UNIT_CLI_PACKED_SNAPSHOT_H_

#include <vector>

#include "cli/pack_input.h"
#include "shmconf/reader.h"

namespace shmconf::cli {

class PackedSnapshot {
 public:
  // Packs the keys, which are sorted, into a file that is gone again when this returns. Where that
  // fails, so does the test.
  explicit PackedSnapshot(const std::vector<PackedKey>& keys);

  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }

 private:
  Snapshot snapshot_;
};

}  // namespace shmconf::cli

#endif  // SHMCONF_TESTS_UNIT_CLI_PACKED_SNAPSHOT_H_
