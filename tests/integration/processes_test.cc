// `shmconf watch` and `shmconf heartbeat` as processes, started by hand.

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "backup/store.h"
#include "fakes/fake_consul.h"
#include "harness/eventually.h"
#include "harness/process.h"
#include "harness/temp_directory.h"
#include "settings/sources_hash.h"
#include "shm/publisher.h"
#include "sources/overlay.h"

namespace shmconf {
namespace {

using namespace std::chrono_literals;
using harness::eventually;

harness::Command command_of(std::vector<std::string> argv) {
  harness::Command command;
  command.argv = std::move(argv);
  return command;
}

class Processes : public ::testing::Test {
 protected:
  harness::Process spawn(const std::string& command) {
    auto process = harness::Process::spawn(
        command_of({SHMCONF_BINARY, command, "--name", "web", "--dir", root_ / "shm", "--prefix", "web/", "--consul",
                    consul_.url(), "--backup", backup_}));
    EXPECT_TRUE(process) << process.error().text;
    return std::move(*process);
  }
  std::string get(const std::string& key) {
    auto done = harness::run(command_of({SHMCONF_BINARY, "get", "--name", "web", "--dir", root_ / "shm", key}));
    return done && done->status.code == 0 ? done->out : "-";
  }
  bool reads(const std::string& key, const std::string& value, std::chrono::milliseconds limit = 10s) {
    return eventually([&] { return get(key) == value + "\n"; }, limit, 20ms);
  }
  // A backup as an earlier run left it.
  void leave_backup(std::uint64_t sources_hash) {
    shm::Place place{.root = root_ / "earlier", .root_is_default = false, .name = "web", .group = {}};
    std::filesystem::create_directory(root_ / "earlier");
    auto segment = shm::Segment::attach(env::Env::posix(), place);
    ASSERT_TRUE(segment);
    auto publisher = shm::Publisher::attach(env::Env::posix(), *segment, format::Role::kHeartbeat);
    ASSERT_TRUE(publisher);
    shm::Content content;
    content.keys = {{.key = "a", .value = "kept", .create_index = 1, .modify_index = 2, .session = {}}};
    content.indexes = {2};
    content.sources_hash = sources_hash;
    std::uint64_t noted = publisher->note();
    ASSERT_TRUE(publisher->publish(content, noted, {}, nullptr));
    ASSERT_TRUE(backup::Store(env::Env::posix(), backup_).write(publisher->current()->bytes()));
  }
  static std::uint64_t our_hash(const std::string& path = "web/") {
    const std::vector<settings::Source> sources = {{.kind = settings::Source::Kind::kPrefix, .path = path}};
    return settings::sources_hash(sources, settings::Consul());
  }
  void SetUp() override { std::filesystem::create_directory(root_ / "shm"); }

  fakes::FakeConsul consul_;
  harness::TempDirectory root_;
  const std::string backup_ = root_ / "web.snapshot";
};

TEST_F(Processes, EitherAloneSupplies) {
  consul_.put("web/a", "1");
  {
    auto watch = spawn("watch");
    ASSERT_TRUE(reads("a", "1")) << watch.stderr_text();
    consul_.put("web/a", "2");
    ASSERT_TRUE(reads("a", "2"));
  }
  consul_.put("web/a", "3");
  auto heartbeat = spawn("heartbeat");
  ASSERT_TRUE(reads("a", "3")) << heartbeat.stderr_text();
}

TEST_F(Processes, EndWithinASecondOfSigtermAndSigint) {
  int value = 0;
  for (const char* command : {"watch", "heartbeat"}) {
    for (const int signal : {SIGTERM, SIGINT}) {
      // A value that only this process can have published: then it is at work.
      const std::string fresh = std::to_string(++value);
      consul_.put("web/a", fresh);
      auto process = spawn(command);
      ASSERT_TRUE(reads("a", fresh));
      ASSERT_TRUE(process.send_signal(signal));
      const auto ended = process.wait(1s);
      ASSERT_TRUE(ended) << command << " goes on after signal " << signal;
      EXPECT_EQ(ended->shell_code(), 0) << process.stderr_text();
    }
  }
}

TEST_F(Processes, ASecondOneOfARoleIsRefused) {
  for (const char* command : {"watch", "heartbeat"}) {
    consul_.put("web/a", command);
    auto first = spawn(command);
    ASSERT_TRUE(reads("a", command));
    auto second = spawn(command);
    const auto ended = second.wait();
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->code, 5);
    EXPECT_NE(second.stderr_text().find("another " + std::string(command) + " runs for 'web'"), std::string::npos)
        << second.stderr_text();
    EXPECT_TRUE(first.running());
  }
}

TEST_F(Processes, ServeTheBackupWithinTwoSecondsWhenConsulRefusesOrHangs) {
  leave_backup(our_hash());
  for (const char* command : {"heartbeat", "watch"}) {
    for (const bool hangs : {false, true}) {
      std::filesystem::remove_all(root_ / "shm/web");
      if (hangs) {
        consul_.accept_again();
        consul_.script(fakes::faults::silent().repeated());
      } else {
        consul_.refuse();
      }
      const auto start = std::chrono::steady_clock::now();
      auto process = spawn(command);
      ASSERT_TRUE(reads("a", "kept")) << process.stderr_text();
      EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
      EXPECT_NE(process.stderr_text().find("serving the backup"), std::string::npos) << process.stderr_text();
      if (!hangs) continue;
      consul_.clear_faults();
      process.send_signal(SIGTERM);
      ASSERT_TRUE(process.wait(1s));
    }
  }
}

TEST_F(Processes, ConsulThatComesBackReplacesTheBackup) {
  leave_backup(our_hash());
  consul_.refuse();
  auto watch = spawn("watch");
  ASSERT_TRUE(reads("a", "kept"));
  consul_.put("web/a", "new");
  consul_.accept_again();
  ASSERT_TRUE(reads("a", "new", 2s + 500ms));
}

TEST_F(Processes, ABackupOfOtherSourcesIsNotServedAndAPackedOneIs) {
  leave_backup(our_hash("other/"));
  consul_.refuse();
  {
    auto heartbeat = spawn("heartbeat");
    ASSERT_TRUE(eventually([&] { return heartbeat.stderr_text().find("other sources") != std::string::npos; }));
    EXPECT_EQ(get("a"), "-");
    // The operator's way in, while it runs.
    std::ofstream(root_ / "keys.json") << R"({"a":"packed"})";
    auto packed = harness::run(command_of({SHMCONF_BINARY, "pack", root_ / "keys.json", "--output", backup_}));
    ASSERT_TRUE(packed);
    ASSERT_EQ(packed->status.code, 0) << packed->err;
    ASSERT_TRUE(reads("a", "packed"));
  }
}

TEST_F(Processes, ADirectoryThatWasRemovedIsMadeAnewWithinTenSeconds) {
  consul_.put("web/a", "1");
  auto watch = spawn("watch");
  ASSERT_TRUE(reads("a", "1"));
  std::filesystem::remove_all(root_ / "shm/web");
  ASSERT_TRUE(reads("a", "1", 10s)) << watch.stderr_text();
  consul_.put("web/a", "2");
  ASSERT_TRUE(reads("a", "2"));
}

TEST_F(Processes, SighupTakesNewSettingsAndKeepsTheOldWhenTheNewAreBad) {
  consul_.put("more/b", "2");
  const std::string file = root_ / "shmconf.json";
  const auto write = [&](const std::string& text) { std::ofstream(file) << text; };
  const std::string start = R"({"name":"web","directory":")" + (root_ / "shm") + R"(","backup_file":")" + backup_ +
                            R"(","consul":{"address":")" + consul_.url() + R"("},)";
  write(start + R"("sources":[{"prefix":"web/"}]})");
  for (const char* command : {"watch", "heartbeat"}) {
    consul_.put("web/a", command);
    write(start + R"("sources":[{"prefix":"web/"}]})");
    auto spawned = harness::Process::spawn(command_of({SHMCONF_BINARY, command, "--config", file}));
    ASSERT_TRUE(spawned);
    auto& process = *spawned;
    ASSERT_TRUE(reads("a", command)) << process.stderr_text();
    EXPECT_EQ(get("b"), "-");
    write("{ this is not JSON");
    process.send_signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return process.stderr_text().find("the earlier ones stay") != std::string::npos; }));
    EXPECT_EQ(get("a"), command + std::string("\n"));
    write(start + R"("sources":[{"prefix":"web/"},{"prefix":"more/"}]})");
    process.send_signal(SIGHUP);
    ASSERT_TRUE(reads("b", "2")) << process.stderr_text();
    EXPECT_EQ(get("a"), command + std::string("\n"));
    process.send_signal(SIGTERM);
    ASSERT_TRUE(process.wait(1s));
  }
}

TEST_F(Processes, ASidecarOutlivesItsLogsReader) {
  consul_.put("web/a", "1");
  auto shell = harness::Process::spawn(
      command_of({"/bin/sh", "-c", std::string(SHMCONF_BINARY) + " watch --name web --dir " + (root_ / "shm") +
                                       " --prefix web/ --consul " + consul_.url() + " 2>&1 | head -n 1"}));
  ASSERT_TRUE(shell);
  ASSERT_TRUE(reads("a", "1"));
  for (int i = 2; i < 6; ++i) {
    consul_.put("web/a", std::to_string(i));
    ASSERT_TRUE(reads("a", std::to_string(i))) << "ended by a log line that nobody reads";
  }
}

}  // namespace
}  // namespace shmconf
