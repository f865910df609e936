#include "settings/handover.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "env/fd.h"
#include "fakes/faulty_env.h"
#include "settings/settings_text.h"

namespace shmconf::settings {
namespace {

Settings everything() {
  Settings settings;
  settings.name = "web";
  settings.directory = "/run/conf";
  settings.sources = {{Source::Kind::kPrefix, "config/common/"}, {Source::Kind::kKey, "demo-config"}};
  settings.backup_file = "/var/lib/x";
  settings.allow_empty = true;
  settings.heartbeat_interval = std::chrono::milliseconds(1'500);
  settings.startup_timeout = std::chrono::milliseconds(0);
  settings.require_configuration = true;
  settings.consul.address = "https://consul.example:8501";
  settings.consul.token = "secret \"quoted\" token";
  settings.consul.token_file = "/does/not/exist";
  settings.consul.consistency = Consistency::kStale;
  settings.consul.tls.verify = false;
  settings.consul.max_body_bytes = 12'345;
  settings.log.level = Log::Level::kDebug;
  return settings;
}

class HandoverTest : public ::testing::Test {
 protected:
  env::Env& env_ = env::Env::posix();
  env::Fd file_{::memfd_create("handover-test", MFD_CLOEXEC)};
};

TEST_F(HandoverTest, EverySettingArrives) {
  ASSERT_TRUE(write_handover(env_, file_.get(), everything()));
  const auto arrived = read_handover(env_, file_.get());
  ASSERT_TRUE(arrived) << arrived.error().text;
  EXPECT_EQ(*to_json(*arrived), *to_json(everything()));
  EXPECT_EQ(arrived->consul.token, everything().consul.token);
  EXPECT_EQ(arrived->sources, everything().sources);
}

TEST_F(HandoverTest, AShorterVersionReplacesALongerOne) {
  ASSERT_TRUE(write_handover(env_, file_.get(), everything()));
  Settings shorter = everything();
  shorter.sources = {{Source::Kind::kKey, "k"}};
  shorter.consul.token.clear();
  ASSERT_TRUE(write_handover(env_, file_.get(), shorter));
  const auto arrived = read_handover(env_, file_.get());
  ASSERT_TRUE(arrived) << arrived.error().text;
  EXPECT_EQ(*to_json(*arrived), *to_json(shorter));
}

TEST_F(HandoverTest, ReadingDoesNotMoveTheSharedOffset) {
  ASSERT_TRUE(write_handover(env_, file_.get(), everything()));
  ASSERT_TRUE(read_handover(env_, file_.get()));
  EXPECT_EQ(::lseek(file_.get(), 0, SEEK_CUR), 0);
}

TEST_F(HandoverTest, AnEmptyOrForeignFileHoldsNone) {
  EXPECT_EQ(read_handover(env_, file_.get()).error().code, ErrorCode::kInvalid);
  const std::array<std::byte, 64> noise{std::byte{2}, std::byte{0}};
  ASSERT_TRUE(env_.write_at(file_.get(), 0, noise));
  EXPECT_EQ(read_handover(env_, file_.get()).error().code, ErrorCode::kInvalid);
}

Settings small() {
  Settings settings;
  settings.name = "small";
  settings.sources = {{Source::Kind::kKey, "k"}};
  return settings;
}

// Writes another version each time that a reader has seen the head and not yet the text.
class WriterBetween : public fakes::FaultyEnv {
 public:
  explicit WriterBetween(int times) : times_(times) {}

  Result<void> read_at(int file, std::uint64_t offset, std::span<std::byte> bytes) override {
    if (offset != 0 && times_-- > 0) {
      EXPECT_TRUE(write_handover(env::Env::posix(), file, times_ % 2 == 0 ? small() : everything()));
    }
    return FaultyEnv::read_at(file, offset, bytes);
  }

 private:
  int times_;
};

TEST_F(HandoverTest, AVersionWrittenMeanwhileIsReadWhole) {
  for (int times = 1; times <= 4; ++times) {
    ASSERT_TRUE(write_handover(env_, file_.get(), times % 2 == 0 ? small() : everything()));
    WriterBetween env(times);
    const auto arrived = read_handover(env, file_.get());
    ASSERT_TRUE(arrived) << arrived.error().text;
    EXPECT_EQ(*to_json(*arrived), *to_json(small()));  // the last one written
  }
}

TEST_F(HandoverTest, AHalfWrittenVersionIsNeverTaken) {
  fakes::FaultyEnv faulty;
  bool finished = false;
  for (int step = 1; !finished; ++step) {
    ASSERT_LT(step, 20);
    ASSERT_TRUE(write_handover(env_, file_.get(), small()));
    faulty.arm(step, fakes::FaultyEnv::Fault::kFail);
    finished = static_cast<bool>(write_handover(faulty, file_.get(), everything()));
    faulty.disarm();
    const auto arrived = read_handover(faulty, file_.get());  // its sleeps take no time
    if (arrived) {
      EXPECT_EQ(*to_json(*arrived), *to_json(finished ? everything() : small())) << step;
    } else {
      EXPECT_EQ(arrived.error().code, ErrorCode::kTimeout) << step;
    }
    // The next version heals it.
    ASSERT_TRUE(write_handover(env_, file_.get(), everything()));
    ASSERT_TRUE(read_handover(env_, file_.get())) << step;
  }
}

}  // namespace
}  // namespace shmconf::settings
