#include "bench/peers.h"

#include <hiredis/hiredis.h>
#include <lmdb.h>

#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/map.hpp>
#include <boost/interprocess/containers/string.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_sharable_mutex.hpp>
#include <boost/interprocess/sync/sharable_lock.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "harness/http.h"
#include "harness/process.h"

namespace shmconf::bench {

namespace {

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

}  // namespace

// --- maps of the process's own ---

UnorderedMap::UnorderedMap(const Dataset& dataset) {
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) map_.emplace(dataset.keys()[i], dataset.values()[i]);
}

FlatHashMap::FlatHashMap(const Dataset& dataset) {
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) map_.emplace(dataset.keys()[i], dataset.values()[i]);
}

// --- LMDB ---

namespace {

void check_lmdb(int code, const char* step) {
  if (code != MDB_SUCCESS) die(std::string("LMDB: ") + step + ": " + mdb_strerror(code));
}

MDB_val lmdb_bytes(const std::string& text) { return {text.size(), const_cast<char*>(text.data())}; }

}  // namespace

struct Lmdb::State {
  harness::TempDirectory directory{"/dev/shm"};
  MDB_env* env = nullptr;
  MDB_dbi database = 0;
  MDB_txn* reading = nullptr;
};

Lmdb::Lmdb(const Dataset& dataset) : state_(std::make_unique<State>()) {
  check_lmdb(mdb_env_create(&state_->env), "create");
  check_lmdb(mdb_env_set_mapsize(state_->env, (dataset.keys().size() + 1'000) * 1'024), "map size");
  check_lmdb(mdb_env_open(state_->env, state_->directory.path().c_str(), MDB_NOSYNC, 0600), "open");
  MDB_txn* writing = nullptr;
  check_lmdb(mdb_txn_begin(state_->env, nullptr, 0, &writing), "begin");
  check_lmdb(mdb_dbi_open(writing, nullptr, 0, &state_->database), "database");
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) {
    MDB_val key = lmdb_bytes(dataset.keys()[i]);
    MDB_val value = lmdb_bytes(dataset.values()[i]);
    check_lmdb(mdb_put(writing, state_->database, &key, &value, MDB_APPEND), "put");
  }
  check_lmdb(mdb_txn_commit(writing), "commit");
  check_lmdb(mdb_txn_begin(state_->env, nullptr, MDB_RDONLY, &state_->reading), "begin");
  mdb_txn_reset(state_->reading);
}

Lmdb::~Lmdb() {
  mdb_txn_abort(state_->reading);
  mdb_env_close(state_->env);
}

std::optional<std::string_view> Lmdb::get(const std::string& key) {
  if (mdb_txn_renew(state_->reading) != MDB_SUCCESS) die("LMDB: renew");
  MDB_val name = lmdb_bytes(key);
  MDB_val value{};
  const int code = mdb_get(state_->reading, state_->database, &name, &value);
  mdb_txn_reset(state_->reading);
  if (code != MDB_SUCCESS) return std::nullopt;
  return std::string_view(static_cast<const char*>(value.mv_data), value.mv_size);
}

// --- Boost.Interprocess ---

namespace {

namespace ipc = boost::interprocess;
using Segment = ipc::managed_shared_memory;
using Text = ipc::basic_string<char, std::char_traits<char>, ipc::allocator<char, Segment::segment_manager>>;
// Looks up by a view, so that no get allocates in the segment.
struct ByBytes {
  using is_transparent = void;
  static std::string_view view(const Text& text) { return {text.data(), text.size()}; }
  static std::string_view view(std::string_view text) { return text; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return view(a) < view(b);
  }
};
using Pair = std::pair<const Text, Text>;
using Map = ipc::map<Text, Text, ByBytes, ipc::allocator<Pair, Segment::segment_manager>>;

}  // namespace

struct InterprocessMap::State {
  std::string name;
  Segment segment;
  ipc::interprocess_sharable_mutex* mutex = nullptr;
  Map* map = nullptr;

  State(std::string segment_name, std::size_t bytes)
      : name(std::move(segment_name)), segment(ipc::create_only, name.c_str(), bytes) {}
};

InterprocessMap::InterprocessMap(const Dataset& dataset) {
  static int made = 0;
  const std::string name = "shmconf-bench-" + std::to_string(::getpid()) + "-" + std::to_string(++made);
  const std::size_t bytes = dataset.keys().size() * 400 + (1 << 20);
  state_ = std::make_unique<State>(name, bytes);
  auto* const manager = state_->segment.get_segment_manager();
  state_->mutex = state_->segment.construct<ipc::interprocess_sharable_mutex>("mutex")();
  state_->map = state_->segment.construct<Map>("map")(ByBytes(), Map::allocator_type(manager));
  const Text::allocator_type texts(manager);
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) {
    state_->map->emplace(Text(dataset.keys()[i].c_str(), texts), Text(dataset.values()[i].c_str(), texts));
  }
}

InterprocessMap::~InterprocessMap() { ipc::shared_memory_object::remove(state_->name.c_str()); }

std::optional<std::string_view> InterprocessMap::get(const std::string& key) {
  const ipc::sharable_lock<ipc::interprocess_sharable_mutex> lock(*state_->mutex);
  const auto found = state_->map->find(std::string_view(key));
  if (found == state_->map->end()) return std::nullopt;
  return ByBytes::view(found->second);
}

// --- a JSON file ---

JsonFile::JsonFile(const Dataset& dataset) : file_(directory_ / "configuration.json") {
  nlohmann::json all = nlohmann::json::object();
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) all[dataset.keys()[i]] = dataset.values()[i];
  std::ofstream(file_) << all.dump(2);
}

std::optional<std::string_view> JsonFile::get(const std::string& key) {
  std::ifstream stream(file_);
  const auto all = nlohmann::json::parse(stream);
  const auto found = all.find(key);
  if (found == all.end()) return std::nullopt;
  value_ = found->get<std::string>();
  return value_;
}

// --- Redis ---

Redis::Redis(const Dataset& dataset) {
  const std::string socket = directory_ / "redis.sock";
  // Debian's redis-server is a link to redis-check-rdb of redis-tools: one program, which goes by the
  // name that it is called by.
  const std::string script =
      "program=$(command -v redis-server || command -v redis-check-rdb) || exit 127; exec -a redis-server \"$program\" "
      "--port 0 --unixsocket \"$1\" --save '' --appendonly no --dir \"$2\"";
  harness::Command command;
  command.argv = {"bash", "-c", script, "redis", socket, directory_.path()};
  auto server = harness::Process::spawn(command);
  if (!server) die("Redis: " + server.error().text);
  server_ = std::make_unique<harness::Process>(std::move(server.value()));
  const auto connected = [&] {
    if (connection_ != nullptr) redisFree(connection_);
    connection_ = redisConnectUnix(socket.c_str());
    return connection_ != nullptr && connection_->err == 0;
  };
  if (!harness::eventually(connected)) die("Redis does not start (Debian's redis-tools): " + server_->stderr_text());
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) {
    const std::string& value = dataset.values()[i];
    redisAppendCommand(connection_, "SET %b %b", dataset.keys()[i].data(), dataset.keys()[i].size(), value.data(),
                       value.size());
  }
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) {
    void* reply = nullptr;
    if (redisGetReply(connection_, &reply) != REDIS_OK) die("Redis refused a key");
    freeReplyObject(reply);
  }
}

Redis::~Redis() {
  if (connection_ != nullptr) redisFree(connection_);
}

std::optional<std::string_view> Redis::get(const std::string& key) {
  auto* const reply = static_cast<redisReply*>(redisCommand(connection_, "GET %b", key.data(), key.size()));
  if (reply == nullptr) die("Redis does not answer");
  const bool found = reply->type == REDIS_REPLY_STRING;
  if (found) value_.assign(reply->str, reply->len);
  freeReplyObject(reply);
  if (!found) return std::nullopt;
  return value_;
}

// --- Consul ---

Consul::Consul(const Dataset& dataset) {
  auto server = harness::RealConsul::start();
  if (!server) die("Consul: " + server.error().text);
  server_ = std::move(server.value());
  harness::ConsulKv kv = server_->kv();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) pairs.emplace_back(dataset.keys()[i], dataset.values()[i]);
  if (!kv.put_all(pairs)) die("Consul refused the keys");
  connection_ = std::make_unique<harness::HttpConnection>(server_->host(), server_->port());
}

Consul::~Consul() = default;

std::optional<std::string_view> Consul::get(const std::string& key) {
  auto answer = connection_->request("GET", "/v1/kv/" + key + "?raw");
  if (!answer.complete()) die("Consul: " + answer.error);
  if (answer.status != 200) return std::nullopt;
  value_ = std::move(answer.body);
  return value_;
}

}  // namespace shmconf::bench
