// What the real Consul itself says of its keys, decoded by nothing that is under test, and compared
// with what a reader shows.
//
// Free functions; a ConsulKv belongs to one thread.
#ifndef SHMCONF_TESTS_INTEGRATION_CONSUL_ROWS_H_
#define SHMCONF_TESTS_INTEGRATION_CONSUL_ROWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "harness/consul_kv.h"
#include "shmconf/snapshot.h"

namespace shmconf::integration {

struct Row {
  std::string value;
  std::uint64_t flags = 0;
  std::uint64_t create_index = 0;
  std::uint64_t modify_index = 0;
  std::uint64_t lock_index = 0;
  std::string session;

  bool operator==(const Row&) const = default;
};
// Keys below the prefix, which is stripped.
using Rows = std::map<std::string, Row>;

// The answer to GET ?recurse. The prefix's own key, if there is one, has no name and is left out.
Rows rows_below(harness::ConsulKv& kv, const std::string& prefix);

// All keys that a snapshot holds.
Rows rows_of(const Snapshot& snapshot);

// The first few differences, a line each; empty when there is none.
std::string differences(const Rows& consul, const Rows& reader);

std::string decoded_base64(std::string_view text);

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_CONSUL_ROWS_H_
