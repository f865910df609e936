// The sidecar's secrets, by each way in, against a Consul that refuses and one that answers nonsense: they
// reach Consul, and show nowhere else.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "fakes/fake_consul.h"
#include "harness/consul_kv.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using harness::eventually;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr char kToken[] = "5ec2e700-70ce-4b0a-9d1e-c0ffee5ec2e7";
constexpr char kPassword[] = "open-sesame-5ec2e7";
const std::string kAuth = std::string("service:") + kPassword;

struct Way {
  std::string name;
  // Puts both secrets in, and returns the flags that this takes.
  std::function<Words(Sidecar& sidecar, std::map<std::string, std::string>& variables)> give;
};

struct Wrong {
  std::string name;
  fakes::Fault fault;
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

const Way kWays[] = {
    {"ConsulsVariables",
     [](Sidecar&, auto& variables) {
       variables["CONSUL_HTTP_TOKEN"] = kToken;
       variables["CONSUL_HTTP_AUTH"] = kAuth;
       return Words{};
     }},
    {"OurVariables",
     [](Sidecar&, auto& variables) {
       variables["SHMCONF_CONSUL_TOKEN"] = kToken;
       variables["SHMCONF_CONSUL_HTTP_AUTH"] = kAuth;
       return Words{};
     }},
    {"TokenFile",
     [](Sidecar& sidecar, auto& variables) {
       write_text(sidecar.file("given.token"), kToken);
       variables["CONSUL_HTTP_AUTH"] = kAuth;
       return Words{"--token-file", sidecar.file("given.token")};
     }},
    {"SettingsFile",
     [](Sidecar& sidecar, auto&) {
       write_text(sidecar.file("given.json"),
                  std::string(R"({"consul": {"token": ")") + kToken + R"(", "http_auth": ")" + kAuth + "\"}}");
       return Words{"--config", sidecar.file("given.json")};
     }},
};

// Proxies exist that say what they were sent.
const Wrong kWrongs[] = {
    {"Denied", fakes::faults::denied()},
    {"UnknownToken", fakes::faults::unknown_token()},
    {"NotJson", fakes::faults::not_json()},
    {"RepeatsTheToken", fakes::faults::status(500, std::string("cannot forward X-Consul-Token: ") + kToken)},
    {"RepeatsTheCredentials",
     fakes::faults::status(400, "Authorization: Basic " + harness::base64(kAuth) + " is not for " + kAuth)},
    {"IsTheTokenAlone", fakes::faults::body(std::string("[{\"Key\":\"") + kToken)},
};

std::vector<std::string> shown_forms() { return {kToken, std::string(kToken).substr(0, 12), kPassword, harness::base64(kAuth)}; }

void expect_no_secret(const std::string& text, const std::string& where) {
  for (const std::string& form : shown_forms()) {
    EXPECT_EQ(text.find(form), std::string::npos) << where << " shows " << form << ":\n" << text.substr(0, 4000);
  }
}

class SecretsTest : public testing::TestWithParam<std::tuple<Way, Wrong>> {
 protected:
  // Every file of the segment, of the backup and of the locks; not those that the test itself wrote.
  void expect_none_in_files(const std::string& directory) const {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      const bool is_given = entry.path().filename().string().starts_with("given.");
      if (entry.is_regular_file() && !is_given) expect_no_secret(text_of(entry.path()), entry.path());
    }
  }
  static std::string of(pid_t pid, const std::string& file) {
    return text_of("/proc/" + std::to_string(pid) + "/" + file);
  }
};

TEST_P(SecretsTest, ReachConsulAndShowNowhereElse) {
  const auto& [way, wrong] = GetParam();
  fakes::FakeConsul consul;
  consul.put("config/web/a", "1");
  Sidecar sidecar({.consul = consul.url()});
  Words flags = {"--heartbeat-interval", "200ms", "--log-level", "trace"};
  if (::geteuid() != 0) flags.emplace_back("--hardening=false");  // what is looked for below, else only root sees
  for (const std::string& flag : way.give(sidecar, sidecar.options().variables)) flags.push_back(flag);
  flags.insert(flags.end(), {"--", "sleep", "1000"});
  auto& exec = sidecar.start("exec", flags);
  auto reader = sidecar.open();
  ASSERT_TRUE(reader) << reader.error().text;
  ASSERT_TRUE(both_in_contact(*reader));
  ASSERT_TRUE(eventually([&] { return fs::exists(sidecar.backup_file()); }));

  // It has them, and Consul gets them.
  const auto asked = consul.requests();
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked.back().header("X-Consul-Token"), kToken);
  EXPECT_EQ(asked.back().header("Authorization"), "Basic " + harness::base64(kAuth));

  consul.script(wrong.fault.early().repeated());
  consul.cut_connections();
  ASSERT_TRUE(eventually([&] {
    const Status status = reader->status();
    return status.role(format::Role::kWatch).failing_for && status.role(format::Role::kHeartbeat).failing_for;
  }));

  pid_t command = 0;
  ASSERT_TRUE(eventually([&] {
    std::istringstream children(of(exec.pid(), "task/" + std::to_string(exec.pid()) + "/children"));
    for (pid_t pid = 0; children >> pid;) {
      if (of(pid, "cmdline").starts_with("sleep")) command = pid;
    }
    return command != 0;
  }));
  for (const pid_t pid : {command, child_of(exec, "watch"), child_of(exec, "heartbeat")}) {
    ASSERT_NE(pid, 0);
    EXPECT_NE(of(pid, "environ"), "") << "this shows nothing";
    expect_no_secret(of(pid, "environ"), of(pid, "cmdline") + "'s environment");
    expect_no_secret(of(pid, "cmdline"), "a command line");
  }
  expect_no_secret(of(exec.pid(), "cmdline"), "exec's command line");
  expect_no_secret(exec.stderr_text() + exec.stdout_text(), "the log");
  EXPECT_NE(exec.stderr_text().find("warning"), std::string::npos) << "this shows nothing";
  for (const Words& words : {Words{"status"}, Words{"status", "--json"}, Words{"dump", "--json"}}) {
    const auto told = sidecar.tool(words);
    EXPECT_NE(told.out, "");
    expect_no_secret(told.out + told.err, words.back());
  }
  expect_none_in_files(sidecar.root());
  expect_none_in_files(fs::path(sidecar.backup_file()).parent_path());
}

std::string name_of(const testing::TestParamInfo<std::tuple<Way, Wrong>>& info) {
  return std::get<0>(info.param).name + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(EachWayIn, SecretsTest, testing::Combine(testing::ValuesIn(kWays), testing::ValuesIn(kWrongs)),
                         name_of);

// What is wrong with a secret is said without it.
TEST(SecretsThatAreWrong, AreNotRepeated) {
  fakes::FakeConsul consul;
  Sidecar sidecar({.consul = consul.url()});
  const auto complains = [&](const std::string& file, const std::string& text) {
    write_text(sidecar.file(file), text);
    const bool is_token = file == "given.token";
    const auto told =
        sidecar.tool({"run", "--prefix", "config/web/", is_token ? "--token-file" : "--config", sidecar.file(file)});
    EXPECT_EQ(told.status.code, 2) << told.err;
    expect_no_secret(told.out + told.err, file);
  };
  const std::string token = kToken;
  complains("given.token", token + "\nand " + token + "\n");
  complains("given.token", token + "\x01");
  complains("given.json", R"({"consul": {"token": ")" + token + R"("x}})");
  complains("given.json", R"({"consul": {"token": ")" + token + R"(", "tokem": ")" + token + R"("}})");
  complains("given.json", R"({"consul": {"token": [")" + token + R"("]}})");
  complains("given.json", R"({"consul": {"token": ")" + token + R"(\n"}})");
  complains("given.json", R"({"consul": {"http_auth": ")" + kAuth + R"(\n"}})");
}

TEST(SecretsThatAreWrong, ARotationToABadFileChangesNothingAndRepeatsNothing) {
  fakes::FakeConsul consul;
  consul.put("config/web/a", "1");
  Sidecar sidecar({.consul = consul.url()});
  write_text(sidecar.file("given.token"), kToken);
  auto& run = sidecar.start("run", {"--token-file", sidecar.file("given.token"), "--heartbeat-interval", "200ms"});
  auto reader = sidecar.open();
  ASSERT_TRUE(reader) << reader.error().text;
  ASSERT_TRUE(both_in_contact(*reader));
  write_text(sidecar.file("given.token"), std::string(kToken) + " " + kToken);
  ASSERT_TRUE(eventually([&] {
    return reader->status().role(format::Role::kHeartbeat).last_error.find("characters that no token has") !=
           std::string::npos;
  }));
  EXPECT_EQ(reader->get("a"), "1");
  expect_no_secret(run.stderr_text(), "the log");
  expect_no_secret(sidecar.tool({"status"}).out, "status");
}

}  // namespace
}  // namespace shmconf::integration
