// `shmconf dev`: the endpoint alone, and with a sidecar on it.
#include <gtest/gtest.h>

#include <fstream>

#include "harness/eventually.h"
#include "harness/http.h"
#include "harness/process.h"
#include "harness/temp_directory.h"
#include "shmconf/reader.h"

namespace shmconf {
namespace {

using harness::Command;
using harness::eventually;
using harness::Process;

std::string after(const std::string& text, const std::string& word) {
  const auto at = text.find(word);
  if (at == std::string::npos) return {};
  const auto from = at + word.size();
  return text.substr(from, text.find('\n', from) - from);
}

harness::HttpResponse ask(const std::string& url, const std::string& method, const std::string& target,
                          const std::string& body = {}) {
  const auto colon = url.rfind(':');
  const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)));
  return harness::http_request("127.0.0.1", port, method, target, body);
}

class DevTest : public ::testing::Test {
 protected:
  Process start(std::vector<std::string> arguments) {
    std::vector<std::string> argv = {SHMCONF_BINARY, "dev", "--listen", "127.0.0.1:0"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    Command command;
    command.argv = std::move(argv);
    return std::move(Process::spawn(command)).value();
  }
  std::optional<Reader> open() {
    auto reader = Reader::open("web", {.directory = memory_.path(), .allow_backup = false});
    if (!reader) return std::nullopt;
    return std::move(*reader);
  }

  harness::TempDirectory memory_{"/dev/shm"};
  harness::TempDirectory disk_;
};

TEST_F(DevTest, ASeededSidecarFollowsItsOwnEndpointAndWritesNoBackup) {
  std::ofstream(disk_ / "seed.json") << R"({"config/web/greeting": "hello"})";
  Process dev = start({"--name", "web", "--dir", memory_.path(), "--prefix", "config/web/", "--seed",
                       disk_ / "seed.json", "--backup", disk_ / "backup"});
  std::optional<Reader> reader;
  ASSERT_TRUE(eventually([&] { return (reader = open()).has_value(); })) << dev.stderr_text();
  EXPECT_EQ(reader->get("greeting"), "hello");
  EXPECT_EQ(reader->status().origin, format::Origin::kDev);
  EXPECT_NE(dev.stderr_text().find("DEVELOPMENT ONLY"), std::string::npos);

  const std::string url = after(dev.stderr_text(), "listening on ");
  ASSERT_EQ(ask(url, "PUT", "/v1/kv/config/web/greeting", "again").status, 200) << url;
  EXPECT_TRUE(eventually([&] { return reader->get("greeting") == "again"; }));

  ASSERT_TRUE(dev.send_signal(SIGTERM));
  EXPECT_EQ(dev.wait(), harness::ExitStatus{.code = 0});
  EXPECT_TRUE(eventually([&] { return !ask(url, "GET", "/v1/status/leader").complete(); }))
      << "the endpoint outlived its supervisor";
  EXPECT_FALSE(std::ifstream(disk_ / "backup").is_open());
}

TEST_F(DevTest, TheEndpointAloneSaysWhereItListensAndEndsWhenTold) {
  Process dev = start({"--endpoint-only"});
  ASSERT_TRUE(eventually([&] { return !after(dev.stdout_text(), "listening on ").empty(); })) << dev.stderr_text();
  const std::string url = after(dev.stdout_text(), "listening on ");
  EXPECT_EQ(ask(url, "PUT", "/v1/kv/a", "1").status, 200);
  ASSERT_TRUE(dev.send_signal(SIGTERM));
  EXPECT_EQ(dev.wait(), harness::ExitStatus{.code = 0});
}

TEST_F(DevTest, OnlyLoopbackIsServed) {
  Command command;
  command.argv = {SHMCONF_BINARY, "dev", "--endpoint-only", "--listen", "0.0.0.0:0"};
  Process dev = std::move(Process::spawn(command)).value();
  EXPECT_EQ(dev.wait(), harness::ExitStatus{.code = 2}) << dev.stderr_text();
}

}  // namespace
}  // namespace shmconf
