// RealConsul: one real Consul agent as a child process of a test, on loopback and ports of its own.
//
// Binary: $SHMCONF_CONSUL, else `consul` on PATH, else <build>/consul/consul (tests/install_consul.sh
// puts it there). Not thread-safe, but kv() gives each thread a connection of its own. Process,
// ports and data directory go with the object. Start it from a thread that stays (see process.h).
#ifndef SHMCONF_TESTS_HARNESS_CONSUL_H_
#define SHMCONF_TESTS_HARNESS_CONSUL_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/consul_kv.h"
#include "harness/free_port.h"
#include "harness/process.h"
#include "harness/temp_directory.h"
#include "shmconf/result.h"

namespace shmconf::harness {

struct ConsulOptions {
  enum class Mode : std::uint8_t {
    kDev,            // agent -dev: in memory, empty after a restart
    kServer,         // one server with its data on disk
    kClusterServer,  // one of three
    kClientAgent,    // no server itself
  };
  Mode mode = Mode::kDev;
  std::string address = "127.0.0.1";
  std::string node_name = "solo";
  std::string extra_json;  // a second configuration file, for example {"limits":{...}}
  std::vector<std::string> launcher;  // what runs it, where that is not this process: Network::on()
};

// The program that is run: an absolute path, or "consul" to be found on PATH.
std::string consul_program();

class RealConsul {
 public:
  // Started and ready: a leader is known and consistent reads, so writes too, work.
  static Result<std::unique_ptr<RealConsul>> start(const ConsulOptions& options = {});
  // Ports chosen, nothing running: for a Consul that is down at first, or one that joins others.
  explicit RealConsul(ConsulOptions options);

  [[nodiscard]] const std::string& host() const noexcept { return options_.address; }
  [[nodiscard]] std::uint16_t port() const noexcept { return http_.number(); }
  // "http://127.0.0.1:12345".
  [[nodiscard]] std::string url() const { return "http://" + endpoint(http_); }
  // What /v1/status/leader calls this server; where others join it.
  [[nodiscard]] std::string rpc_endpoint() const { return endpoint(rpc_); }
  [[nodiscard]] std::string serf_endpoint() const { return endpoint(serf_); }
  [[nodiscard]] ConsulKv kv() const { return ConsulKv(host(), port()); }

  // Runs the agent, with the data that is there; does not wait until it is ready. join: serf
  // endpoints of others.
  Result<void> launch(const std::vector<std::string>& join = {});
  // Blocks until ready. kTimeout with the tail of the agent's log.
  Result<void> wait_ready(std::chrono::milliseconds limit = std::chrono::seconds(30));
  // launch() and wait_ready() on the same ports with the same data; kills first when running.
  Result<void> restart();
  // Like restart(), with all data gone.
  Result<void> restart_wiped();

  [[nodiscard]] bool running() { return process_ && process_->running(); }
  // SIGKILL.
  void kill_now() { process_.reset(); }
  // SIGTERM, and waits for the end.
  void stop();
  // SIGSTOP and SIGCONT.
  bool freeze() { return process_ && process_->freeze(); }
  bool thaw() { return process_ && process_->thaw(); }
  // Requires a launch() before.
  [[nodiscard]] Process& process() { return *process_; }
  // Whom this agent believes to be the leader, "127.0.0.2:12345"; empty when none or no answer.
  [[nodiscard]] std::string leader();

 private:
  void write_configuration(const std::vector<std::string>& join) const;
  [[nodiscard]] std::string endpoint(const HeldPort& port) const {
    return options_.address + ":" + std::to_string(port.number());
  }

  ConsulOptions options_;
  HeldPort http_, rpc_, serf_;
  TempDirectory directory_;
  std::optional<Process> process_;
  std::vector<std::string> join_;
};

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_CONSUL_H_
