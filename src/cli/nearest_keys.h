// What to tell somebody who asked for a key that is not there.
//
// Pure functions of a snapshot; thread-safe. Time is linear in the number of keys.
#ifndef SHMCONF_CLI_NEAREST_KEYS_H_
#define SHMCONF_CLI_NEAREST_KEYS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "shmconf/snapshot.h"

namespace shmconf::cli {

// The number of single-byte edits between two texts, or limit + 1 if there are more than limit.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

// At most count keys that may have been meant, the likeliest first: one that is the end of the key
// that was asked for (Consul's whole path given instead of the key below the prefix), one that
// differs in case alone, then the fewest edits.
std::vector<std::string> nearest_keys(const Snapshot& snapshot, std::string_view key, Listing listing,
                                      std::size_t count);

// One line: that the key is absent, and what is there instead. Requires that the key is absent.
std::string absent_text(const Snapshot& snapshot, std::string_view key);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_NEAREST_KEYS_H_
