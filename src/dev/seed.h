// Fills a KvStore from a JSON file: {"key":"text", ...}, or what `consul kv export` prints,
// [{"key":...,"flags":...,"value":"base64"}, ...].
#ifndef SHMCONF_DEV_SEED_H_
#define SHMCONF_DEV_SEED_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "dev/kv_store.h"
#include "shmconf/result.h"

namespace shmconf::dev {

// Number of keys put. Either all of them or, on an error, none: kAbsent and kDenied for a file that
// cannot be read, kInvalid for what is not such JSON. In an object a value that is not text is kept
// as its JSON. Blocks on the file.
Result<std::size_t> seed_from_file(KvStore& store, const std::string& path);
// The same of a text; name is for error texts.
Result<std::size_t> seed_from_json(KvStore& store, std::string_view json, const std::string& name);

}  // namespace shmconf::dev

#endif  // SHMCONF_DEV_SEED_H_
