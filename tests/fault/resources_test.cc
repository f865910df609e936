// Descriptors, threads, maps and memory stay flat, however long it goes on: over 100,000 generations of
// a publisher and of a reader that follows each, and over a thousand failed queries of every kind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <string>
#include <utility>

#include "consul/client.h"
#include "fakes/fake_consul.h"
#include "fakes/stamped_content.h"
#include "harness/footprint.h"
#include "harness/temp_directory.h"
#include "shm/publisher.h"
#include "shmconf/reader.h"

namespace shmconf {
namespace {

using fakes::StampedContent;
using harness::Footprint;
using harness::footprint_of;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // slow, and their memory is their own
#else
constexpr bool kSanitized = false;
#endif
constexpr std::uint64_t kGenerations = kSanitized ? 3'000 : 100'000;
constexpr int kQueries = kSanitized ? 200 : 1'000;
constexpr int kKeys = 10;

void expect_flat(const Footprint& before, const Footprint& after) {
  constexpr std::size_t kAnything = 1 << 30;
  EXPECT_FALSE(kSanitized ? has_grown(before, after, kAnything, kAnything) : has_grown(before, after))
      << "at a tenth: " << before << "; at the end: " << after;
}

TEST(Resources, StayFlatOverManyGenerationsOfAPublisherAndAReader) {
  const harness::TempDirectory root("/dev/shm");
  const std::string directory = root / "web";
  auto segment =
      shm::Segment::attach(env::Env::posix(), {.root = root.path(), .name = "web", .group = {}}).value();
  auto publisher = shm::Publisher::attach(env::Env::posix(), segment, format::Role::kWatch).value();
  std::uint64_t stamp = 0;
  const auto publish = [&] {
    // Sizes that change, so that what is made ahead fits and does not.
    ++stamp;
    StampedContent content(stamp, kKeys, static_cast<int>(24 + stamp % 400));
    std::uint64_t noted = publisher.note();
    ASSERT_EQ(publisher.publish(content.content(), noted, {}, nullptr).value(), shm::Outcome::kPublished);
    publisher.prepare_next();
  };
  publish();
  auto reader = Reader::open_directory(directory).value();
  std::array<Snapshot, 8> held;
  held.fill(reader.snapshot());
  Footprint early;
  while (stamp < kGenerations) {
    publish();
    ASSERT_TRUE(reader.wait_for_change(std::chrono::seconds(5)));
    Snapshot& slot = held[stamp % held.size()];
    slot = reader.snapshot();
    ASSERT_EQ(slot.view().header().key_count, static_cast<std::uint64_t>(kKeys));
    if (stamp % 16 == 0) {
      ASSERT_EQ(fakes::one_stamp(slot.view(), kKeys), stamp);
    }
    if (stamp == kGenerations / 10) early = footprint_of(::getpid());
  }
  expect_flat(early, footprint_of(::getpid()));
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++files;
  EXPECT_LE(files, 4U) << "control page, two generations, and the file of the next";
}

class Reconnects : public ::testing::Test {
 protected:
  // One query, to its end.
  void ask() {
    consul::Query query;
    query.source = {.kind = settings::Source::Kind::kPrefix, .path = "web/"};
    boost::asio::co_spawn(
        io_,
        [](consul::Client& client, consul::Query asked, bool& good) -> boost::asio::awaitable<void> {
          good = (co_await client.query(std::move(asked))).ok();
        }(client_, std::move(query), answered_),
        boost::asio::detached);
    io_.restart();
    io_.run();
  }
  void expect_flat_over_failures() {
    Footprint early;
    for (int i = 0; i < kQueries; ++i) {
      ask();
      ASSERT_FALSE(answered_);
      if (i == kQueries / 10) early = footprint_of(::getpid());
    }
    expect_flat(early, footprint_of(::getpid()));
  }
  void expect_recovery() {
    consul_.clear_faults();
    ask();
    EXPECT_TRUE(answered_);
  }
  void SetUp() override { consul_.put("web/a", "1"); }

  fakes::FakeConsul consul_;
  settings::Consul settings_ = [this] {
    settings::Consul settings;
    settings.address = consul_.url();
    return settings;
  }();
  boost::asio::io_context io_;
  consul::Client client_{io_, settings_};
  bool answered_ = false;
};

TEST_F(Reconnects, ConnectionsThatAreRefusedLeaveNothingBehind) {
  consul_.refuse();
  expect_flat_over_failures();
  consul_.accept_again();
  expect_recovery();
}

TEST_F(Reconnects, NeitherDoBrokenAnswers) {
  using namespace fakes::faults;  // NOLINT(google-build-using-namespace)
  for (const auto& fault : {reset_after(0), reset_after(90), closed_after(200), truncated(), not_json()}) {
    consul_.script(fault.repeated());
    // The server keeps what it was asked, and is a part of this process.
    Footprint early;
    for (int i = 0; i < kQueries / 4; ++i) {
      ask();
      ASSERT_FALSE(answered_);
      consul_.forget_requests();
      if (i == kQueries / 40) early = footprint_of(::getpid());
    }
    const Footprint late = footprint_of(::getpid());
    // Of the two ends of a connection the server's may close, and its thread end, a moment later.
    EXPECT_LE(late.descriptors, early.descriptors + 8) << early << "; " << late;
    EXPECT_LE(late.threads, early.threads + 8) << early << "; " << late;
    consul_.clear_faults();
  }
  expect_recovery();
}

}  // namespace
}  // namespace shmconf
