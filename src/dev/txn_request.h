// The body of PUT /v1/txn, read as Consul reads it.
//
// Pure; thread-safe.
#ifndef SHMCONF_DEV_TXN_REQUEST_H_
#define SHMCONF_DEV_TXN_REQUEST_H_

#include <string>
#include <string_view>
#include <vector>

#include "dev/kv_store.h"
#include "shmconf/result.h"

namespace shmconf::dev {

inline constexpr std::size_t kMostTxnOperations = 64;

// kInvalid with the text that goes to the client: not the JSON of a transaction, or an operation on
// something else than keys. How many operations there are is for the caller to judge.
Result<std::vector<Operation>> parse_txn(std::string_view body);

// Whether an operation may change something.
bool writes(const Operation& operation);

}  // namespace shmconf::dev

#endif  // SHMCONF_DEV_TXN_REQUEST_H_
