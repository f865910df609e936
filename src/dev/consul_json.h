// The JSON bodies of Consul's key-value interface, byte for byte as the real server writes them.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_DEV_CONSUL_JSON_H_
#define SHMCONF_DEV_CONSUL_JSON_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dev/kv_store.h"

namespace shmconf::dev {

// `agent -dev` indents its answers, other agents do not.
enum class Layout : bool { kCompact, kPretty };

std::string render_entries(const KvStore::Range& range, Layout layout);
std::string render_entry(std::string_view key, const Entry& entry, Layout layout);
std::string render_strings(const std::vector<std::string>& strings, Layout layout);
// read_only: the answer to a transaction that only reads carries the state of the cluster too.
std::string render_txn(const KvStore::TxnResult& result, bool read_only, Layout layout);

// A JSON string in quotes. Bytes that are not UTF-8 become U+FFFD, as in Consul.
std::string quoted(std::string_view text);

std::string encode_base64(std::string_view bytes);
// Nothing when it is not base64 with padding.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace shmconf::dev

#endif  // SHMCONF_DEV_CONSUL_JSON_H_
