// `run --http` and `serve` on the real Consul: what they show, and that nobody depends on them.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/eventually.h"
#include "harness/free_port.h"
#include "harness/http.h"
#include "http/raw_client.h"
#include "integration/sidecar_fixture.h"

namespace shmconf::integration {
namespace {

using harness::eventually;
using http::body_of;
using http::get;
using http::RawClient;
using http::status_of;
using nlohmann::json;
using settings::ListenAddress;
using namespace std::chrono_literals;

class Serving : public SidecarTest {
 protected:
  void SetUp() override { start_consul(); }

  Words at_port() const { return {"--http", port_.endpoint()}; }
  [[nodiscard]] bool answers(const ListenAddress& at, const std::string& path, int status = 200) const {
    return eventually([&] { return reachable(at) && status_of(get(at, path)) == status; }, 20s);
  }
  // Whether anybody listens there.
  static bool reachable(const ListenAddress& at) {
    if (at.is_unix()) return ::access(at.path.c_str(), F_OK) == 0;
    return harness::http_request(at.host, at.port, "GET", "/healthz").status != 0;
  }
  static json json_of(const ListenAddress& at, const std::string& path) { return json::parse(body_of(get(at, path))); }
  // Of a metric's line; -1: there is none.
  static double metric(const ListenAddress& at, const std::string& sample) {
    const std::string text = body_of(get(at, "/metrics"));
    const std::size_t line = text.find("\n" + sample + " ");
    return line == std::string::npos ? -1 : std::atof(text.c_str() + line + sample.size() + 2);
  }
  static std::string promtool() {
    const char* chosen = std::getenv("SHMCONF_PROMTOOL");
    return chosen != nullptr ? chosen : SHMCONF_BUILT_PROMTOOL;
  }

  harness::HeldPort port_;
  const ListenAddress tcp_{.path = {}, .host = port_.address(), .port = port_.number()};
  const ListenAddress unix_{.path = state_ / "http.sock", .host = {}, .port = 0};
};

TEST_F(Serving, AChangeArrivesAsAnEventAndIsCounted) {
  put("password", "hunter2");
  auto run = run_published(at_port());
  ASSERT_TRUE(answers(tcp_, "/readyz")) << run.stderr_text();
  RawClient events(tcp_);
  events.send("GET /api/events HTTP/1.1\r\nHost: " + http::host_of(tcp_) + "\r\n\r\n");
  ASSERT_NE(events.read_until("event: state\n").find("event: state\n"), std::string::npos);
  // The process has looked at this generation, so the next one is a change to it.
  ASSERT_TRUE(eventually([&] { return !json_of(tcp_, "/api/history")["changes"].empty(); }, 20s));
  const double before = metric(tcp_, R"(shmconf_propagation_seconds_count{process="watch"})");
  put("k", "changed");
  const std::string change = R"("keys":[{"key":"k","change":"changed","before":null,"after":null,"secret":false}])";
  EXPECT_NE(events.read_until(change).find(change), std::string::npos);

  EXPECT_TRUE(eventually([&] { return metric(tcp_, R"(shmconf_propagation_seconds_count{process="watch"})") > before; }));
  EXPECT_GE(metric(tcp_, R"(shmconf_polls_total{process="watch",result="published"})"), 1);
  EXPECT_EQ(metric(tcp_, R"(shmconf_verdict{verdict="live"})"), 1);
  const json newest = json_of(tcp_, "/api/history")["changes"][0];
  EXPECT_GT(newest["latency_ms"].get<double>(), 0.0) << newest;
  EXPECT_LT(newest["latency_ms"].get<double>(), 60'000.0) << newest;
  const json tree = json_of(tcp_, "/api/tree");
  EXPECT_EQ(tree["entries"].size(), 2u);
  for (const json& entry : tree["entries"]) EXPECT_EQ(entry["value"], nullptr) << entry;
  for (const char* path : {"/", "/metrics", "/api/state", "/api/tree", "/api/history"}) {
    const std::string answer = get(tcp_, path);
    EXPECT_EQ(status_of(answer), 200) << path;
    EXPECT_EQ(answer.find("hunter2"), std::string::npos) << path;
    EXPECT_EQ(answer.find("\"changed\",\"after\":\"changed"), std::string::npos) << path;
  }
}

TEST_F(Serving, PromtoolFindsNothingWrongWithTheMetrics) {
  auto run = run_published(at_port());
  ASSERT_TRUE(answers(tcp_, "/readyz"));
  const std::string file = state_ / "metrics";
  write(file, body_of(get(tcp_, "/metrics")));
  auto check = with({promtool(), "check", "metrics"});
  check.stdin_file = file;
  const auto checked = harness::run(check);
  ASSERT_TRUE(checked) << checked.error().text;
  EXPECT_EQ(checked->status.shell_code(), 0) << checked->out << checked->err;
  EXPECT_EQ(checked->out + checked->err, "");
}

TEST_F(Serving, AKilledWatchIsCountedAsRestarted) {
  auto run = run_published(at_port());
  ASSERT_TRUE(answers(tcp_, "/readyz"));
  EXPECT_EQ(metric(tcp_, R"(shmconf_process_restarts_total{process="watch"})"), 0);
  ASSERT_EQ(::kill(child_other_than(run.pid(), "watch", 0), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return metric(tcp_, R"(shmconf_process_restarts_total{process="watch"})") == 1; }, 20s));
  EXPECT_EQ(metric(tcp_, R"(shmconf_process_restarts_total{process="heartbeat"})"), 0);
  EXPECT_EQ(json_of(tcp_, "/api/state")["processes"][0]["restarts"], 1);
}

TEST_F(Serving, AKilledServerComesBackAndNobodyElseNotices) {
  auto run = run_published(at_port());
  ASSERT_TRUE(answers(tcp_, "/readyz"));
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  const pid_t heartbeat = child_other_than(run.pid(), "heartbeat", 0);
  const pid_t server = child_other_than(run.pid(), "serve", 0);
  const std::uint64_t generation = open()->generation();
  ASSERT_EQ(::kill(server, SIGKILL), 0);
  EXPECT_NE(child_other_than(run.pid(), "serve", server), server);
  EXPECT_TRUE(answers(tcp_, "/readyz"));
  EXPECT_EQ(metric(tcp_, R"(shmconf_process_restarts_total{process="serve"})"), 1);
  EXPECT_EQ(child(run.pid(), "watch"), watch);
  EXPECT_EQ(child(run.pid(), "heartbeat"), heartbeat);
  EXPECT_EQ(open()->generation(), generation);
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

TEST_F(Serving, AnAddressThatIsTakenHoldsNobodyUpAndIsSaidOnceAndShown) {
  auto first = run_published(at_port());
  ASSERT_TRUE(answers(tcp_, "/readyz"));
  Words words = sidecar("run", at_port());
  words[3] = "other";
  auto second = spawn(words);
  const auto supervisor = [this] {
    const auto reader = Reader::open("other", {.directory = root_.path(), .allow_backup = false});
    return reader && reader->get("k") == "v" ? reader->status().role(format::Role::kSupervisor) : RoleStatus();
  };
  ASSERT_TRUE(eventually([&] { return supervisor().failures >= 3; }, 20s)) << second.stderr_text();
  const std::string said = "serve cannot listen at '" + port_.endpoint() + "'";
  EXPECT_NE(supervisor().last_error.find(said), std::string::npos) << supervisor().last_error;
  EXPECT_TRUE(supervisor().failing_for);
  const std::string log = second.stderr_text();
  EXPECT_NE(log.find(said), std::string::npos) << log;
  EXPECT_EQ(log.find("listen", log.find(said) + said.size()), std::string::npos) << "more than once\n" << log;

  first.send_signal(SIGTERM);
  ASSERT_TRUE(first.wait(10s));
  EXPECT_TRUE(answers(tcp_, "/readyz")) << second.stderr_text();
  EXPECT_EQ(json_of(tcp_, "/api/state")["name"], "other");
  EXPECT_TRUE(eventually([&] { return supervisor().starts == 1 && !supervisor().failing_for; }, 30s));
}

TEST_F(Serving, TheServerIsConfinedAndHoldsNoSecrets) {
  const std::string secret = "0b1c2d3e-very-secret";
  put("k", "v");
  Words flags = open_to_this_user();
  flags.insert(flags.end(), {"--http", port_.endpoint()});
  auto run = spawn(with(sidecar("run", flags), {{"CONSUL_HTTP_TOKEN", secret}}));
  ASSERT_TRUE(answers(tcp_, "/healthz")) << run.stderr_text();
  const pid_t server = child_other_than(run.pid(), "serve", 0);
  const pid_t watch = child_other_than(run.pid(), "watch", 0);
  ASSERT_NE(proc_file(watch, "fd/3").find(secret), std::string::npos) << "where the watch has it from";
  EXPECT_EQ(proc_file(server, "fd/3").find(secret), std::string::npos);
  EXPECT_NE(proc_file(server, "fd/3").find("\"http\""), std::string::npos);
  EXPECT_EQ(proc_file(server, "environ").find(secret), std::string::npos);
  if (::geteuid() != 0) return;  // else it runs without its confinement here
  const std::string status = proc_file(server, "status");
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos);
  EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos);
  EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << status;
}

TEST_F(Serving, OverASocketValuesAreShownAndSecretsMasked) {
  put("password", "hunter2");
  auto run = run_published();
  // By itself, beside a sidecar that knows nothing of it.
  auto server = spawn({SHMCONF_BINARY, "serve", "--name", "web", "--dir", root_.path(), "--http", "unix:" + unix_.path});
  ASSERT_TRUE(answers(unix_, "/readyz")) << server.stderr_text();
  struct stat info {};
  ASSERT_EQ(::stat(unix_.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const json tree = json_of(unix_, "/api/tree");
  EXPECT_EQ(tree["entries"][0]["value"], "v");
  EXPECT_EQ(tree["entries"][1]["value"], "***");
  EXPECT_EQ(tree["entries"][1]["secret"], true);

  run.send_signal(SIGTERM);
  ASSERT_TRUE(run.wait(10s));
  EXPECT_TRUE(answers(unix_, "/healthz", 503)) << "nobody of the sidecar is alive";
  EXPECT_EQ(json_of(unix_, "/api/state")["verdict"], "dead");
  server.send_signal(SIGTERM);
  const auto ended = server.wait(5s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->shell_code(), 0) << server.stderr_text();
  EXPECT_NE(::access(unix_.path.c_str(), F_OK), 0) << "its socket is gone";
}

}  // namespace
}  // namespace shmconf::integration
