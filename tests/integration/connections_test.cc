// The connections that an agent allows each client address, here only a few: whatever happens to the
// agent, its servers and the sidecar's processes, the sidecar never has so many queries abandoned
// there that it locks itself out.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::ConsulOptions;
using harness::eventually;
using harness::RealConsul;

constexpr std::chrono::milliseconds kWait = 2s;
constexpr int kAllowed = 8;
// What the test's own requests may need of that.
constexpr int kMostUsed = kAllowed - 2;
constexpr char kLimits[] = R"({"limits":{"http_max_conns_per_client":8}})";

// Connections that an agent of this machine has on its port, or has to accept yet. One whose client has
// left counts until the agent looks at it again: that is what an abandoned query is.
int connections_at(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  int count = 0;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, state;
    fields >> number >> local >> remote >> state;
    const bool is_open = state == "01" || state == "08";  // ESTABLISHED, CLOSE_WAIT
    const auto colon = local.find(':');
    if (is_open && colon != std::string::npos && std::stoul(local.substr(colon + 1), nullptr, 16) == port) ++count;
  }
  return count;
}

class ConnectionsTest : public testing::Test {
 protected:
  static ConsulOptions options(ConsulOptions::Mode mode, const std::string& address) {
    ConsulOptions options;
    options.mode = mode;
    options.address = address;
    options.node_name = mode == ConsulOptions::Mode::kServer ? "server" : "agent";
    if (address == "127.0.0.1") options.extra_json = kLimits;
    return options;
  }

  void start(RealConsul& asked) {
    asked_ = &asked;
    ASSERT_TRUE(server_->kv().put("config/web/a", "0"));
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{
        .consul = asked.url(),
        .variables = {{"SHMCONF_CONSUL_WAIT", std::to_string(kWait.count()) + "ms"}, {"SHMCONF_CONSUL_GRACE", "1s"}}});
    run_ = &sidecar_->start("run");
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
    ASSERT_TRUE(both_in_contact(*reader_));
  }
  // Counts all the while.
  bool until(const std::function<bool()>& condition, std::chrono::milliseconds limit = 30s) {
    return eventually(
        [&] {
          most_ = std::max(most_, connections_at(asked_->port()));
          return condition();
        },
        limit, 10ms);
  }
  void expect_arrival() {
    const std::string value = std::to_string(++value_);
    ASSERT_TRUE(until([&] { return server_->kv().put("config/web/a", value); }));
    EXPECT_TRUE(until([&] { return reader_->get("a") == value; }, 10s)) << "locked out, or late";
  }
  [[nodiscard]] std::uint64_t failures() const { return reader_->status().role(format::Role::kWatch).failures; }
  void expect_few() {
    EXPECT_LE(most_, kMostUsed);
    EXPECT_EQ(sidecar_->logs().find("http_max_conns_per_client"), std::string::npos);
    // With nothing abandoned any more, only the watch's connection is left.
    EXPECT_TRUE(eventually([&] { return connections_at(asked_->port()) == 1; }));
    std::printf("connections: at most %d of %d at once\n", most_, kAllowed);
  }

  std::unique_ptr<RealConsul> server_;
  RealConsul* asked_ = nullptr;
  std::unique_ptr<Sidecar> sidecar_;
  harness::Process* run_ = nullptr;
  std::unique_ptr<Reader> reader_;
  int value_ = 0;
  int most_ = 0;
};

TEST_F(ConnectionsTest, AServerFrozenKilledAndReconnectedToAgainAndAgain) {
  server_ = std::make_unique<RealConsul>(options(ConsulOptions::Mode::kServer, "127.0.0.1"));
  ASSERT_TRUE(server_->restart());
  ASSERT_NO_FATAL_FAILURE(start(*server_));
  for (int i = 0; i < 3; ++i) {
    const auto before = failures();
    ASSERT_TRUE(server_->freeze());
    ASSERT_TRUE(until([&] { return failures() > before; })) << "the query under way was not given up";
    ASSERT_TRUE(server_->thaw());
    ASSERT_NO_FATAL_FAILURE(expect_arrival());
  }
  // Nothing changes meanwhile, which would end what was abandoned.
  for (int i = 0; i < 6; ++i) {
    const pid_t watch = child_of(*run_, "watch");
    ASSERT_NE(watch, 0);
    ASSERT_EQ(::kill(watch, SIGKILL), 0);
    const auto another = [&] { return child_of(*run_, "watch") != 0 && child_of(*run_, "watch") != watch; };
    ASSERT_TRUE(until(another));
    const auto since = std::chrono::steady_clock::now();
    ASSERT_TRUE(until([&] {
      const auto age = reader_->status().role(format::Role::kWatch).contact_age;
      return age && *age < std::chrono::steady_clock::now() - since;
    }));
  }
  ASSERT_NO_FATAL_FAILURE(expect_arrival());
  // Long polls that end by themselves leave nothing behind.
  const auto quiet_until = std::chrono::steady_clock::now() + 3 * kWait;
  ASSERT_TRUE(until([&] { return std::chrono::steady_clock::now() >= quiet_until; }));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(server_->restart());
    ASSERT_NO_FATAL_FAILURE(expect_arrival());
  }
  expect_few();
}

// The agent answers the address, but what is asked of it hangs: it keeps what was given up for as long as
// its own query to the server does.
TEST_F(ConnectionsTest, AnAgentWhoseServerIsFrozen) {
  server_ = std::make_unique<RealConsul>(options(ConsulOptions::Mode::kServer, "127.0.0.2"));
  ASSERT_TRUE(server_->restart());
  RealConsul agent(options(ConsulOptions::Mode::kClientAgent, "127.0.0.1"));
  ASSERT_TRUE(agent.launch({server_->serf_endpoint()}));
  const auto ready = agent.wait_ready();
  ASSERT_TRUE(ready) << ready.error().text;
  ASSERT_NO_FATAL_FAILURE(start(agent));
  ASSERT_TRUE(server_->freeze());
  const auto before = failures();
  ASSERT_TRUE(until([&] { return failures() >= before + 3; }, 60s));
  ASSERT_TRUE(server_->thaw());
  ASSERT_NO_FATAL_FAILURE(expect_arrival());
  expect_few();
}

}  // namespace
}  // namespace shmconf::integration
