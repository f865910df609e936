#include "unit/cli/packed_snapshot.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <utility>
#include <vector>

#include "cli/pack.h"
#include "harness/temp_directory.h"

namespace shmconf::cli {

PackedSnapshot::PackedSnapshot(const std::vector<PackedKey>& keys) {
  const harness::TempDirectory directory;
  const Result<Packed> packed = pack_keys(keys, {}, std::chrono::seconds{1'700'000'000});
  if (!packed) {
    ADD_FAILURE() << packed.error().text;
    return;
  }
  const std::string file = directory / "packed.snapshot";
  const auto* bytes = reinterpret_cast<const char*>(packed->bytes.data());
  std::ofstream(file, std::ios::binary).write(bytes, static_cast<std::streamsize>(packed->bytes.size()));
  const Result<Reader> reader = Reader::open_backup(file);
  if (!reader) {
    ADD_FAILURE() << reader.error().text;
    return;
  }
  snapshot_ = reader->snapshot();
}

}  // namespace shmconf::cli
