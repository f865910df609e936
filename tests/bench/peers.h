// What a service would read its configuration from instead: each holds a data set and answers get()
// with the value's bytes, or nothing for an absent key. One at a time and size, made by its
// constructor, which ends the program where the peer cannot be had.
//
// Not thread-safe. What get() returns lives until the next get() of the same object.
#ifndef SHMCONF_TESTS_BENCH_PEERS_H_
#define SHMCONF_TESTS_BENCH_PEERS_H_

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bench/dataset.h"
#include "harness/temp_directory.h"

struct redisContext;

namespace shmconf::harness {
class HttpConnection;
class Process;
class RealConsul;
}  // namespace shmconf::harness

namespace shmconf::bench {

class UnorderedMap {
 public:
  static constexpr char kName[] = "std::unordered_map";
  explicit UnorderedMap(const Dataset& dataset);
  std::optional<std::string_view> get(const std::string& key) const {
    const auto found = map_.find(key);
    if (found == map_.end()) return std::nullopt;
    return found->second;
  }

 private:
  std::unordered_map<std::string, std::string> map_;
};

class FlatHashMap {
 public:
  static constexpr char kName[] = "absl::flat_hash_map";
  explicit FlatHashMap(const Dataset& dataset);
  std::optional<std::string_view> get(const std::string& key) const {
    const auto found = map_.find(key);
    if (found == map_.end()) return std::nullopt;
    return found->second;
  }

 private:
  absl::flat_hash_map<std::string, std::string> map_;
};

// A read transaction for each get, renewed as LMDB's documentation advises, of a database on a tmpfs.
class Lmdb {
 public:
  static constexpr char kName[] = "LMDB read transaction";
  explicit Lmdb(const Dataset& dataset);
  ~Lmdb();
  std::optional<std::string_view> get(const std::string& key);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// boost::interprocess::map in a managed segment, a sharable lock held for each get.
class InterprocessMap {
 public:
  static constexpr char kName[] = "Boost.Interprocess map, sharable mutex";
  explicit InterprocessMap(const Dataset& dataset);
  ~InterprocessMap();
  std::optional<std::string_view> get(const std::string& key);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A JSON file on a tmpfs, opened and parsed (nlohmann) for each get.
class JsonFile {
 public:
  static constexpr char kName[] = "JSON file, parsed";
  explicit JsonFile(const Dataset& dataset);
  std::optional<std::string_view> get(const std::string& key);

 private:
  harness::TempDirectory directory_{"/dev/shm"};
  std::string file_;
  std::string value_;
};

// GET over a unix socket, by hiredis.
class Redis {
 public:
  static constexpr char kName[] = "Redis GET, unix socket";
  explicit Redis(const Dataset& dataset);
  ~Redis();
  std::optional<std::string_view> get(const std::string& key);

 private:
  harness::TempDirectory directory_;
  std::unique_ptr<harness::Process> server_;
  redisContext* connection_ = nullptr;
  std::string value_;
};

// GET /v1/kv/KEY?raw of a real Consul agent, on a connection that is kept alive.
class Consul {
 public:
  static constexpr char kName[] = "Consul GET, local agent";
  explicit Consul(const Dataset& dataset);
  ~Consul();
  std::optional<std::string_view> get(const std::string& key);

 private:
  std::unique_ptr<harness::RealConsul> server_;
  std::unique_ptr<harness::HttpConnection> connection_;
  std::string value_;
};

}  // namespace shmconf::bench

#endif  // SHMCONF_TESTS_BENCH_PEERS_H_
