// Two datacenters joined over WAN, and the configuration in the one that is not the agent's own.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "harness/free_port.h"
#include "integration/drill.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::ConsulOptions;
using harness::eventually;
using harness::HeldPort;
using harness::RealConsul;

// One server for each; the first is the agent that the sidecar asks.
class DatacenterTest : public testing::Test {
 protected:
  DatacenterTest() : here_(server(wan_here_, "here", wan_there_)), there_(server(wan_there_, "there", wan_here_)) {}

  void SetUp() override {
    ASSERT_TRUE(here_.launch());
    ASSERT_TRUE(there_.launch());
    for (RealConsul* server : {&here_, &there_}) {
      const auto ready = server->wait_ready();
      ASSERT_TRUE(ready) << ready.error().text;
    }
    ASSERT_TRUE(eventually([&] { return reaches_there(); }, 60s)) << "the datacenters did not join";
  }
  bool reaches_there() { return here_.kv().get("any", "dc=there", 2s).status == 404; }

  HeldPort wan_here_{"127.0.0.2"}, wan_there_{"127.0.0.3"};
  RealConsul here_, there_;

 private:
  static ConsulOptions server(const HeldPort& own, const std::string& datacenter, const HeldPort& other) {
    ConsulOptions options;
    options.mode = ConsulOptions::Mode::kServer;
    options.address = own.address();
    options.node_name = datacenter;
    options.extra_json = R"({"datacenter":")" + datacenter + R"(","ports":{"serf_wan":)" + std::to_string(own.number()) +
                         R"(},"retry_join_wan":[")" + other.endpoint() + R"("],"retry_interval_wan":"250ms"})";
    return options;
  }
};

TEST_F(DatacenterTest, TheOtherOneIsFollowedAndItsLossLeavesTheLastGood) {
  // The same keys here are none of its business.
  ASSERT_TRUE(here_.kv().put("config/web/key-0", "the wrong datacenter"));
  Drill drill(here_, "there");
  ASSERT_NO_FATAL_FAILURE(drill.start());
  drill.fault();
  ASSERT_NO_FATAL_FAILURE(drill.advance(there_));
  ASSERT_NO_FATAL_FAILURE(drill.expect_recovery("a change in the other datacenter"));

  drill.fault();
  there_.kill_now();
  ASSERT_TRUE(has_verdict(drill.reader(), Verdict::kStale, 30s));
  drill.expect_last_good();
  ASSERT_TRUE(there_.launch());
  ASSERT_NO_FATAL_FAILURE(drill.advance(there_));
  ASSERT_NO_FATAL_FAILURE(drill.expect_recovery("the other datacenter lost and back"));
  drill.finish();
}

}  // namespace
}  // namespace shmconf::integration
