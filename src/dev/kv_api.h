// KvApi: answers one HTTP request on a KvStore as Consul would, without any network.
//
// GET, PUT and DELETE of /v1/kv/, PUT /v1/txn, /v1/status/leader, /v1/status/peers, /v1/agent/self;
// statuses, headers and texts are the real server's. Not thread-safe; the store must outlive it.
#ifndef SHMCONF_DEV_KV_API_H_
#define SHMCONF_DEV_KV_API_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "dev/consul_json.h"
#include "dev/kv_store.h"
#include "dev/request.h"

namespace shmconf::dev {

// Consul's own limit for a value and for a transaction's body.
inline constexpr std::size_t kMostBodyBytes = 512 * 1024;

// What a blocking query waits for.
struct Blocking {
  Watched watched;
  std::uint64_t index = 0;
  std::chrono::milliseconds wait{0};  // between 1 ms and 10 min; without jitter
};

class KvApi {
 public:
  struct Options {
    Layout layout = Layout::kPretty;
    std::string datacenter = "dc1";
  };

  explicit KvApi(KvStore& store) : KvApi(store, Options()) {}
  KvApi(KvStore& store, Options options) : store_(store), options_(std::move(options)) {}

  // Set when the request is a sound blocking query about which nothing newer is known. The caller
  // lets the store wake it, or the wait pass, before it calls answer().
  [[nodiscard]] std::optional<Blocking> must_wait(const Request& request) const;
  // The answer as of now.
  Reply answer(const Request& request);

  // For a body that the caller did not even read.
  static Reply too_large(std::uint64_t bytes, const std::string& target);
  // An answer in plain text.
  static Reply plain(unsigned status, std::string text);

 private:
  struct Query;

  [[nodiscard]] Reply answer_kv(const Request& request, const Target& target);
  [[nodiscard]] Reply get(const Query& query) const;
  [[nodiscard]] Reply put(const Request& request, const Query& query);
  [[nodiscard]] Reply remove(const Query& query);
  [[nodiscard]] Reply transact(const Request& request, const Target& target);
  [[nodiscard]] Reply answer_cluster(const Request& request, const Target& target) const;
  [[nodiscard]] Reply json(std::string body) const;
  [[nodiscard]] Reply boolean(bool value) const;
  [[nodiscard]] Layout layout_of(const Target& target) const;

  KvStore& store_;
  Options options_;
};

}  // namespace shmconf::dev

#endif  // SHMCONF_DEV_KV_API_H_
