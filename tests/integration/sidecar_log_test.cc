// The sidecar's log as its readers get it: JSON, the journal's priorities, repetitions folded, the level
// changed by signals. secret_log_test.cc: what it never holds.
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
using nlohmann::json;

constexpr const char* kValue = "hunter2";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

class SidecarLog : public ::testing::Test {
 protected:
  void SetUp() override {
    harness::ConsulOptions options;
    options.mode = harness::ConsulOptions::Mode::kServer;
    auto consul = harness::RealConsul::start(options);
    ASSERT_TRUE(consul) << consul.error().text;
    consul_ = std::move(*consul);
    ASSERT_TRUE(put("plain", "first"));
    sidecar_.emplace(SidecarOptions{.consul = consul_->url(),
                                    .variables = {{"SHMCONF_CONSUL_WAIT", "200ms"}, {"SHMCONF_HEARTBEAT_INTERVAL", "1s"}}});
  }
  bool put(const std::string& key, const std::string& value) {
    return static_cast<bool>(consul_->kv().put("config/web/" + key, value));
  }
  // Publishes, and waits for both processes to be at work.
  Reader open() {
    auto reader = sidecar_->open();
    EXPECT_TRUE(reader) << reader.error().text;
    EXPECT_TRUE(both_in_contact(*reader));
    return std::move(*reader);
  }

  std::unique_ptr<harness::RealConsul> consul_;
  std::optional<Sidecar> sidecar_;
};

TEST_F(SidecarLog, AsJsonIsAnObjectALineWithEachChangeAndNoValue) {
  sidecar_->options().variables["SHMCONF_LOG_FORMAT"] = "json";
  auto& run = sidecar_->start("run");
  Reader reader = open();
  ASSERT_TRUE(put("redis/password", kValue));
  ASSERT_TRUE(shows(reader, "redis/password", kValue));
  const auto generation = reader.generation();
  const auto second = sidecar_->tool({"run", "--consul", consul_->url(), "--prefix", "config/web/"});
  EXPECT_EQ(second.status.code, 5);
  ASSERT_TRUE(run.send_signal(SIGTERM));
  ASSERT_TRUE(run.wait(10s));

  std::set<std::string> processes;
  bool told = false;
  std::istringstream lines(run.stderr_text() + second.err);
  for (std::string line; std::getline(lines, line);) {
    const json object = json::parse(line, nullptr, false);
    ASSERT_TRUE(object.is_object()) << line;
    for (const char* field : {"time", "level", "process", "pid", "name", "message"}) {
      EXPECT_TRUE(object.contains(field)) << field << " in " << line;
    }
    EXPECT_EQ(object["name"], "web");
    processes.insert(object["process"].get<std::string>());
    told |= object.value("keys", json()) == json({"redis/password"}) && object["added"] == 1 && object["deleted"] == 0 &&
            object["generation"] == generation % (std::uint64_t{1} << 32) && object["level"] == "info";
  }
  EXPECT_TRUE(told) << run.stderr_text();
  EXPECT_TRUE(processes.contains("run") && processes.size() > 1) << run.stderr_text();
  EXPECT_FALSE(has(run.stderr_text(), kValue));
  EXPECT_TRUE(has(second.err, R"("level":"critical")") && has(second.err, "is supervised already")) << second.err;
}

TEST_F(SidecarLog, HasTheJournalsPrioritiesWhereStderrIsTheJournal) {
  const auto in_the_journal = [&](const std::string& command, const std::string& descriptor) {
    Words words = sidecar_->command({command, "--consul", consul_->url(), "--prefix", "config/web/"}).argv;
    const std::string script = "exec 9>&" + descriptor +
                               "; export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/9); exec 9>&-; exec \"$@\"";
    words.insert(words.begin(), {"/bin/sh", "-c", script, "sh"});
    harness::Command shell = sidecar_->command({command});
    shell.argv = words;
    auto started = harness::Process::spawn(shell);
    EXPECT_TRUE(started) << started.error().text;
    return std::move(*started);
  };
  {
    auto run = in_the_journal("run", "2");
    ASSERT_TRUE(eventually([&] { return has(run.stderr_text(), "<6>run: generation "); })) << run.stderr_text();
    EXPECT_TRUE(eventually([&] {
      return has(run.stderr_text(), "<6>watch: generation ") || has(run.stderr_text(), "<6>heartbeat: generation ");
    })) << run.stderr_text();
    ASSERT_TRUE(run.send_signal(SIGTERM));
    ASSERT_TRUE(run.wait(10s));
    std::istringstream lines(run.stderr_text());
    for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.starts_with("<")) << line;
  }
  // What the library starts logs to the service's own stderr, which is this one's standard output.
  auto launch = in_the_journal("launch", "1");
  ASSERT_TRUE(eventually([&] { return has(launch.stdout_text(), "<6>launch: generation "); }))
      << launch.stdout_text() << launch.stderr_text();
  ASSERT_TRUE(eventually([&] { return has(launch.stdout_text(), "the last user of 'web' has gone"); }));
}

TEST_F(SidecarLog, FoldsWhatRepeatsUntilItIsOver) {
  auto& watch = sidecar_->start("watch");
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  const auto log = [&] { return watch.stderr_text(); };
  for (std::size_t outage = 1; outage <= 2; ++outage) {
    const auto failures = [&] { return reader->status().role(format::Role::kWatch).failures; };
    const auto before = failures();
    consul_->kill_now();
    ASSERT_TRUE(eventually([&] { return failures() >= before + 5; }, 30s));
    EXPECT_EQ(count(log(), "consul.address is right\n"), outage) << "told at once, once: " << log();
    ASSERT_TRUE(consul_->restart());
    ASSERT_TRUE(eventually([&] { return count(log(), "Consul answers again") == outage; }, 30s)) << log();
    EXPECT_EQ(count(log(), "consul.address is right (and "), outage) << log();
    EXPECT_LT(log().rfind("more in the last minute"), log().rfind("Consul answers again"));
  }
}

TEST_F(SidecarLog, ItsLevelIsChangedBySignals) {
  auto& run = sidecar_->start("run");
  Reader reader = open();
  const auto said = [&](const std::string& text, std::size_t times) {
    return eventually([&] { return count(run.stderr_text(), text) == times; });
  };
  EXPECT_FALSE(has(run.stderr_text(), " debug: "));

  ASSERT_TRUE(run.send_signal(SIGUSR1));
  EXPECT_TRUE(said("the log's level is now debug", 3)) << run.stderr_text();
  EXPECT_TRUE(eventually([&] { return has(run.stderr_text(), "debug: compared with Consul"); })) << run.stderr_text();
  // One that is started later has it from its supervisor.
  const pid_t first = child_of(run, "heartbeat");
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] {
    const pid_t second = child_of(run, "heartbeat");
    return second != 0 && second != first &&
           has(run.stderr_text(), "shmconf heartbeat[" + std::to_string(second) + "] debug: ");
  })) << run.stderr_text();

  // A process of its own has a level of its own.
  ASSERT_EQ(::kill(child_of(run, "watch"), SIGUSR1), 0);
  EXPECT_TRUE(said("the log's level is now trace", 1)) << run.stderr_text();

  for (const char* level : {"info", "warning"}) {
    ASSERT_TRUE(run.send_signal(SIGUSR2));
    EXPECT_TRUE(said(std::string("the log's level is now ") + level, 3)) << run.stderr_text();
  }
  const std::size_t published = count(run.stderr_text(), " info: generation ");
  ASSERT_TRUE(put("plain", "second"));
  ASSERT_TRUE(shows(reader, "plain", "second"));
  // What was read again would have been said between the two.
  ASSERT_TRUE(run.send_signal(SIGUSR1));
  EXPECT_TRUE(said("the log's level is now info", 6)) << run.stderr_text();
  EXPECT_EQ(count(run.stderr_text(), " info: generation "), published) << run.stderr_text();
  EXPECT_EQ(count(run.stderr_text(), "the settings were read again"), 0u) << "a level restarts nothing";
}

}  // namespace
}  // namespace shmconf::integration
