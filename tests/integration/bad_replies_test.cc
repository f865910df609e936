// Replies that are none of Consul's: the last good configuration stays, status has one clear line of
// what is wrong, and when the replies are sound again, so is everything.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "fakes/fake_consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using fakes::Fault;
using harness::eventually;
namespace faults = fakes::faults;

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

class BadRepliesTest : public testing::Test {
 protected:
  BadRepliesTest() { consul_.put("config/web/a", "1"); }

  void start(std::map<std::string, std::string> variables = {}) {
    sidecar_ = std::make_unique<Sidecar>(
        SidecarOptions{.consul = consul_.url(), .variables = std::move(variables)});
    sidecar_->start("run");
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
    ASSERT_TRUE(both_in_contact(*reader_));
  }
  [[nodiscard]] RoleStatus watch() const { return reader_->status().role(format::Role::kWatch); }

  // All replies are spoilt from now on, and one is due. mention: of the complaint.
  void expect_last_good_stays(const Fault& fault, const std::string& mention) {
    const std::uint64_t generation = reader_->generation();
    const std::uint64_t failures = watch().failures;
    consul_.script(fault.on("GET /v1/kv/").repeated());
    consul_.cut_connections();  // also those whose answer would still be sound
    ASSERT_TRUE(eventually([&] { return watch().failures >= failures + 2; })) << "no failure is told";
    consul_.put("config/web/a", "2");
    ASSERT_TRUE(eventually([&] { return watch().failing_for && watch().failures >= failures + 4; }));
    const std::string error = watch().last_error;
    EXPECT_NE(error.find(mention), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_EQ(reader_->status().verdict, Verdict::kStale);
    EXPECT_EQ(reader_->generation(), generation);
    EXPECT_EQ(reader_->get("a"), "1");
    EXPECT_NE(sidecar_->logs().find(error), std::string::npos) << "it is not logged";

    consul_.clear_faults();
    EXPECT_TRUE(shows(*reader_, "a", "2"));
    EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
  }
  // A sidecar that never got a sound reply, and has no backup.
  void expect_no_configuration(const Fault& fault, const std::string& mention) {
    consul_.script(fault.on("GET /v1/kv/").repeated());
    Sidecar other({.consul = consul_.url(), .variables = {{"SHMCONF_STARTUP_TIMEOUT", "200ms"}}});
    auto& run = other.start("run", {"--require-configuration"});
    const auto ended = run.wait(15s);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->code, 3);
    const std::string log = run.stderr_text();
    const std::string last = log.substr(log.rfind('\n', log.size() - 2) + 1);
    EXPECT_TRUE(is_one_line_of(last, "run")) << log;
    EXPECT_NE(last.find(mention), std::string::npos) << log;
    consul_.clear_faults();
  }

  fakes::FakeConsul consul_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<Reader> reader_;
};

TEST_F(BadRepliesTest, NotJson) {
  ASSERT_NO_FATAL_FAILURE(start());
  expect_last_good_stays(faults::not_json(), "list of keys");
  expect_no_configuration(faults::not_json(), "list of keys");
}

TEST_F(BadRepliesTest, JsonThatIsNoListOfKeys) {
  ASSERT_NO_FATAL_FAILURE(start());
  expect_last_good_stays(faults::body(R"({"Key": "config/web/a"})"), "list of keys");
}

TEST_F(BadRepliesTest, EndsEarly) {
  ASSERT_NO_FATAL_FAILURE(start());
  expect_last_good_stays(faults::truncated(), "early");
  expect_no_configuration(faults::truncated(), "early");
}

TEST_F(BadRepliesTest, NoIndexHeader) {
  ASSERT_NO_FATAL_FAILURE(start());
  expect_last_good_stays(faults::without_header("X-Consul-Index"), "X-Consul-Index");
  expect_no_configuration(faults::without_header("X-Consul-Index"), "X-Consul-Index");
}

TEST_F(BadRepliesTest, AnotherServersPage) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Fault page = faults::raw("HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n<html>It works!</html>");
  expect_last_good_stays(page, "consul.address");
}

TEST_F(BadRepliesTest, NoHttpAtAll) {
  ASSERT_NO_FATAL_FAILURE(start());
  expect_last_good_stays(faults::raw("220 mail.example.org ESMTP\r\n"), "HTTP");
}

TEST_F(BadRepliesTest, LargerThanAnyDefaultLimitIsTakenAllTheSame) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::uint64_t answers = watch().queries;
  consul_.script(faults::padded_to(64 * kMegabyte).on("GET /v1/kv/").repeated());
  consul_.cut_connections();
  ASSERT_TRUE(eventually([&] { return watch().queries > answers; })) << watch().last_error;
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
  consul_.put("config/web/a", "2");
  EXPECT_TRUE(shows(*reader_, "a", "2", 30s));
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
}

TEST_F(BadRepliesTest, LargerThanTheLimitThatWasSet) {
  ASSERT_NO_FATAL_FAILURE(start({{"SHMCONF_CONSUL_MAX_BODY_BYTES", "100000"}}));
  expect_last_good_stays(faults::padded_to(kMegabyte), "max_body_bytes");
}

TEST_F(BadRepliesTest, DeniedOrUnknownTokenOrNoLeader) {
  ASSERT_NO_FATAL_FAILURE(start());
  expect_last_good_stays(faults::denied(), "permission");
  consul_.put("config/web/a", "1");
  ASSERT_TRUE(shows(*reader_, "a", "1"));
  expect_last_good_stays(faults::no_leader(), "No cluster leader");
}

// What an ACL on the prefix looks like: an empty answer, while the keys themselves are refused.
TEST_F(BadRepliesTest, AnEmptyAnswerThatHidesKeys) {
  ASSERT_NO_FATAL_FAILURE(start({{"SHMCONF_ALLOW_EMPTY", "true"}}));
  const std::uint64_t generation = reader_->generation();
  consul_.script(faults::hidden().on("recurse").repeated());
  consul_.script(faults::denied().on("GET /v1/kv/config/web/").repeated());
  consul_.cut_connections();
  ASSERT_TRUE(eventually([&] { return watch().last_error.find("permission") != std::string::npos; }))
      << watch().last_error;
  EXPECT_EQ(reader_->generation(), generation);
  EXPECT_EQ(reader_->get("a"), "1");
}

}  // namespace
}  // namespace shmconf::integration
