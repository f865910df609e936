// Descriptors and memory that run out under a running process: it says what and what to do, keeps the
// last good configuration, and goes on by itself when there is room again. And what the processes hold
// while generation follows generation.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "backup/store.h"
#include "fakes/dev_server.h"
#include "harness/eventually.h"
#include "harness/footprint.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
using harness::footprint_of;
using harness::Process;

// Lowers the soft limit of a running process; back up when this object goes.
class LoweredLimit {
 public:
  LoweredLimit(pid_t pid, __rlimit_resource resource, rlim_t value) : pid_(pid), resource_(resource) {
    EXPECT_EQ(::prlimit(pid, resource, nullptr, &before_), 0);
    const rlimit lowered{.rlim_cur = value, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::prlimit(pid, resource, &lowered, nullptr), 0);
  }
  LoweredLimit(const LoweredLimit&) = delete;
  LoweredLimit& operator=(const LoweredLimit&) = delete;
  ~LoweredLimit() { ::prlimit(pid_, resource_, &before_, nullptr); }

 private:
  pid_t pid_;
  __rlimit_resource resource_;
  rlimit before_{};
};

class LimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = fakes::DevServer::start();
    ASSERT_TRUE(server) << server.error().text;
    consul_ = std::move(*server);
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    ASSERT_TRUE(put("a", "1"));
  }
  bool put(const std::string& key, const std::string& value) {
    return consul_->kv().put("config/web/" + key, value);
  }
  Reader open() {
    auto reader = sidecar_->open();
    EXPECT_TRUE(reader) << reader.error().text;
    return std::move(*reader);
  }
  static bool says(Reader& reader, format::Role role, const std::string& text) {
    return eventually([&] { return reader.status().role(role).last_error.find(text) != std::string::npos; });
  }
  static std::size_t lines_with(const std::string& log, const std::string& text) {
    std::size_t count = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
  }

  std::unique_ptr<fakes::DevServer> consul_;
  std::unique_ptr<Sidecar> sidecar_;
};

TEST_F(LimitsTest, AWatchWithoutDescriptorsKeepsTheLastConfigurationAndGoesOnWithThem) {
  Process& watch = sidecar_->start("watch");
  Reader reader = open();
  ASSERT_TRUE(shows(reader, "a", "1"));
  {
    const LoweredLimit none(watch.pid(), RLIMIT_NOFILE, 3);
    // The file that was made ahead may still take one; the next one needs a descriptor.
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(put("b", std::to_string(i)));
    ASSERT_TRUE(put("large", std::string(100'000, 'x')));
    ASSERT_TRUE(says(reader, format::Role::kWatch, "raise the limit of open files"))
        << reader.status().role(format::Role::kWatch).last_error << watch.stderr_text();
    EXPECT_EQ(reader.get("a"), "1");
    EXPECT_FALSE(reader.contains("large"));
    // It tries again and again, and says so once.
    const auto failures = reader.status().role(format::Role::kWatch).failures;
    ASSERT_TRUE(eventually([&] { return reader.status().role(format::Role::kWatch).failures > failures + 3; }, 30s));
    EXPECT_LE(lines_with(watch.stderr_text(), "raise the limit of open files"), 2U) << watch.stderr_text();
  }
  EXPECT_TRUE(shows(reader, "large", std::string(100'000, 'x'))) << watch.stderr_text();
  EXPECT_TRUE(has_verdict(reader, Verdict::kLive));
}

TEST_F(LimitsTest, AWatchWithoutMemoryKeepsTheLastConfigurationAndGoesOnWithIt) {
  Process& watch = sidecar_->start("watch");
  Reader reader = open();
  ASSERT_TRUE(shows(reader, "a", "1"));
  const std::string large(400'000, 'x');
  {
    const LoweredLimit none(watch.pid(), RLIMIT_AS, footprint_of(watch.pid()).virtual_kib * 1024);
    for (const char* key : {"l1", "l2", "l3", "l4"}) ASSERT_TRUE(put(key, large));
    ASSERT_TRUE(says(reader, format::Role::kWatch, "memory"))
        << reader.status().role(format::Role::kWatch).last_error << watch.stderr_text();
    EXPECT_EQ(reader.get("a"), "1");
    EXPECT_TRUE(watch.running()) << watch.stderr_text();
  }
  EXPECT_TRUE(shows(reader, "l4", large)) << watch.stderr_text();
  EXPECT_TRUE(has_verdict(reader, Verdict::kLive));
}

TEST_F(LimitsTest, AHeartbeatWithoutDescriptorsKeepsTheBackupAndWritesTheNextOneWithThem) {
  Process& heartbeat = sidecar_->start("heartbeat", {"--heartbeat-interval", "1s"});
  Reader reader = open();
  const auto backed_up = [&](const std::string& value) {
    auto loaded = backup::Store::load_file(env::Env::posix(), sidecar_->backup_file());
    Entry entry;
    return loaded && loaded->view().find("a", entry) == Lookup::kFound && entry.value == value;
  };
  ASSERT_TRUE(eventually([&] { return backed_up("1"); }));
  {
    const LoweredLimit none(heartbeat.pid(), RLIMIT_NOFILE, 3);
    ASSERT_TRUE(put("a", "2"));
    ASSERT_TRUE(says(reader, format::Role::kHeartbeat, "raise the limit of open files"))
        << reader.status().role(format::Role::kHeartbeat).last_error << heartbeat.stderr_text();
    EXPECT_TRUE(backed_up("1"));
    EXPECT_EQ(reader.get("a"), "1");
  }
  EXPECT_TRUE(shows(reader, "a", "2")) << heartbeat.stderr_text();
  EXPECT_TRUE(eventually([&] { return backed_up("2"); })) << heartbeat.stderr_text();
}

// A reader whose own process has run out: the view that it has stays, and follows later.
TEST_F(LimitsTest, AReaderWithoutDescriptorsKeepsItsViewAndFollowsWithThem) {
  sidecar_->start("watch");
  Reader reader = open();
  ASSERT_TRUE(shows(reader, "a", "1"));
  ASSERT_TRUE(put("large", std::string(100'000, 'x')));
  // Told by another process: one that maps it in this one would lend its map.
  ASSERT_TRUE(eventually([&] { return sidecar_->tool({"get", "large"}).status.code == 0; }));
  {
    const LoweredLimit none(::getpid(), RLIMIT_NOFILE, 3);
    EXPECT_FALSE(reader.contains("large"));
    EXPECT_EQ(reader.get("a"), "1");
    const auto second = Reader::open("other", sidecar_->open_options());
    EXPECT_NE(second.error().text.find("raise the limit of open files"), std::string::npos) << second.error().text;
  }
  EXPECT_TRUE(shows(reader, "large", std::string(100'000, 'x')));
}

// As many generations as the development endpoint and the watch get through in half a minute.
TEST_F(LimitsTest, WatchAndHeartbeatHoldTheSameAfterThousandsOfGenerations) {
  constexpr auto kTime = 30s;
  Process& watch = sidecar_->start("watch");
  Process& heartbeat = sidecar_->start("heartbeat");
  Reader reader = open();
  const auto start = std::chrono::steady_clock::now();
  auto kv = consul_->kv();
  const std::array<pid_t, 2> pids = {watch.pid(), heartbeat.pid()};
  std::array<harness::Footprint, 2> early;
  int value = 0;
  bool warm = false;
  while (std::chrono::steady_clock::now() - start < kTime) {
    const std::string next = std::to_string(++value);
    ASSERT_TRUE(kv.put("config/web/a", next));
    ASSERT_TRUE(shows(reader, "a", next));
    if (!warm && std::chrono::steady_clock::now() - start > kTime / 10) {
      warm = true;
      for (std::size_t i = 0; i < pids.size(); ++i) early[i] = footprint_of(pids[i]);
    }
  }
  EXPECT_GT(value, 100);
  for (std::size_t i = 0; i < pids.size(); ++i) {
    // One that is just writing or reading holds a little more.
    harness::Footprint late;
    EXPECT_TRUE(eventually([&] {
      late = footprint_of(pids[i]);
      return late.threads != 0 && !has_grown(early[i], late);
    })) << (i == 0 ? "watch: " : "heartbeat: ") << early[i] << "; at the end: " << late;
    std::cout << value << " values; " << (i == 0 ? "watch: " : "heartbeat: ") << early[i] << "; at the end: " << late
              << "\n";
  }
  EXPECT_TRUE(eventually([&] {
    return std::distance(std::filesystem::directory_iterator(sidecar_->directory()), {}) <= 4;
  }));
}

}  // namespace
}  // namespace shmconf::integration
