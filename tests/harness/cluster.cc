#include "harness/cluster.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/eventually.h"

namespace shmconf::harness {
namespace {

using Mode = ConsulOptions::Mode;

ConsulOptions node(Mode mode, const std::string& address, const std::string& name) {
  ConsulOptions options;
  options.mode = mode;
  options.address = address;
  options.node_name = name;
  return options;
}

}  // namespace

Result<void> Cluster::place(Network* network) {
  for (std::size_t i = 0; i < kServers; ++i) {
    const auto number = std::to_string(i + 2);
    auto options = node(Mode::kClusterServer, "127.0.0." + number, "server" + number);
    if (network != nullptr) {
      auto host = network->add_host();
      if (!host) return host.error();
      options.address = Network::address(*host);
      options.launcher = network->on(*host);
    }
    servers_[i] = std::make_unique<RealConsul>(options);
  }
  const std::string own = network == nullptr ? "127.0.0.1" : Network::address();
  agent_ = std::make_unique<RealConsul>(node(Mode::kClientAgent, own, "agent"));
  return {};
}

Result<std::unique_ptr<Cluster>> Cluster::start(Network* network) {
  std::unique_ptr<Cluster> cluster(new Cluster);
  if (auto placed = cluster->place(network); !placed) return placed.error();
  std::vector<std::string> join;
  for (const auto& server : cluster->servers_) join.push_back(server->serf_endpoint());
  for (const auto& server : cluster->servers_) {
    if (auto launched = server->launch(join); !launched) return launched.error();
  }
  if (auto launched = cluster->agent_->launch(join); !launched) return launched.error();
  if (auto ready = cluster->wait_ready(); !ready) return ready.error();
  return cluster;
}

std::optional<std::size_t> Cluster::leader() {
  for (const auto& asked : servers_) {
    const std::string named = asked->leader();
    for (std::size_t i = 0; i < kServers && !named.empty(); ++i) {
      // A follower goes on naming a dead leader until its own heartbeat timeout.
      if (servers_[i]->rpc_endpoint() == named && servers_[i]->running()) return i;
    }
  }
  return std::nullopt;
}

Result<std::size_t> Cluster::wait_leader(std::optional<std::size_t> not_this,
                                         std::chrono::milliseconds limit) {
  std::optional<std::size_t> found;
  const auto there = [&] { return (found = leader()).has_value() && found != not_this; };
  if (eventually(there, limit, std::chrono::milliseconds(50))) return *found;
  return Error{ErrorCode::kTimeout,
               "no leader among the servers in " + std::to_string(limit.count()) + " ms"};
}

std::size_t Cluster::peers_of(RealConsul& server) const {
  const auto answer = http_request(server.host(), server.port(), "GET", "/v1/status/peers", {}, {},
                                   std::chrono::seconds(1));
  return answer.status == 200 ? static_cast<std::size_t>(std::ranges::count(answer.body, ':')) : 0;
}

Result<void> Cluster::wait_ready(std::chrono::milliseconds limit) {
  const auto joined = [&] {
    return std::ranges::all_of(servers_, [&](const auto& server) { return peers_of(*server) == kServers; });
  };
  if (!eventually(joined, limit, std::chrono::milliseconds(50))) {
    return Error{ErrorCode::kTimeout, "the servers did not become three peers in time"};
  }
  if (auto elected = wait_leader(std::nullopt, limit); !elected) return elected.error();
  return agent_->wait_ready(limit);
}

}  // namespace shmconf::harness
