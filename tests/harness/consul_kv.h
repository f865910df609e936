// ConsulKv: the few calls of Consul's HTTP interface that tests write with, on one kept-alive
// connection. Speaks to a real Consul, to the development endpoint and to fakes alike.
//
// Not thread-safe; each thread makes its own. Calls block, at most some seconds.
#ifndef SHMCONF_TESTS_HARNESS_CONSUL_KV_H_
#define SHMCONF_TESTS_HARNESS_CONSUL_KV_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/http.h"

namespace shmconf::harness {

class ConsulKv {
 public:
  ConsulKv(const std::string& address, std::uint16_t port) : connection_(address, port) {}

  // Keys are given as they are and percent-encoded here; query is "flags=7&cas=3" or empty.
  HttpResponse get(std::string_view key, const std::string& query = {},
                   std::chrono::milliseconds limit = std::chrono::seconds(15));
  // True: the server answered 200 "true". False: it did not apply it, or failed.
  bool put(std::string_view key, std::string_view value, const std::string& query = {});
  bool remove(std::string_view key, const std::string& query = {});
  // All or none. At most 64 operations; true when they were applied.
  bool put_together(const std::vector<std::pair<std::string, std::string>>& pairs);
  // More than 64 pairs: as many transactions as it takes.
  bool put_all(const std::vector<std::pair<std::string, std::string>>& pairs);
  HttpResponse txn(const std::string& json, std::chrono::milliseconds limit = std::chrono::seconds(15));
  // The session's id; empty on failure. It lives until the server goes.
  std::string create_session();
  // The whole state as an archive, and back. Empty or false on failure. Real Consul only.
  std::string snapshot();
  bool restore(const std::string& archive);

  HttpConnection& connection() noexcept { return connection_; }

 private:
  HttpConnection connection_;
};

// Every byte but unreserved ones and '/' as %XX.
std::string percent_encoded(std::string_view path);
std::string base64(std::string_view bytes);

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_CONSUL_KV_H_
