// Consul's data changes under the sidecar: a snapshot is restored, everything is wiped and imported
// again. Verifying readers watch all the while that nothing wrong, partial or empty is ever published.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"
#include "integration/verifying_readers.h"
#include "integration/whole_states.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::ConsulOptions;
using harness::eventually;
using harness::RealConsul;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr int kReaders = 2;
// Of one long poll here, and what the right configuration may take to arrive.
constexpr milliseconds kWait = 5s;
constexpr milliseconds kArrives = kWait + 5s;

// Passes while every generation is one of the named states.
VerifyingReaders::Check only(std::set<std::string> legal) {
  return [legal = std::move(legal)](const Snapshot& snapshot) {
    const std::string state = state_of(snapshot);
    if (legal.contains(state)) return std::string();
    return "state '" + state + "' of " + std::to_string(snapshot.key_count()) + " keys";
  };
}

SidecarOptions options_for(const std::string& url) {
  return {.consul = url,
          .variables = {{"SHMCONF_CONSUL_WAIT", std::to_string(kWait.count()) + "ms"}}};
}

class OneServer : public testing::Test {
 protected:
  void SetUp() override {
    ConsulOptions options;
    options.mode = ConsulOptions::Mode::kServer;
    auto started = RealConsul::start(options);
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
  }
  harness::ConsulKv kv() { return consul_->kv(); }
  void start() {
    sidecar_ = std::make_unique<Sidecar>(options_for(consul_->url()));
    sidecar_->start("run");
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
  }
  void verify(std::set<std::string> legal) {
    verifying_ = std::make_unique<VerifyingReaders>(*reader_, kReaders, only(std::move(legal)));
  }
  void expect_arrival(const std::string& state) {
    const auto begin = steady_clock::now();
    EXPECT_TRUE(becomes(*reader_, state, kArrives));
    RecordProperty("arrived_after_ms", static_cast<int>((steady_clock::now() - begin) / 1ms));
    verifying_->stop();
    EXPECT_EQ(verifying_->violation(), "");
  }
  // All data gone, and a server that has just started with none.
  void wipe() {
    const auto wiped = consul_->restart_wiped();
    ASSERT_TRUE(wiped) << wiped.error().text;
  }
  // As `consul kv import` does it: one key after another, in their order, here over half a second or so.
  void import(const Pairs& pairs) {
    harness::ConsulKv importing(consul_->host(), consul_->port());
    for (const auto& [key, value] : pairs) {
      ASSERT_TRUE(importing.put(key, value));
      ASSERT_FALSE(eventually([] { return false; }, 20ms));  // the pace
    }
  }

  std::unique_ptr<RealConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<VerifyingReaders> verifying_;
};

TEST_F(OneServer, ARestoredSnapshotIsFollowedBackInTime) {
  harness::ConsulKv writer(consul_->host(), consul_->port());
  ASSERT_TRUE(writer.put_together(whole_state("old", 20)));
  const std::string archive = writer.snapshot();
  ASSERT_FALSE(archive.empty());
  ASSERT_TRUE(writer.put_together(whole_state("new", 30)));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(becomes(*reader_, "new*30", 5s));
  verify({"new*30", "old*20", "next*20"});
  ASSERT_TRUE(writer.restore(archive));
  ASSERT_TRUE(becomes(*reader_, "old*20", kArrives));
  ASSERT_TRUE(writer.put_together(whole_state("next", 20)));
  expect_arrival("next*20");
}

TEST_F(OneServer, ARestoredSnapshotWithMoreKeysIsFollowedToo) {
  harness::ConsulKv writer(consul_->host(), consul_->port());
  ASSERT_TRUE(writer.put_together(whole_state("old", 30)));
  const std::string archive = writer.snapshot();
  ASSERT_TRUE(writer.put_together(whole_state("new", 30)));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(becomes(*reader_, "new*30", 5s));
  verify({"new*30", "old*30"});
  ASSERT_TRUE(writer.restore(archive));
  expect_arrival("old*30");
}

TEST_F(OneServer, WipedAndImportedKeyByKeyIsPublishedWhole) {
  harness::ConsulKv writer(consul_->host(), consul_->port());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer.put("elsewhere", std::to_string(i)));  // a long history
  ASSERT_TRUE(writer.put_together(whole_state("old", 30)));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(becomes(*reader_, "old*30", 5s));
  verify({"old*30", "imported*30"});
  ASSERT_NO_FATAL_FAILURE(wipe());
  ASSERT_NO_FATAL_FAILURE(import(whole_state("imported", 30)));
  expect_arrival("imported*30");
}

// The new server counts from 1, but may have overtaken the old one by the time of the import.
TEST_F(OneServer, ImportedWhereTheIndexHasOvertakenTheOldOne) {
  harness::ConsulKv writer(consul_->host(), consul_->port());
  ASSERT_TRUE(writer.put_together(whole_state("old", 30)));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(becomes(*reader_, "old*30", 5s));
  verify({"old*30", "imported*30"});
  ASSERT_NO_FATAL_FAILURE(wipe());
  harness::ConsulKv again(consul_->host(), consul_->port());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(again.put("elsewhere", std::to_string(i)));
  ASSERT_NO_FATAL_FAILURE(import(whole_state("imported", 30)));
  expect_arrival("imported*30");
}

// What is imported lacks keys for good: after it has stood still, that is believed.
TEST_F(OneServer, AnImportOfFewerKeysIsBelievedOnceItStandsStill) {
  harness::ConsulKv writer(consul_->host(), consul_->port());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer.put("elsewhere", std::to_string(i)));
  ASSERT_TRUE(writer.put_together(whole_state("old", 30)));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(becomes(*reader_, "old*30", 5s));
  verify({"old*30", "imported*25"});
  ASSERT_NO_FATAL_FAILURE(wipe());
  ASSERT_NO_FATAL_FAILURE(import(whole_state("imported", 25)));
  expect_arrival("imported*25");
}

}  // namespace
}  // namespace shmconf::integration
