// Servers of a cluster fail under the sidecar, one after another, most of them, or the agent before
// them. Readers keep the last good state throughout, and have the newest soon after a bare client has.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "harness/cluster.h"
#include "harness/eventually.h"
#include "harness/network.h"
#include "integration/drill.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::Cluster;
using harness::eventually;
using harness::Network;

class ClusterTest : public testing::Test {
 protected:
  void start(Network* network = nullptr) {
    auto started = Cluster::start(network);
    ASSERT_TRUE(started) << started.error().text;
    cluster_ = std::move(*started);
    drill_ = std::make_unique<Drill>(cluster_->agent());
    ASSERT_NO_FATAL_FAILURE(drill_->start());
    const auto leader = cluster_->wait_leader();
    ASSERT_TRUE(leader) << leader.error().text;
    leader_ = *leader;
    drill_->fault();
  }
  harness::RealConsul& server(std::size_t number) { return cluster_->server(number); }
  harness::RealConsul& leader() { return server(leader_); }
  // The newest is written and arrives, through the agent.
  void expect_recovery(const std::string& what, std::chrono::milliseconds behind = Drill::kBehind) {
    ASSERT_NO_FATAL_FAILURE(drill_->advance(cluster_->agent()));
    drill_->expect_recovery(what, behind);
  }

  std::unique_ptr<Network> network_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Drill> drill_;
  std::size_t leader_ = 0;
};

TEST_F(ClusterTest, LeaderKilled) {
  ASSERT_NO_FATAL_FAILURE(start());
  leader().kill_now();
  ASSERT_NO_FATAL_FAILURE(expect_recovery("leader killed"));
  drill_->finish();
}

TEST_F(ClusterTest, LeaderFrozenAndThawed) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(leader().freeze());
  ASSERT_NO_FATAL_FAILURE(expect_recovery("leader frozen", Drill::kBehindSilence));
  // What it was asked before, and what it believed, is old now.
  ASSERT_TRUE(leader().thaw());
  drill_->fault();
  ASSERT_TRUE(cluster_->wait_ready());
  ASSERT_NO_FATAL_FAILURE(expect_recovery("leader thawed"));
  drill_->finish();
}

TEST_F(ClusterTest, LeaderCutOffAndBack) {
  auto made = Network::make();
  ASSERT_TRUE(made) << made.error().text;
  network_ = std::move(*made);
  ASSERT_NO_FATAL_FAILURE(start(network_.get()));
  ASSERT_TRUE(network_->cut(leader_));
  ASSERT_NO_FATAL_FAILURE(expect_recovery("leader cut off", Drill::kBehindSilence));
  ASSERT_TRUE(network_->rejoin(leader_));
  drill_->fault();
  ASSERT_TRUE(cluster_->wait_ready());
  ASSERT_NO_FATAL_FAILURE(expect_recovery("leader back on the network"));
  drill_->finish();
}

TEST_F(ClusterTest, RollingRestartOfAll) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (std::size_t i = 0; i < Cluster::kServers; ++i) {
    drill_->fault();
    server(i).stop();
    ASSERT_TRUE(server(i).launch());
    ASSERT_NO_FATAL_FAILURE(expect_recovery("rolling restart, server " + std::to_string(i + 1) + " of 3"));
    const auto ready = cluster_->wait_ready();
    ASSERT_TRUE(ready) << ready.error().text;
  }
  drill_->finish();
}

TEST_F(ClusterTest, QuorumLostAndRegained) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::size_t other = (leader_ + 1) % Cluster::kServers;
  leader().kill_now();
  server(other).kill_now();
  // The survivor holds what it is asked for seven seconds before it says this.
  const auto error = [&] { return drill_->reader().status().role(format::Role::kWatch).last_error; };
  ASSERT_TRUE(eventually([&] { return error().find("No cluster leader") != std::string::npos; }, 60s)) << error();
  EXPECT_EQ(drill_->reader().status().verdict, Verdict::kStale);
  drill_->expect_last_good();
  ASSERT_TRUE(leader().launch());
  ASSERT_TRUE(server(other).launch());
  ASSERT_NO_FATAL_FAILURE(expect_recovery("quorum lost and regained"));
  drill_->finish();
}

TEST_F(ClusterTest, AgentKilledAndRestarted) {
  ASSERT_NO_FATAL_FAILURE(start());
  cluster_->agent().kill_now();
  ASSERT_NO_FATAL_FAILURE(drill_->advance(leader()));
  ASSERT_TRUE(has_verdict(drill_->reader(), Verdict::kStale, 10s));
  drill_->expect_last_good();
  ASSERT_TRUE(cluster_->agent().launch());
  ASSERT_NO_FATAL_FAILURE(drill_->expect_recovery("agent killed and restarted"));
  drill_->finish();
}

}  // namespace
}  // namespace shmconf::integration
