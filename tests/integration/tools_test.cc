// get, list and status as processes, on a segment that the test publishes itself.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "integration/tools_fixture.h"

namespace shmconf {
namespace {

using namespace std::string_literals;
using namespace tools;
using nlohmann::json;
namespace fs = std::filesystem;

// --- get ---

TEST_F(ToolsTest, GetPrintsTheValuesBytes) {
  publish({item("binary", "\0\xff\n"s), item("demo-config", R"({"redis_config": {"redis_port": 6379}})"),
           item("empty", ""), item("redis/port", "6379")});
  EXPECT_EQ(out({"get", "redis/port"}), "6379\n");
  EXPECT_EQ(out({"get", "redis/port", "--raw"}), "6379");
  EXPECT_EQ(out({"get", "binary", "--raw"}), "\0\xff\n"s);
  EXPECT_EQ(out({"get", "binary"}), "\0\xff\n\n"s);
  EXPECT_EQ(out({"get", "empty"}), "\n");
  EXPECT_EQ(out({"get", "empty", "--raw"}), "");
  EXPECT_EQ(out({"get", "empty", "--default", "d"}), "\n");
  EXPECT_EQ(out({"get", "demo-config#/redis_config/redis_port"}), "6379\n");
}

TEST_F(ToolsTest, GetPrintsAValueOfHalfAMegabyte) {
  std::string large;
  while (large.size() < 524'288) large += static_cast<char>(large.size() * 31 % 251);
  publish({item("large", large)});
  EXPECT_TRUE(out({"get", "large", "--raw"}) == large);
}

TEST_F(ToolsTest, GetShowsWhatConsulsOwnToolShows) {
  publish({item("redis/config/other", "1234", 42)});
  EXPECT_EQ(out({"get", "--detailed", "redis/config/other"}),
            "CreateIndex      13\n"
            "Flags            42\n"
            "Key              redis/config/other\n"
            "LockIndex        0\n"
            "ModifyIndex      18677\n"
            "Session          -\n"
            "Value            1234\n");
}

TEST_F(ToolsTest, GetOfAnAbsentKeyNamesTheNearest) {
  publish({item("redis/host", "h"), item("redis/port", "6379")});
  const harness::Finished finished = run({"get", "redis/prot"});
  EXPECT_EQ(finished.status.code, 1);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(finished.err, "shmconf get: no key 'redis/prot'; the nearest: 'redis/port', 'redis/host'\n");
}

TEST_F(ToolsTest, GetPrintsTheDefaultForAnAbsentKey) {
  publish({item("a", "1")});
  EXPECT_EQ(out({"get", "b", "--default", "2"}), "2\n");
  EXPECT_EQ(out({"get", "b", "--default", "2", "--raw"}), "2");
  EXPECT_EQ(out({"get", "b", "--default", ""}), "\n");
  EXPECT_EQ(out({"get", "a", "--default", "2"}), "1\n");
}

TEST_F(ToolsTest, GetWithoutAnyConfigurationSaysWhatToDo) {
  for (const Words& words : {Words{"get", "a"}, Words{"get", "a", "--default", "1"}}) {
    const harness::Finished finished = run(words);
    EXPECT_EQ(finished.status.code, 3);
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(is_one_line_of(finished.err, "get")) << finished.err;
    EXPECT_TRUE(has(finished.err, "shmconf run")) << finished.err;
  }
}

TEST_F(ToolsTest, GetReadsTheBackupSilentlyWhereThereIsNoSegment) {
  pack(R"({"redis/port": "6379"})", backup_file());
  EXPECT_EQ(out({"get", "redis/port"}), "6379\n");
  fs::rename(backup_file(), file("elsewhere"));
  EXPECT_EQ(out({"get", "--backup", file("elsewhere"), "redis/port"}), "6379\n");
}

TEST_F(ToolsTest, GetRefusesDamagedBytes) {
  publish({item("a", "1"), item("b", "2")});
  flip_byte(snapshot_file(), fs::file_size(snapshot_file()) - 8);
  const std::vector<Words> commands = {{"get", "a"}, {"list"}, {"dump"}, {"status"}, {"wait"}};
  for (const Words& words : commands) {
    const harness::Finished finished = run(words);
    EXPECT_EQ(finished.status.code, 4) << words[0];
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(is_one_line_of(finished.err, words[0])) << finished.err;
  }
}

TEST_F(ToolsTest, GetRefusesASegmentOfAnotherVersion) {
  publish({item("a", "1")});
  segment_->page().version.store(format::kControlVersion + 1);
  const harness::Finished finished = run({"get", "a"});
  EXPECT_EQ(finished.status.code, 4);
  EXPECT_TRUE(is_one_line_of(finished.err, "get")) << finished.err;
}

TEST_F(ToolsTest, GetRefusesADirectoryThatOthersMayWrite) {
  publish({item("a", "1")});
  ASSERT_EQ(::chmod((root_ / "web").c_str(), 0777), 0);
  const harness::Finished finished = run({"get", "a"});
  EXPECT_EQ(finished.status.code, 5);
  EXPECT_TRUE(is_one_line_of(finished.err, "get")) << finished.err;
}

TEST_F(ToolsTest, GetTellsThatItsOutputWasLost) {
  publish({item("a", "1")});
  harness::Command shell = command({});
  shell.argv = {"/bin/sh", "-c", SHMCONF_BINARY " get a >/dev/full"};
  const auto finished = harness::run(shell);
  ASSERT_TRUE(finished);
  EXPECT_NE(finished->status.code, 0);
  EXPECT_TRUE(has(finished->err, "could not be written"));
}

// --- list ---

TEST_F(ToolsTest, ListPrintsTheKeysInOrder) {
  publish({item("B", ""), item("a", ""), item("doc", R"({"x": 1})"), item("doc2", ""), item("redis/", ""),
           item("redis/port", "")});
  EXPECT_EQ(out({"list"}), "B\na\ndoc\ndoc2\nredis/\nredis/port\n");
  EXPECT_EQ(out({"list", "redis/"}), "redis/\nredis/port\n");
  EXPECT_EQ(out({"list", "--expanded", "doc"}), "doc\ndoc#/x\ndoc2\n");
}

TEST_F(ToolsTest, ListKeepsOneKeyOnOneLine) {
  publish({item("a\n\x1b[2J", ""), item("b\\", ""), item("\u00e4", "")});
  EXPECT_EQ(out({"list"}), "a\\n\\x1b[2J\nb\\\\\n\u00e4\n");
}

TEST_F(ToolsTest, ListOfAnAbsentPrefixIsAbsent) {
  publish({item("a", "")});
  const harness::Finished finished = run({"list", "redis/"});
  EXPECT_EQ(finished.status.code, 1);
  EXPECT_EQ(finished.err, "shmconf list: no key begins with 'redis/'\n");
}

// --- status ---

TEST_F(ToolsTest, StatusShowsTheServedConfiguration) {
  const std::uint64_t generation = publish({item("a", "12"), item("doc", R"({"x": 1})")});
  const json status = json::parse(out({"status", "--json"}));
  EXPECT_EQ(status["name"], "web");
  EXPECT_EQ(status["directory"], root_ / "web");
  EXPECT_EQ(status["verdict"], "live");
  EXPECT_EQ(status["generation"], std::to_string(generation));
  EXPECT_EQ(status["keys"], 2);
  EXPECT_EQ(status["pointers"], 1);
  EXPECT_EQ(status["bytes"], 1 + 2 + 3 + 8);
  EXPECT_EQ(status["source"], "consul");
  EXPECT_EQ(status["consul_indexes"], json::parse(R"(["18677"])"));
  EXPECT_EQ(status["roles"]["watch"]["alive"], true);
  EXPECT_LT(status["roles"]["watch"]["contact_age_s"].get<double>(), 30.0);
  const std::string text = out({"status"});
  EXPECT_TRUE(has(text, "\nverdict        live\n")) << text;
  EXPECT_TRUE(has(text, "\ngeneration     " + std::to_string(generation) + "\n"));
}

TEST_F(ToolsTest, StatusTellsStaleFromDeadAndIsDoneWithEither) {
  publish({item("a", "1")});
  format::RoleState& watch = segment_->role(format::Role::kWatch);
  const auto now = static_cast<std::uint64_t>(env_.boottime_now().count());
  watch.failing_since_ns.store(now);
  watch.failures.store(3);
  watch.last_error.store("connection refused");
  const json stale = json::parse(out({"status", "--json"}));
  EXPECT_EQ(stale["verdict"], "stale");
  EXPECT_TRUE(stale["since"].is_string());
  EXPECT_EQ(stale["roles"]["watch"]["last_error"], "connection refused");
  EXPECT_TRUE(stale["roles"]["watch"]["failing_since"].is_string());
  EXPECT_TRUE(has(out({"status"}), "stale since "));
  watch.alive_ns.store(0);
  EXPECT_EQ(json::parse(out({"status", "--json"}))["verdict"], "dead");
  EXPECT_EQ(out({"get", "a"}), "1\n");
}

TEST_F(ToolsTest, StatusBeforeTheFirstConfigurationSaysSo) {
  attach();
  const harness::Finished finished = run({"status", "--json"});
  EXPECT_EQ(finished.status.code, 3);
  EXPECT_TRUE(is_one_line_of(finished.err, "status")) << finished.err;
  const json status = json::parse(finished.out);
  EXPECT_EQ(status["name"], "web");
  EXPECT_EQ(status["verdict"], nullptr);
  EXPECT_EQ(status["error"]["code"], "not ready");
}

TEST_F(ToolsTest, StatusTellsThatABackupFileIsRead) {
  pack(R"({"a": "1"})", backup_file());
  const json status = json::parse(out({"status", "--json"}));
  EXPECT_EQ(status["verdict"], "dead");
  EXPECT_EQ(status["source"], "backup");
  EXPECT_EQ(status["from_backup_file"], true);
  EXPECT_EQ(status["backup_file"], backup_file());
}

}  // namespace
}  // namespace shmconf
