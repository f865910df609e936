// Layers over each other: precedence, Consul's variables, completeness, what spans several values.

#include "settings/settings_loader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "settings/field_table.h"
#include "settings/settings_text.h"
#include "unit/settings/loading.h"

namespace shmconf::settings {
namespace {

using Variables = std::map<std::string, std::string>;
using Values = std::vector<FlagValue>;

Settings loaded(const Variables& variables, const Values& flags = {}, Scope scope = Scope::kAnything) {
  return settings_or_fail(load_settings({"", flags}, environment_of(variables), scope));
}

Loaded load(const Variables& variables, const Values& flags = {}, Scope scope = Scope::kAnything) {
  return load_settings({"", flags}, environment_of(variables), scope);
}

TEST(Loader, LaterLayersWin) {
  const TextFile file(R"({"name": "web", "consul": {"address": "http://file:1"}})");
  Variables variables;
  Values flags;
  const auto address = [&] {
    return settings_or_fail(load_settings({file.path(), flags}, environment_of(variables),
                                          Scope::kReader)).name ==
                   "web"
               ? settings_or_fail(load_settings({file.path(), flags}, environment_of(variables),
                                                Scope::kAnything))
                     .consul.address
               : "no name";
  };
  EXPECT_EQ(loaded({}).consul.address, "http://127.0.0.1:8500");
  EXPECT_EQ(address(), "http://file:1");
  variables["CONSUL_HTTP_ADDR"] = "consul:2";
  EXPECT_EQ(address(), "http://consul:2");
  variables["SHMCONF_CONSUL_ADDRESS"] = "own:3";
  EXPECT_EQ(address(), "http://own:3");
  flags.push_back({"--consul", "flag:4"});
  EXPECT_EQ(address(), "http://flag:4");
}

TEST(Loader, EmptyVariablesCountAsNotSet) {
  const TextFile file(R"({"consul": {"datacenter": "dc1"}})");
  const auto environment = environment_of({{"CONSUL_DATACENTER", ""}, {"SHMCONF_CONSUL_WAIT", ""}});
  EXPECT_EQ(settings_or_fail(load_settings({file.path(), {}}, environment,
                                           Scope::kAnything)).consul.datacenter, "dc1");
}

TEST(Loader, FindsItsFileInTheEnvironmentUnlessAFlagNamesOne) {
  const TextFile first(R"({"name": "first"})");
  const TextFile second(R"({"name": "second"})");
  const auto environment = environment_of({{"SHMCONF_CONFIG", first.path()}});
  EXPECT_EQ(settings_or_fail(load_settings({}, environment, Scope::kReader)).name, "first");
  EXPECT_EQ(settings_or_fail(load_settings({second.path(), {}}, environment, Scope::kReader)).name, "second");
}

TEST(Loader, ConsulsVariablesMeanWhatTheyMeanToItsTools) {
  const TextFile token("from-file\n", "token");
  const TextFile pem("PEM", "pem");
  const Settings s = loaded({{"CONSUL_HTTP_ADDR", "consul.example:8501"},
                             {"CONSUL_HTTP_TOKEN", "t"},
                             {"CONSUL_HTTP_TOKEN_FILE", token.path()},
                             {"CONSUL_HTTP_SSL", "1"},
                             {"CONSUL_HTTP_SSL_VERIFY", "F"},
                             {"CONSUL_CACERT", pem.path()},
                             {"CONSUL_CAPATH", std::filesystem::path(pem.path()).parent_path().string()},
                             {"CONSUL_CLIENT_CERT", pem.path()},
                             {"CONSUL_CLIENT_KEY", pem.path()},
                             {"CONSUL_TLS_SERVER_NAME", "server.dc1.consul"},
                             {"CONSUL_HTTP_AUTH", "user:pass"},
                             {"CONSUL_NAMESPACE", "ns"},
                             {"CONSUL_PARTITION", "part"},
                             {"CONSUL_DATACENTER", "dc2"}});
  EXPECT_EQ(s.consul.address, "https://consul.example:8501");
  EXPECT_EQ(s.consul.token, "t");
  EXPECT_EQ(s.consul.token_file, token.path());
  EXPECT_FALSE(s.consul.tls.verify);
  EXPECT_EQ(s.consul.tls.ca_file, pem.path());
  EXPECT_EQ(s.consul.tls.certificate_file, pem.path());
  EXPECT_EQ(s.consul.tls.key_file, pem.path());
  EXPECT_EQ(s.consul.tls.server_name, "server.dc1.consul");
  EXPECT_EQ(s.consul.http_auth, "user:pass");
  EXPECT_EQ(s.consul.name_space, "ns");
  EXPECT_EQ(s.consul.partition, "part");
  EXPECT_EQ(s.consul.datacenter, "dc2");
}

TEST(Loader, SslFalseDoesNotTakeHttpsAway) {
  EXPECT_EQ(loaded({{"CONSUL_HTTP_SSL", "false"}, {"CONSUL_HTTP_ADDR", "https://h:1"}}).consul.address,
            "https://h:1");
  EXPECT_EQ(loaded({{"CONSUL_HTTP_SSL", "true"}}, {{"--consul", "h:1"}}).consul.address, "https://h:1");
  EXPECT_EQ(loaded({{"CONSUL_HTTP_SSL", "true"}}).consul.address, "https://127.0.0.1:8500");
  EXPECT_EQ(only_problem(load({{"CONSUL_HTTP_SSL", "maybe"}})).where, "CONSUL_HTTP_SSL");
}

TEST(Loader, AStrongerTokenReplacesAWeakerTokenFile) {
  const TextFile token("from-file", "token");
  const TextFile file(R"({"consul": {"token_file": ")" + token.path() + R"("}})");
  const auto with = [&](const Variables& variables, const Values& flags) {
    return settings_or_fail(load_settings({file.path(), flags}, environment_of(variables),
                                          Scope::kAnything)).consul;
  };
  EXPECT_EQ(with({}, {}).token_file, token.path());
  EXPECT_EQ(with({{"CONSUL_HTTP_TOKEN", "t"}}, {}).token_file, "");
  EXPECT_EQ(with({{"CONSUL_HTTP_TOKEN", "t"}}, {}).token, "t");
  EXPECT_EQ(with({{"CONSUL_HTTP_TOKEN", "t"}}, {{"--token-file", token.path()}}).token_file, token.path());
  EXPECT_EQ(with({{"CONSUL_HTTP_TOKEN", "t"}, {"CONSUL_HTTP_TOKEN_FILE", token.path()}}, {}).token_file,
            token.path());
}

TEST(Loader, CredentialsThatAreThereAreTakenWhereNothingElseNamesAFile) {
  const harness::TempDirectory directory;
  const Variables manager = {{"CREDENTIALS_DIRECTORY", directory.path()}};
  EXPECT_EQ(loaded(manager).consul.token_file, "");
  for (const char* name : {"token", "ca", "certificate", "key"}) {
    std::ofstream(directory / ("shmconf." + std::string(name))) << "text";
  }
  const settings::Consul consul = loaded(manager).consul;
  EXPECT_EQ(consul.token_file, directory / "shmconf.token");
  EXPECT_EQ(consul.tls.ca_file, directory / "shmconf.ca");
  EXPECT_EQ(consul.tls.certificate_file, directory / "shmconf.certificate");
  EXPECT_EQ(consul.tls.key_file, directory / "shmconf.key");

  const TextFile token("from-file", "token");
  const auto token_file_with = [&](const std::string& consul_of_file) {
    const TextFile file(R"({"consul": {)" + consul_of_file + "}}");
    const auto with = load_settings({file.path(), {}}, environment_of(manager), Scope::kAnything);
    return settings_or_fail(with).consul.token_file;
  };
  EXPECT_EQ(token_file_with(R"("token_file": ")" + token.path() + '"'), token.path());
  EXPECT_EQ(token_file_with(R"("token": "t")"), "");
  EXPECT_EQ(token_file_with(R"("token_file": "")"), directory / "shmconf.token");
}

TEST(Loader, ACredentialThatIsNoGoodIsAProblemOfItsName) {
  const harness::TempDirectory directory;
  std::ofstream(directory / "shmconf.token");
  std::ofstream(directory / "shmconf.backup_key") << "not a key";
  const auto problems = load({{"CREDENTIALS_DIRECTORY", directory.path()}});
  EXPECT_EQ(places_of(problems_of(problems)),
            (std::vector<std::string>{"credential shmconf.token", "credential shmconf.backup_key"}));
}

TEST(Loader, ReadersTakeNoCredentials) {
  const harness::TempDirectory directory;
  std::ofstream(directory / "shmconf.token");
  const auto environment = environment_of({{"CREDENTIALS_DIRECTORY", directory.path()}});
  EXPECT_EQ(settings_or_fail(load_settings({"", {{"--name", "web"}}}, environment, Scope::kReader)).consul.token_file, "");
}

TEST(Loader, TokenFileProblemsNameWhereItWasGiven) {
  const harness::TempDirectory directory;
  const std::string absent = directory / "absent";
  EXPECT_EQ(only_problem(load({{"CONSUL_HTTP_TOKEN_FILE", absent}})).where, "CONSUL_HTTP_TOKEN_FILE");
  EXPECT_EQ(only_problem(load({}, {{"--token-file", absent}})).where, "--token-file");
  const std::string file = R"({"consul": {"token_file": ")" + absent + R"("}})";
  EXPECT_EQ(only_problem(load_file(file)).where, "/consul/token_file");
  const TextFile empty(" \n", "token");
  EXPECT_NE(only_problem(load({}, {{"--token-file", empty.path()}})).text.find("is empty"),
            std::string::npos);
  const TextFile two("hunter2\nhunter3\n", "token");
  const Problem problem = only_problem(load({}, {{"--token-file", two.path()}}));
  EXPECT_EQ(to_string(problem).find("hunter"), std::string::npos);
}

TEST(Loader, SourcesOfAStrongerLayerReplaceTheWeakerOnes) {
  const TextFile file(R"({"sources": [{"key": "file"}]})");
  const auto sources = [&](const Variables& variables, const Values& flags) {
    return settings_or_fail(load_settings({file.path(), flags}, environment_of(variables),
                                          Scope::kAnything)).sources;
  };
  using Kind = Source::Kind;
  using Sources = std::vector<Source>;
  EXPECT_EQ(sources({}, {}), (Sources{{Kind::kKey, "file"}}));
  const Variables variables = {{"SHMCONF_KEYS", "k1,k2"}, {"SHMCONF_PREFIXES", "a/,b/"}};
  EXPECT_EQ(sources(variables, {}),
            (Sources{{Kind::kPrefix, "a/"}, {Kind::kPrefix, "b/"}, {Kind::kKey, "k1"}, {Kind::kKey, "k2"}}));
  EXPECT_EQ(sources(variables, {{"--key", "x,y"}, {"--prefix", "p/"}, {"--key", "z"}}),
            (Sources{{Kind::kKey, "x,y"}, {Kind::kPrefix, "p/"}, {Kind::kKey, "z"}}));
}

TEST(Loader, ASourceNamedTwiceIsAProblem) {
  EXPECT_EQ(only_problem(load({}, {{"--prefix", "a/"}, {"--key", "b"}, {"--prefix", "a/"}})).where,
            "--prefix");
  EXPECT_EQ(only_problem(load({{"SHMCONF_PREFIXES", "a/,b"}})).where, "SHMCONF_PREFIXES");
}

TEST(Loader, SaysWhatIsMissingForTheScope) {
  const std::vector<std::string> both = {"--name", "--prefix"};
  EXPECT_EQ(places_of(problems_of(load({}, {}, Scope::kSidecar))), both);
  EXPECT_EQ(only_problem(load({}, {}, Scope::kReader)).where, "--name");
  EXPECT_TRUE(problems_of(load({}, {}, Scope::kAnything)).empty());
  // What was given but is wrong is not reported as missing too.
  const std::vector<std::string> wrong = {"SHMCONF_NAME", "--prefix"};
  EXPECT_EQ(places_of(problems_of(load({{"SHMCONF_NAME", "a b"}}, {{"--prefix", "x"}}, Scope::kSidecar))),
            wrong);
}

TEST(Loader, ReadersDoNotNeedWhatTheSidecarNeeds) {
  const Variables variables = {{"SHMCONF_NAME", "web"},
                               {"CONSUL_HTTP_TOKEN_FILE", "/nonexistent/token"},
                               {"CONSUL_HTTP_SSL", "maybe"},
                               {"SHMCONF_CONSUL_WAIT", "never"}};
  EXPECT_EQ(loaded(variables, {}, Scope::kReader).name, "web");
  EXPECT_EQ(problems_of(load(variables, {{"--prefix", "a/"}}, Scope::kSidecar)).size(), 3U);
}

TEST(Loader, AServerNeedsAnAddressAndNoSourcesOrSecrets) {
  const Variables variables = {{"SHMCONF_NAME", "web"},
                               {"CONSUL_HTTP_TOKEN", "t0"},
                               {"CONSUL_HTTP_TOKEN_FILE", "/nonexistent/token"}};
  EXPECT_EQ(only_problem(load(variables, {}, Scope::kServer)).where, "--http");
  EXPECT_EQ(only_problem(load(variables, {{"--http", "0.0.0.0:80"}}, Scope::kServer)).where, "--http");
  const Settings served = loaded(variables, {{"--http", "unix:web.http"}}, Scope::kServer);
  EXPECT_TRUE(served.http.starts_with("unix:/")) << served.http;
  EXPECT_TRUE(served.http.ends_with("/web.http")) << served.http;
  EXPECT_EQ(served.consul.token, "");
}

TEST(Loader, TlsFilesAreCheckedWhereTlsIsSpoken) {
  const TextFile pem("PEM", "pem");
  const Variables half = {{"CONSUL_CLIENT_CERT", pem.path()}, {"CONSUL_CACERT", "/nonexistent/ca.pem"}};
  EXPECT_TRUE(problems_of(load(half)).empty());
  const std::vector<std::string> expected = {"CONSUL_CACERT", "CONSUL_CLIENT_CERT"};
  EXPECT_EQ(places_of(problems_of(load(half, {{"--consul", "https://h:1"}}))), expected);
  const Variables whole = {{"CONSUL_CLIENT_CERT", pem.path()}, {"CONSUL_CLIENT_KEY", pem.path()}};
  EXPECT_TRUE(problems_of(load(whole, {{"--consul", "https://h:1"}})).empty());
  EXPECT_EQ(only_problem(load({{"CONSUL_CAPATH", pem.path()}}, {{"--consul", "https://h:1"}})).where,
            "CONSUL_CAPATH");
}

TEST(Loader, PathsThatOtherProcessesGetBecomeAbsolute) {
  const Settings s = loaded({{"SHMCONF_DIR", "x/../y"}}, {{"--backup", "web.snapshot"}});
  EXPECT_EQ(s.directory, (std::filesystem::current_path() / "y").string());
  EXPECT_EQ(s.backup_file, (std::filesystem::current_path() / "web.snapshot").string());
  const Settings tls =
      loaded({{"CONSUL_CACERT", "ca.pem"}, {"CONSUL_CLIENT_CERT", "c.pem"}, {"CONSUL_CLIENT_KEY", "k.pem"}});
  EXPECT_EQ(tls.consul.tls.ca_file, (std::filesystem::current_path() / "ca.pem").string());
  EXPECT_EQ(tls.consul.tls.certificate_file, (std::filesystem::current_path() / "c.pem").string());
  EXPECT_EQ(tls.consul.tls.key_file, (std::filesystem::current_path() / "k.pem").string());
}

// A value that the field takes and that is not its default.
std::string sample(const Field& field, const std::string& file) {
  if (std::holds_alternative<SwitchSlot>(field.slot)) {
    return field.path == "/consul/tls/verify" || field.path == "/hardening" ? "false" : "true";
  }
  if (std::holds_alternative<DurationSlot>(field.slot)) return "7s";
  if (std::holds_alternative<SizeSlot>(field.slot)) return "12345";
  if (const auto* choice = std::get_if<ChoiceSlot>(&field.slot)) return std::string(choice->words.back());
  if (field.path == "/consul/address") return "http://other:1";
  if (field.path == "/http") return "127.0.0.1:1";
  const bool is_path = field.path.ends_with("file") || field.path.ends_with("path") || field.path == "/directory";
  return is_path ? file : "other";
}

// One way in at a time changes the field that it belongs to and no other.
void expect_only_that_changes(const Field& field, const Loaded& result, const std::string& value) {
  const auto before = nlohmann::json::parse(*to_json(Settings{}));
  const auto after = nlohmann::json::parse(*to_json(settings_or_fail(result)));
  const auto changes = nlohmann::json::diff(before, after);
  ASSERT_EQ(changes.size(), 1U) << field.path << ": " << changes.dump();
  EXPECT_EQ(changes[0]["path"], std::string(field.path));
  const auto& now = changes[0]["value"];
  EXPECT_EQ(now.is_string() ? now.get<std::string>() : now.dump(), value) << field.path;
}

TEST(Loader, EveryVariableAndFlagReachesItsOwnField) {
  const TextFile token("t", "token");
  const TextFile key(std::string(64, 'a'), "key");
  ASSERT_EQ(::chmod(key.path().c_str(), 0600), 0);
  for (const Field& field : field_table()) {
    if (field.path.empty() || field.path == "/sources") continue;
    const std::string value = sample(field, field.path == "/backup_key_file" ? key.path() : token.path());
    for (const std::string_view name : {field.variable, field.consul_variable}) {
      if (!name.empty()) expect_only_that_changes(field, load({{std::string(name), value}}), value);
    }
    if (!field.flag.empty()) {
      expect_only_that_changes(field, load({}, {{std::string(field.flag), value}}), value);
    }
  }
}

TEST(Loader, EveryVariableAndFlagReportsABadValueUnderItsOwnName) {
  for (const Field& field : field_table()) {
    const std::string bad = "\x01 bad";
    for (const std::string_view name : {field.variable, field.consul_variable}) {
      if (!name.empty()) {
        EXPECT_EQ(only_problem(load({{std::string(name), bad}})).where, name);
      }
    }
    if (!field.flag.empty()) {
      EXPECT_EQ(only_problem(load({}, {{std::string(field.flag), bad}})).where, field.flag);
    }
  }
  EXPECT_EQ(only_problem(load({}, {{"--nonsense", "x"}})).where, "--nonsense");
}

TEST(Loader, BoundsAreKeptOnBothSides) {
  const std::string size = "SHMCONF_CONSUL_MAX_BODY_BYTES";
  const auto refused = [](const std::string& variable, const char* value) {
    const auto problems = problems_of(load({{variable, value}}));
    return problems.size() == 1 && problems.front().text.find("is out of range") != std::string::npos;
  };
  for (const char* value : {"1024", "68719476736"}) EXPECT_FALSE(refused(size, value));
  for (const char* value : {"1023", "68719476737"}) EXPECT_TRUE(refused(size, value));
  for (const char* value : {"100ms", "10m"}) EXPECT_FALSE(refused("SHMCONF_CONSUL_WAIT", value));
  for (const char* value : {"99ms", "10m1ms"}) EXPECT_TRUE(refused("SHMCONF_CONSUL_WAIT", value));
}

TEST(Loader, TableGivesEveryNameOnce) {
  std::vector<std::string_view> names;
  for (const Field& field : field_table()) {
    for (const std::string_view name : {field.path, field.variable, field.consul_variable, field.flag}) {
      if (!name.empty()) names.push_back(name);
    }
    EXPECT_FALSE(field.about.empty());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(Loader, SecretsAreNamedForThoseWhoStripThem) {
  std::vector<std::string> secrets = secret_variables();
  std::sort(secrets.begin(), secrets.end());
  const std::vector<std::string> expected =
      {"CONSUL_HTTP_AUTH", "CONSUL_HTTP_TOKEN", "SHMCONF_CONSUL_HTTP_AUTH",
                                             "SHMCONF_CONSUL_TOKEN"};
  EXPECT_EQ(secrets, expected);
  const std::vector<std::string> all = setting_variables();
  for (const char* name
       : {"SHMCONF_CONFIG", "SHMCONF_NAME", "SHMCONF_PREFIXES", "CONSUL_HTTP_SSL", "CONSUL_HTTP_ADDR"}) {
    EXPECT_NE(std::find(all.begin(), all.end(), name), all.end()) << name;
  }
}

TEST(Loader, AFlagSwitchesOffWhatAFileSwitchedOn) {
  const TextFile file(R"({"allow_empty": true, "require_configuration": true})");
  const Settings settings = settings_or_fail(
      load_settings({file.path(), {{"--allow-empty", "false"}}}, environment_of({}), Scope::kAnything));
  EXPECT_FALSE(settings.allow_empty);
  EXPECT_TRUE(settings.require_configuration);
}

TEST(Loader, FlagsBecomeArgumentsAgain) {
  const Flags flags = {"a.json", {{"--name", "web"}, {"--allow-empty", "true"}, {"--hardening", "false"}, {"--backup", ""}}};
  const std::vector<std::string> expected = {"--config=a.json", "--name=web", "--allow-empty", "--hardening=false",
                                             "--backup="};
  EXPECT_EQ(to_arguments(flags), expected);
}

TEST(Loader, ABackupKeyFileThatIsNoneIsAProblemOfTheSidecarAlone) {
  const TextFile key("hunter2", "key");
  ASSERT_EQ(::chmod(key.path().c_str(), 0600), 0);
  const Problem problem = only_problem(load({}, {{"--backup-key-file", key.path()}}));
  EXPECT_EQ(problem.where, "--backup-key-file");
  EXPECT_NE(problem.text.find("64 hexadecimal digits"), std::string::npos) << problem.text;
  EXPECT_EQ(problem.text.find("hunter2"), std::string::npos);
  EXPECT_NE(problem.hint.find("openssl rand"), std::string::npos) << problem.hint;
  const TextFile file(R"({"name": "web", "backup_key_file": "/nonexistent/key"})");
  const auto reader = load_settings({file.path(), {}}, environment_of({}), Scope::kReader);
  EXPECT_TRUE(std::holds_alternative<Settings>(reader)) << "a service cannot read the sidecar's key, and need not";
}

TEST(Loader, AllProblemsFitInOneError) {
  const auto result =
      settings_from({"", {{"--name", "a b"}, {"--prefix", "x"}}}, environment_of({}), Scope::kSidecar);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_NE(result.error().text.find("--name: "), std::string::npos);
  EXPECT_NE(result.error().text.find("; and --prefix: "), std::string::npos);
}

}  // namespace
}  // namespace shmconf::settings
