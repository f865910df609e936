// What watch, heartbeat and supervisor log, at the most talkative level: keys, and never a value.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
namespace fs = std::filesystem;

// In every value; nothing else is spelled so.
const std::string kMark = "hunter2";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(SecretLog, HoldsKeysAndNeverAValue) {
  auto consul = harness::RealConsul::start();
  ASSERT_TRUE(consul) << consul.error().text;
  harness::ConsulKv kv = (*consul)->kv();
  std::string deep = '"' + kMark + '"';
  for (int i = 0; i < 100; ++i) deep = "[" + deep + "]";
  ASSERT_TRUE(kv.put("config/web/plain", kMark));
  ASSERT_TRUE(kv.put("config/web/password", kMark));
  ASSERT_TRUE(kv.put("config/web/document", R"({"password": "hunter2", "list": ["hunter2"]})"));
  ASSERT_TRUE(kv.put("config/web/too-deep", deep));
  ASSERT_TRUE(kv.put("config/web/no-json", "{\"" + kMark + "\": "));
  ASSERT_TRUE(kv.put("config/web/binary", "\xff\n" + kMark));

  Sidecar sidecar({.consul = (*consul)->url()});
  sidecar.options().variables["SHMCONF_LOG_LEVEL"] = "trace";
  sidecar.options().variables["SHMCONF_HEARTBEAT_INTERVAL"] = "200ms";
  auto& run = sidecar.start("run");
  auto reader = sidecar.open();
  ASSERT_TRUE(reader) << reader.error().text;
  ASSERT_TRUE(both_in_contact(*reader));
  ASSERT_TRUE(kv.put("config/web/plain", kMark + "-changed"));
  ASSERT_TRUE(shows(*reader, "plain", kMark + "-changed"));
  ASSERT_TRUE(kv.remove("config/web/no-json"));
  ASSERT_TRUE(eventually([&] { return reader->poll(), !reader->contains("no-json"); }));
  ASSERT_TRUE(eventually([&] { return fs::exists(sidecar.backup_file()); }));

  // Every tool that prints more than the one value that it was asked for.
  for (const Words& words : {Words{"list"}, Words{"list", "--expanded"}, Words{"status"}, Words{"status", "--json"},
                             Words{"wait", "--key", "password"}, Words{"get", "passwort"},
                             Words{"wait", "--key", "plain", "--equals", "x", "--timeout", "100ms"}}) {
    const auto told = sidecar.tool(words);
    EXPECT_FALSE(has(told.out + told.err, kMark)) << words.front() << ": " << told.out << told.err;
  }
  const auto dumped = sidecar.tool({"dump", "--secret", "plain", "--secret", "list", "--secret", "binary"});
  EXPECT_TRUE(has(dumped.out, "document={\"password\": \"***\", \"list\": [\"***\"]}\n")) << dumped.out;
  EXPECT_TRUE(has(dumped.out, "password=***\n") && has(dumped.out, "plain=***\n")) << dumped.out;
  EXPECT_TRUE(has(sidecar.tool({"dump", "--show-secrets"}).out, "password=" + kMark + "\n"));

  (*consul)->kill_now();
  ASSERT_TRUE(has_verdict(*reader, Verdict::kStale));
  ASSERT_TRUE(run.send_signal(SIGTERM));
  ASSERT_TRUE(run.wait(10s));
  fs::remove_all(sidecar.directory());
  auto& restored = sidecar.start("run");
  ASSERT_TRUE(eventually([&] { return has(restored.stderr_text(), "serving the backup"); }));
  ASSERT_TRUE(restored.send_signal(SIGTERM));
  ASSERT_TRUE(restored.wait(10s));

  for (const harness::Process* process : {&run, &restored}) {
    const std::string log = process->stderr_text() + process->stdout_text();
    EXPECT_FALSE(has(log, kMark)) << log;
    EXPECT_TRUE(has(log, " debug: ")) << "the level is not what it should be: " << log;
  }
  EXPECT_TRUE(has(run.stderr_text(), "too-deep")) << "the log knows its keys: " << run.stderr_text();
}

}  // namespace
}  // namespace shmconf::integration
