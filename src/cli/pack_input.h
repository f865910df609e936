// The JSON that `shmconf pack` reads and `shmconf dump --json` writes.
//
// Pure functions; thread-safe. Memory grows with the text, time linearly with it.
#ifndef SHMCONF_CLI_PACK_INPUT_H_
#define SHMCONF_CLI_PACK_INPUT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shmconf/result.h"

namespace shmconf::cli {

struct PackedKey {
  std::string key;
  std::string value;
  std::uint64_t flags = 0;

  bool operator==(const PackedKey&) const = default;
};

// Reads either an object of texts, {"key": "text"}, or the array of `consul kv export`,
// [{"key", "flags", "value": base64}]; the array of Consul's HTTP API, which spells the members in
// capitals and adds indexes, counts as one. Sorted by key. Error kInvalid, which says where and what
// to write instead: not JSON, another shape, a key twice, an empty key, flags beyond 64 bits, not
// base64; or an element whose value is masked, as `shmconf dump` without --show-secrets marks it. Values
// are never repeated in it.
Result<std::vector<PackedKey>> parse_pack_input(std::string_view json);

// One element of the array that `consul kv export` prints, indented as it prints it. Error kInvalid:
// the key is not UTF-8, which JSON cannot carry.
Result<std::string> export_entry(std::string_view key, std::uint64_t flags, std::string_view value);

// The same for a value that is not shown: {"key", "flags", "masked": true, "value": masked text}. The text
// is no base64, so that neither pack nor `consul kv import` can take it for a value. Error as above.
Result<std::string> masked_entry(std::string_view key, std::uint64_t flags, std::string_view masked);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_PACK_INPUT_H_
