// Consul away: while the service runs, and when it starts. Readers go on, status tells, and what
// changed meanwhile arrives without a restart.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "harness/free_port.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::ConsulOptions;
using harness::eventually;
using harness::RealConsul;
using std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kBackAfter = 2s;      // of Consul's return
constexpr std::chrono::milliseconds kServedAfter = 2s;    // of a start without Consul

std::unique_ptr<RealConsul> server() {
  ConsulOptions options;
  options.mode = ConsulOptions::Mode::kServer;
  auto started = RealConsul::start(options);
  EXPECT_TRUE(started) << started.error().text;
  return started ? std::move(*started) : nullptr;
}

// An outage of some seconds, after which nobody tries every moment any more.
bool has_failed_often(Reader& reader) {
  return eventually([&] { return reader.status().role(format::Role::kWatch).failures >= 8; });
}

std::time_t utc(const std::string& text) {
  std::tm parts{};
  return ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr ? 0 : ::timegm(&parts);
}

TEST(Outage, ReadersGoOnAndStatusSaysSinceWhen) {
  auto consul = server();
  ASSERT_NE(consul, nullptr);
  ASSERT_TRUE(consul->kv().put("config/web/a", "1"));
  Sidecar sidecar({.consul = consul->url()});
  auto& run = sidecar.start("run");
  auto reader = sidecar.open();
  ASSERT_TRUE(reader) << reader.error().text;
  ASSERT_TRUE(both_in_contact(*reader));
  ASSERT_TRUE(has_verdict(*reader, Verdict::kLive));
  const std::uint64_t generation = reader->generation();

  const std::time_t before = std::time(nullptr);
  consul->kill_now();
  ASSERT_TRUE(has_verdict(*reader, Verdict::kStale, 5s));
  EXPECT_EQ(reader->get("a"), "1");
  EXPECT_EQ(reader->generation(), generation);
  const auto status = sidecar.status();
  EXPECT_EQ(status["verdict"], "stale");
  EXPECT_EQ(status["source"], "consul");
  ASSERT_TRUE(status["since"].is_string()) << status;
  // The last good contact: at the start of the sidecar or a little before the kill.
  EXPECT_GE(utc(status["since"]), before - 60);
  EXPECT_LE(utc(status["since"]), std::time(nullptr));
  EXPECT_TRUE(status["roles"]["watch"]["failing_since"].is_string());
  EXPECT_GE(utc(status["roles"]["watch"]["failing_since"]), before);
  EXPECT_NE(status["roles"]["watch"]["last_error"], "");
  const auto told = sidecar.tool({"status"});
  EXPECT_EQ(told.status.code, 0);
  EXPECT_NE(told.out.find("stale since "), std::string::npos) << told.out;
  EXPECT_EQ(sidecar.tool({"get", "a"}).out, "1\n");

  ASSERT_TRUE(has_failed_often(*reader));
  const auto restarted = consul->restart();
  ASSERT_TRUE(restarted) << restarted.error().text;
  EXPECT_TRUE(has_verdict(*reader, Verdict::kLive, kBackAfter));
  EXPECT_TRUE(consul->kv().put("config/web/a", "2"));
  EXPECT_TRUE(shows(*reader, "a", "2", 1s));
  EXPECT_TRUE(run.running());
}

// The service's host has an agent; Consul itself goes on, and is written to, while that is away.
TEST(Outage, AChangeMadeMeanwhileArrivesWithTheReturnOfTheAgent) {
  auto consul = server();
  ASSERT_NE(consul, nullptr);
  ConsulOptions options;
  options.mode = ConsulOptions::Mode::kClientAgent;
  options.node_name = "agent";
  RealConsul agent(options);
  ASSERT_TRUE(agent.launch({consul->serf_endpoint()}));
  const auto joined = agent.wait_ready();
  ASSERT_TRUE(joined) << joined.error().text;
  ASSERT_TRUE(consul->kv().put("config/web/a", "1"));
  ASSERT_TRUE(consul->kv().put("config/web/b", "1"));

  Sidecar sidecar({.consul = agent.url()});
  auto& run = sidecar.start("run");
  auto reader = sidecar.open();
  ASSERT_TRUE(reader) << reader.error().text;
  ASSERT_TRUE(both_in_contact(*reader));
  const pid_t watch = child_of(run, "watch");

  agent.kill_now();
  ASSERT_TRUE(consul->kv().put("config/web/a", "2"));
  ASSERT_TRUE(consul->kv().remove("config/web/b"));
  ASSERT_TRUE(has_verdict(*reader, Verdict::kStale, 5s));
  EXPECT_EQ(reader->get("a"), "1");
  EXPECT_EQ(reader->get("b"), "1");

  ASSERT_TRUE(has_failed_often(*reader));
  const auto back = agent.restart();
  ASSERT_TRUE(back) << back.error().text;
  const auto limit = steady_clock::now() + kBackAfter;
  EXPECT_TRUE(shows(*reader, "a", "2", kBackAfter));
  EXPECT_FALSE(reader->contains("b"));
  EXPECT_TRUE(has_verdict(*reader, Verdict::kLive, std::chrono::duration_cast<std::chrono::milliseconds>(
                                                       limit - steady_clock::now())));
  EXPECT_EQ(child_of(run, "watch"), watch) << "it was restarted";
}

// A service that had a configuration once, on a host that has restarted without Consul.
class StartWithoutConsul : public testing::Test {
 protected:
  // Leaves a backup with "a" at 2 and the one before with 1, no segment, and no Consul.
  void SetUp() override {
    auto started = RealConsul::start();
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    ASSERT_TRUE(consul_->kv().put("config/web/a", "1"));
    auto& run = sidecar_->start("run");
    ASSERT_TRUE(eventually([&] { return fs::exists(backup()); })) << "no backup was written";
    ASSERT_TRUE(consul_->kv().put("config/web/a", "2"));
    ASSERT_TRUE(eventually([&] {
      return text_of(backup()).find("a2") != std::string::npos &&
             text_of(backup() + ".prev").find("a1") != std::string::npos;
    }));
    ASSERT_TRUE(run.send_signal(SIGTERM));
    const auto ended = run.wait(5s);
    ASSERT_TRUE(ended && ended->code == 0);
    consul_->kill_now();
    fs::remove_all(sidecar_->directory());
  }
  [[nodiscard]] std::string backup() const { return sidecar_->backup_file(); }

  // Starts `run` and waits until a reader sees what it serves; checks how long that took.
  void expect_served(const std::string& value) {
    const auto begin = steady_clock::now();
    sidecar_->start("run");
    auto reader = sidecar_->open(5s);
    // Until the segment is there, the reader has the backup itself before it.
    ASSERT_TRUE(reader) << reader.error().text;
    ASSERT_TRUE(eventually([&] { return reader->poll(), !reader->status().from_file; }, 5s));
    EXPECT_LT(steady_clock::now() - begin, kServedAfter);
    EXPECT_EQ(reader->get("a"), value);
    EXPECT_EQ(reader->status().verdict, Verdict::kBackup);
    EXPECT_EQ(sidecar_->status()["verdict"], "backup");
  }

  std::unique_ptr<RealConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
};

TEST_F(StartWithoutConsul, ServesTheBackupWhereConsulRefuses) {
  ASSERT_NO_FATAL_FAILURE(expect_served("2"));
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader);
  ASSERT_TRUE(consul_->launch());  // in memory: it has nothing
  const auto ready = consul_->wait_ready();
  ASSERT_TRUE(ready) << ready.error().text;
  // Its being empty is no reason to take the configuration away; what it gets is one.
  ASSERT_TRUE(consul_->kv().put("config/web/a", "3"));
  EXPECT_TRUE(shows(*reader, "a", "3"));
  EXPECT_TRUE(has_verdict(*reader, Verdict::kLive));
}

// Accepts connections, by its backlog, and never answers.
class Blackhole {
 public:
  Blackhole() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&where), size) != 0 || ::listen(fd_, 64) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&where), &size) != 0) {
      ADD_FAILURE() << "cannot listen";
    }
    port_ = ntohs(where.sin_port);
  }
  Blackhole(const Blackhole&) = delete;
  Blackhole& operator=(const Blackhole&) = delete;
  ~Blackhole() { ::close(fd_); }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

TEST_F(StartWithoutConsul, ServesTheBackupWhereConsulAcceptsAndNeverAnswers) {
  const Blackhole blackhole;
  sidecar_->options().consul = blackhole.url();
  expect_served("2");
}

TEST_F(StartWithoutConsul, ADamagedBackupGivesWayToTheOneBefore) {
  flip_bit(backup(), 300);
  const std::string damaged = text_of(backup());
  ASSERT_NO_FATAL_FAILURE(expect_served("1"));
  EXPECT_EQ(text_of(backup() + ".damaged"), damaged);
  EXPECT_NE(sidecar_->logs().find(backup() + ".damaged"), std::string::npos);
}

TEST_F(StartWithoutConsul, ABackupCutShortGivesWayToTheOneBefore) {
  const std::string whole = text_of(backup());
  const std::string cut = whole.substr(0, whole.size() - 1);
  write_text(backup(), cut);
  ASSERT_NO_FATAL_FAILURE(expect_served("1"));
  EXPECT_EQ(text_of(backup() + ".damaged"), cut);
}

class StartWithNothing : public StartWithoutConsul {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartWithoutConsul::SetUp());
    flip_bit(backup(), 300);
    flip_bit(backup() + ".prev", 300);
    damaged_ = text_of(backup());
    sidecar_->options().variables["SHMCONF_STARTUP_TIMEOUT"] = "1s";
  }
  std::string damaged_;
};

TEST_F(StartWithNothing, RunThatRequiresAConfigurationEndsWithThree) {
  EXPECT_EQ(sidecar_->tool({"get", "a"}).status.code, 4) << "the damaged backup is all there is";
  auto& run = sidecar_->start("run", {"--require-configuration"});
  const auto ended = run.wait(15s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 3);
  const std::string log = run.stderr_text();
  const std::size_t last_line = log.rfind('\n', log.size() - 2) + 1;
  EXPECT_TRUE(is_one_line_of(log.substr(last_line), "run")) << log;
  EXPECT_NE(log.find("checksum"), std::string::npos) << "what is wrong with the backup? " << log;
  EXPECT_EQ(text_of(backup() + ".damaged"), damaged_);
}

TEST_F(StartWithNothing, RunKeepsTryingUntilConsulIsThere) {
  auto& run = sidecar_->start("run");
  ASSERT_TRUE(eventually([&] { return fs::exists(backup() + ".damaged"); }));
  EXPECT_EQ(text_of(backup() + ".damaged"), damaged_);
  const auto get = sidecar_->tool({"get", "a"});
  EXPECT_EQ(get.status.code, 3);
  EXPECT_TRUE(is_one_line_of(get.err, "get")) << get.err;
  const auto status = sidecar_->tool({"status"});
  EXPECT_EQ(status.status.code, 3);
  EXPECT_FALSE(run.wait(2s)) << "it gave up";

  ASSERT_TRUE(consul_->launch());
  const auto ready = consul_->wait_ready();
  ASSERT_TRUE(ready) << ready.error().text;
  ASSERT_TRUE(consul_->kv().put("config/web/a", "3"));
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_TRUE(shows(*reader, "a", "3"));
}

}  // namespace
}  // namespace shmconf::integration
