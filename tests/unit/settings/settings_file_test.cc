// The file alone: every key, every kind of mistake, and the reference file of the repository.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "settings/field_table.h"
#include "settings/settings_text.h"
#include "unit/settings/loading.h"

namespace shmconf::settings {
namespace {

using std::chrono::milliseconds;

constexpr char kEverything[] = R"(// a comment
{
  "name": "web", "directory": "/run/x", "backup_file": "/b/web.snapshot",
  "sources": [{"prefix": "config/common/"}, {"key": "demo-config"}, {"prefix": "config/web/"}],
  "allow_empty": true, "group": "www", "heartbeat_interval": "1m30s", "startup_timeout": "0s",
  "require_configuration": true, "http": "unix:/run/x/http", "http_values": true,
  "consul": {
    "address": "unix:///run/consul.sock", "token": "t0", "http_auth": "u:p", "datacenter": "dc1",
    "namespace": "ns", "partition": "part", "consistency": "stale",
    "tls": {"ca_file": "/ca", "ca_path": "/cas", "certificate_file": "/crt", "key_file": "/key",
            "server_name": "consul.dc1", "verify": false}, /* another */
    "wait": "20s", "grace": "3s", "connect_timeout": "400ms", "max_body_bytes": 4096
  },
  "log": {"level": "debug", "format": "json"}
})";

TEST(SettingsFile, FillsEveryField) {
  const Settings s = settings_or_fail(load_file(kEverything, Scope::kSidecar));
  EXPECT_EQ(s.name, "web");
  EXPECT_EQ(s.directory, "/run/x");
  EXPECT_EQ(s.backup_file, "/b/web.snapshot");
  const std::vector<Source> sources = {{Source::Kind::kPrefix, "config/common/"},
                                       {Source::Kind::kKey, "demo-config"},
                                       {Source::Kind::kPrefix, "config/web/"}};
  EXPECT_EQ(s.sources, sources);
  EXPECT_TRUE(s.allow_empty);
  EXPECT_EQ(s.group, "www");
  EXPECT_EQ(s.heartbeat_interval, milliseconds(90'000));
  EXPECT_EQ(s.startup_timeout, milliseconds(0));
  EXPECT_TRUE(s.require_configuration);
  EXPECT_EQ(s.http, "unix:/run/x/http");
  EXPECT_TRUE(s.http_values);
  EXPECT_EQ(s.consul.address, "unix:///run/consul.sock");
  EXPECT_EQ(s.consul.token, "t0");
  EXPECT_EQ(s.consul.token_file, "");
  EXPECT_EQ(s.consul.http_auth, "u:p");
  EXPECT_EQ(s.consul.datacenter, "dc1");
  EXPECT_EQ(s.consul.name_space, "ns");
  EXPECT_EQ(s.consul.partition, "part");
  EXPECT_EQ(s.consul.consistency, Consistency::kStale);
  EXPECT_EQ(s.consul.tls.ca_file, "/ca");
  EXPECT_EQ(s.consul.tls.ca_path, "/cas");
  EXPECT_EQ(s.consul.tls.certificate_file, "/crt");
  EXPECT_EQ(s.consul.tls.key_file, "/key");
  EXPECT_EQ(s.consul.tls.server_name, "consul.dc1");
  EXPECT_FALSE(s.consul.tls.verify);
  EXPECT_EQ(s.consul.wait, milliseconds(20'000));
  EXPECT_EQ(s.consul.grace, milliseconds(3'000));
  EXPECT_EQ(s.consul.connect_timeout, milliseconds(400));
  EXPECT_EQ(s.consul.max_body_bytes, 4096U);
  EXPECT_EQ(s.log.level, Log::Level::kDebug);
  EXPECT_EQ(s.log.format, Log::Format::kJson);
}

TEST(SettingsFile, IsWrittenBackAsItWasRead) {
  const Settings first = settings_or_fail(load_file(kEverything));
  const auto text = to_json(first);
  ASSERT_TRUE(text.ok());
  const auto again = to_json(settings_or_fail(load_file(*text)));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*text, *again);
  EXPECT_NE(text->find("\"heartbeat_interval\": \"1m30s\""), std::string::npos);
  EXPECT_NE(text->find("\"token\": \"t0\""), std::string::npos);
  const auto defaults = to_json(Settings{});
  ASSERT_TRUE(defaults.ok());
  EXPECT_EQ(*defaults, *to_json(settings_or_fail(load_file("{}"))));
}

TEST(SettingsFile, TextThatJsonCannotCarryIsAnError) {
  Settings settings;
  settings.directory = "/run/\xff";
  EXPECT_FALSE(to_json(settings).ok());
}

TEST(SettingsFile, ReportsEveryProblemAtItsPath) {
  const auto problems = problems_of(load_file(R"({
    "name": "we b", "allow_empty": "yes", "backup_file": null,
    "heartbeat_interval": "15", "startup_timeout": 5,
    "sources": [{"prefix": "config/web"}, {"prefix": "a/", "key": "b"}, {"kee": "b"}, 5, {}, {"key": 7}],
    "consul": {"wait": "11m", "grace": "1ms", "max_body_bytes": -1, "consistency": "stalee",
               "address": "ftp://x", "tls": 5},
    "log": {"level": 3}
  })"));
  std::vector<std::string> places = places_of(problems);
  std::sort(places.begin(), places.end());
  const std::vector<std::string> expected = {
      "/allow_empty",        "/backup_file",       "/consul/address", "/consul/consistency", "/consul/grace",
      "/consul/max_body_bytes", "/consul/tls",     "/consul/wait",    "/heartbeat_interval", "/log/level",
      "/name",               "/sources/0/prefix",  "/sources/1",      "/sources/2/kee",      "/sources/3",
      "/sources/4",          "/sources/5/key",     "/startup_timeout"};
  EXPECT_EQ(places, expected);
  for (const Problem& problem : problems) {
    EXPECT_FALSE(problem.text.empty()) << problem.where;
    EXPECT_FALSE(problem.hint.empty()) << problem.where;
  }
}

TEST(SettingsFile, UnknownKeysGetTheNearestKnownOne) {
  EXPECT_EQ(only_problem(load_file(R"({"consul": {"tokn": "s"}})")),
            (Problem{"/consul/tokn", "is not a setting", "did you mean /consul/token?"}));
  EXPECT_EQ(only_problem(load_file(R"({"wait": "1s"})")).hint, "did you mean /consul/wait?");
  EXPECT_EQ(only_problem(load_file(R"({"consol": {}})")).hint, "did you mean /consul?");
  EXPECT_EQ(only_problem(load_file(R"({"log": {"zzzzzzzz": 1}})")).hint, "allowed here: level, format");
  EXPECT_EQ(only_problem(load_file(R"({"a/b~c": 1})")).where, "/a~1b~0c");
}

TEST(SettingsFile, NamesItsSchemaForEditors) {
  EXPECT_EQ(settings_or_fail(load_file(R"({"$schema": "./shmconf.schema.json", "name": "web"})")).name, "web");
  EXPECT_EQ(only_problem(load_file(R"({"$schema": 7})")).where, "/$schema");
  EXPECT_EQ(only_problem(load_file(R"({"log": {"$schema": "x"}})")).where, "/log/$schema");
}

TEST(SettingsFile, DuplicateKeysAreFoundWhereverTheyAre) {
  EXPECT_EQ(only_problem(load_file(R"({"name": "a", "name": "b"})")).where, "/name");
  EXPECT_EQ(only_problem(load_file(R"({"consul": {"wait": "1s", "grace": "1s", "wait": "2s"}})")).where,
            "/consul/wait");
  const auto nested = load_file(R"({"sources": [[{}], {"key": "a"}, {"key": "a", "key": "b"}]})");
  const auto places = places_of(problems_of(nested));
  EXPECT_NE(std::find(places.begin(), places.end(), "/sources/2/key"), places.end());
  // The same key in two objects is none.
  settings_or_fail(load_file(R"({"sources": [{"key": "a"}, {"key": "b"}]})"));
}

TEST(SettingsFile, WhatIsNotJsonIsOneProblemWithItsLine) {
  const TextFile file("{\n  \"name\": \"a\"\n  \"consul\": {\"token\": \"hunter2\"}}");
  const Problem problem =
      only_problem(load_settings({file.path(), {}}, environment_of({}), Scope::kAnything));
  EXPECT_EQ(problem.where, file.path());
  EXPECT_NE(problem.text.find("line 3, column "), std::string::npos) << problem.text;
  EXPECT_EQ(only_problem(load_file("")).text.find("not valid JSON at line 1, column 1"), 0U);
  EXPECT_NE(only_problem(load_file("[1]")).text.find("a list, not an object"), std::string::npos);
  EXPECT_NE(only_problem(load_file("{\"name\": \"\xff\"}")).text.find("not valid JSON"), std::string::npos);
}

TEST(SettingsFile, MessagesNeverHoldASecret) {
  for (const char* text : {R"({"consul": {"token": "hunter2)", R"({"consul": {"token": hunter2}})",
                           R"({"consul": {"token": "hunter2\n"}})",
                           R"({"consul": {"http_auth": "u:hunter2\r"}})",
                           R"({"consul": {"token": ["hunter2"]}})", R"({"consul": {"token": "x" "hunter2"}})",
                           R"({"consul": {"address": "http://u:hunter2@h:1"}})", R"({"tokn": "hunter2"})"}) {
    const auto problems = problems_of(load_file(text));
    EXPECT_FALSE(problems.empty()) << text;
    for (const Problem& problem : problems) {
      EXPECT_EQ(to_string(problem).find("hunter2"), std::string::npos) << to_string(problem);
    }
  }
}

TEST(SettingsFile, UnreadableFilesAreProblems) {
  const harness::TempDirectory directory;
  const auto load = [](const std::string& path) {
    return only_problem(load_settings({path, {}}, environment_of({}), Scope::kAnything));
  };
  EXPECT_NE(load(directory / "absent").text.find("No such file"), std::string::npos);
  EXPECT_NE(load(directory.path()).text.find("directory"), std::string::npos);
  const TextFile huge("{}" + std::string((1U << 20) + 1, ' '));
  EXPECT_NE(load(huge.path()).text.find("more than"), std::string::npos);
}

TEST(SettingsFile, MayBeALink) {
  const TextFile file(R"({"name": "web"})");
  const harness::TempDirectory directory;
  ASSERT_EQ(::symlink(file.path().c_str(), (directory / "link").c_str()), 0);
  EXPECT_EQ(settings_or_fail(load_settings({directory / "link", {}}, environment_of({}),
                                           Scope::kReader)).name, "web");
}

TEST(ReferenceFile, IsValidCompleteAndShowsTheDefaults) {
  Settings settings =
      settings_or_fail(load_settings({SHMCONF_REFERENCE_FILE, {}}, environment_of({}), Scope::kSidecar));
  std::ifstream stream(SHMCONF_REFERENCE_FILE);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto document = nlohmann::json::parse(text, nullptr, true, true);
  for (const Field& field : field_table()) {
    if (!field.path.empty()) {
      EXPECT_TRUE(document.contains(nlohmann::json::json_pointer(std::string(field.path)))) << field.path;
    }
    // Its comments name every way in.
    for (const std::string_view name : {field.variable, field.consul_variable}) {
      if (!name.empty()) {
        EXPECT_NE(text.find("$" + std::string(name)), std::string::npos) << name;
      }
    }
    if (!field.credential.empty()) {
      EXPECT_NE(text.find("credential " + std::string(field.credential)), std::string::npos) << field.credential;
    }
    if (!field.flag.empty()) {
      EXPECT_NE(text.find(field.flag), std::string::npos) << field.flag;
    }
  }
  settings.name.clear();
  settings.sources.clear();
  EXPECT_EQ(*to_json(settings), *to_json(Settings{}));
}

}  // namespace
}  // namespace shmconf::settings
