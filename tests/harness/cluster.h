// Cluster: three real Consul servers and a client agent, on 127.0.0.2, .3 and .4 and on 127.0.0.1; or
// each server on a host of its own, which can be cut off, and the agent on this process's.
//
// Not thread-safe; everything ends with the object. Elections take seconds: give it time.
#ifndef SHMCONF_TESTS_HARNESS_CLUSTER_H_
#define SHMCONF_TESTS_HARNESS_CLUSTER_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "harness/consul.h"
#include "harness/network.h"
#include "shmconf/result.h"

namespace shmconf::harness {

class Cluster {
 public:
  static constexpr std::size_t kServers = 3;

  // Started and ready: three voters, a leader, writes work through the agent. A network outlives the
  // cluster, and gets one host for each server, the first for server 0.
  static Result<std::unique_ptr<Cluster>> start(Network* network = nullptr);

  [[nodiscard]] RealConsul& server(std::size_t number) { return *servers_[number]; }
  // The client agent, as a service's host would run it.
  [[nodiscard]] RealConsul& agent() { return *agent_; }
  // The running server that a running server names as leader; nullopt when there is none just now.
  [[nodiscard]] std::optional<std::size_t> leader();
  // Blocks until there is a leader, other than not_this if given.
  Result<std::size_t> wait_leader(std::optional<std::size_t> not_this = std::nullopt,
                                  std::chrono::milliseconds limit = std::chrono::seconds(60));
  // Blocks until every server has the given number of raft peers and the agent serves.
  Result<void> wait_ready(std::chrono::milliseconds limit = std::chrono::seconds(60));

 private:
  Cluster() = default;
  Result<void> place(Network* network);
  [[nodiscard]] std::size_t peers_of(RealConsul& server) const;

  std::array<std::unique_ptr<RealConsul>, kServers> servers_;
  std::unique_ptr<RealConsul> agent_;
};

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_CLUSTER_H_
