// Bad settings, bad names, and places that are not to be trusted: each gets its one clear line and its
// exit code, and touches nothing.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using harness::eventually;
using harness::Finished;
namespace fs = std::filesystem;

// Nobody listens there; what is tested here ends before Consul is asked.
constexpr char kNowhere[] = "http://127.0.0.1:1";

class BadInputTest : public testing::Test {
 protected:
  // `run`, which is expected to refuse.
  Finished run(const Words& more) {
    Words words = {"run", "--prefix", "config/web/"};
    words.insert(words.end(), more.begin(), more.end());
    return sidecar_.tool(words);
  }
  static void expect_refusal(const Finished& finished, const std::string& command, int code,
                             const std::vector<std::string>& mentions) {
    EXPECT_EQ(finished.status.code, code) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(is_one_line_of(finished.err, command)) << finished.err;
    for (const auto& text : mentions) {
      EXPECT_NE(finished.err.find(text), std::string::npos) << text << ": " << finished.err;
    }
  }

  Sidecar sidecar_{{.consul = kNowhere}};
};

// --- settings ---

class BadSettingsTest : public BadInputTest {
 protected:
  // Both `check` and `run` say the same of the file.
  void expect_problem(const std::string& json, const std::vector<std::string>& mentions) {
    const std::string file = sidecar_.file("settings.json");
    write_text(file, json);
    const Finished checked = sidecar_.tool({"check", file});
    EXPECT_EQ(checked.status.code, 2);
    EXPECT_EQ(std::count(checked.err.begin(), checked.err.end(), '\n'), 1) << checked.err;
    for (const auto& text : mentions) EXPECT_NE(checked.err.find(text), std::string::npos) << checked.err;
    expect_refusal(sidecar_.tool({"run", "--config", file}), "run", 2, mentions);
    EXPECT_FALSE(fs::exists(sidecar_.directory()));
  }
  static std::string with(const std::string& members) {
    return R"({"name": "web", "sources": [{"prefix": "config/web/"}], )" + members + "}";
  }
};

TEST_F(BadSettingsTest, AWrongType) {
  expect_problem(with(R"("consul": {"wait": 30})"), {"/consul/wait", "30s"});
  expect_problem(with(R"("allow_empty": "yes")"), {"/allow_empty"});
}

TEST_F(BadSettingsTest, AnUnknownKey) {
  expect_problem(with(R"("consul": {"adress": "x"})"), {"/consul/adress", "address"});
}

TEST_F(BadSettingsTest, ABadDuration) {
  expect_problem(with(R"("heartbeat_interval": "15 minutes")"), {"/heartbeat_interval", "15 minutes"});
  expect_problem(with(R"("consul": {"wait": "11m"})"), {"/consul/wait", "10m"});
}

TEST_F(BadSettingsTest, AnUnreadableTokenFile) {
  const std::string missing = sidecar_.file("no-token");
  expect_problem(with(R"("consul": {"token_file": ")" + missing + "\"}"), {"/consul/token_file", missing});
  expect_refusal(run({"--token-file", missing}), "run", 2, {"--token-file", missing});
  expect_refusal(run({"--token-file", sidecar_.root()}), "run", 2, {"--token-file"});
}

TEST_F(BadSettingsTest, EveryProblemAtOnce) {
  const std::string file = sidecar_.file("settings.json");
  write_text(file, R"({"name": "a b", "sources": [{"prefix": "config"}],
                       "consul": {"wait": "x", "nope": 1}})");
  for (const Words& command : {Words{"check", file}, Words{"run", "--config", file}}) {
    // The fixture's variables would repair the name.
    auto prepared = sidecar_.command(command);
    prepared.set_env.erase("SHMCONF_NAME");
    const auto finished = harness::run(prepared);
    ASSERT_TRUE(finished);
    EXPECT_EQ(finished->status.code, 2);
    EXPECT_EQ(std::count(finished->err.begin(), finished->err.end(), '\n'), 4) << finished->err;
    for (const char* where : {"/name", "/sources/0/prefix", "/consul/wait", "/consul/nope"}) {
      EXPECT_NE(finished->err.find(where), std::string::npos) << finished->err;
    }
  }
}

// --- names ---

TEST_F(BadInputTest, BadNames) {
  const std::string too_long(65, 'x');
  for (const std::string name : {"../web", ".hidden", "a b", "a/b", "grün", "-web", too_long.c_str()}) {
    for (const std::string command : {"run", "watch", "heartbeat"}) {
      const Finished finished = sidecar_.tool({command, "--prefix", "config/web/", "--name=" + name});
      expect_refusal(finished, command, 2, {"name"});
    }
    for (const Words& words : {Words{"get", "a"}, Words{"list"}, Words{"status"}, Words{"wait"}}) {
      Words all = words;
      all.push_back("--name=" + name);
      const Finished finished = sidecar_.tool(all);
      EXPECT_EQ(finished.status.code, 2);
      EXPECT_TRUE(finished.err.starts_with("shmconf " + words[0] + ": --name: ")) << finished.err;
    }
  }
  EXPECT_TRUE(fs::is_empty(sidecar_.root())) << "something was made for a bad name";
}

// --- places ---

TEST_F(BadInputTest, ADirectoryThatIsAnothersIsNotTaken) {
  if (::geteuid() == 0) {
    ASSERT_EQ(::mkdir(sidecar_.directory().c_str(), 0755), 0);
    ASSERT_EQ(::chown(sidecar_.directory().c_str(), 65534, 65534), 0);
    for (const char* command : {"run", "watch", "heartbeat"}) {
      expect_refusal(sidecar_.tool({command, "--prefix", "config/web/"}), command, 5, {sidecar_.directory()});
    }
    EXPECT_TRUE(fs::is_empty(sidecar_.directory()));
  } else {
    expect_refusal(run({"--dir", "/usr", "--name", "lib"}), "run", 5, {"/usr"});
  }
}

TEST_F(BadInputTest, ASymlinkIsNotFollowed) {
  const std::string elsewhere = sidecar_.file("elsewhere");
  ASSERT_TRUE(fs::create_directory(elsewhere));
  fs::create_directory_symlink(elsewhere, sidecar_.directory());
  expect_refusal(run({}), "run", 5, {sidecar_.directory()});
  expect_refusal(sidecar_.tool({"get", "a"}), "get", 5, {sidecar_.directory()});
  EXPECT_TRUE(fs::is_empty(elsewhere));
}

TEST_F(BadInputTest, ADirectoryThatIsOpenToOthersWritingIsNotTaken) {
  ASSERT_EQ(::mkdir(sidecar_.directory().c_str(), 0700), 0);
  for (const mode_t mode : {0770, 0702}) {
    ASSERT_EQ(::chmod(sidecar_.directory().c_str(), mode), 0);
    expect_refusal(run({}), "run", 5, {sidecar_.directory()});
    expect_refusal(sidecar_.tool({"get", "a"}), "get", 5, {sidecar_.directory()});
  }
  EXPECT_TRUE(fs::is_empty(sidecar_.directory()));
  ASSERT_EQ(::rmdir(sidecar_.directory().c_str()), 0);
  write_text(sidecar_.directory(), "no directory at all");
  EXPECT_EQ(run({}).status.code, 5);
}

TEST_F(BadInputTest, ASecondOfEachProcessIsRefused) {
  sidecar_.start("run");
  for (const std::string command : {"watch", "heartbeat"}) {
    // It says that it is refused by Consul, so it is at work.
    const std::string at_work = "shmconf " + command + "[";
    ASSERT_TRUE(eventually([&] { return sidecar_.logs().find(at_work) != std::string::npos; }));
    expect_refusal(sidecar_.tool({command, "--prefix", "config/web/"}), command, 5, {"another " + command});
  }
  expect_refusal(run({}), "run", 5, {"pid"});
}

}  // namespace
}  // namespace shmconf::integration
