// The watch under each thing that a server, or what stands before it, may do wrong: what is refused
// leaves the last good configuration, what is odd but sound is understood, and afterwards the newest
// arrives.

#include <memory>
#include <string>

#include "fault/activity_fixture.h"
#include "watch/follower.h"

namespace shmconf::fault {
namespace {

namespace faults = fakes::faults;
using fakes::Fault;

constexpr std::size_t kMegabyte = std::size_t{1} << 20;
// The thread sanitizer takes longer over more than a poll of these tests may.
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kManyMegabytes = 16;
#else
constexpr std::size_t kManyMegabytes = 64;
#endif

// Reads of the second source; its long polls alone.
constexpr char kReads[] = "GET /v1/kv/web/?";
constexpr char kPolls[] = "GET /v1/kv/web/?recurse&index=";

struct Case {
  const char* name;
  Fault fault;
  const char* spoilt = kReads;
};
std::string name_of(const ::testing::TestParamInfo<Case>& tested) { return tested.param.name; }

class EveryFault : public ActivityFixture, public ::testing::WithParamInterface<Case> {
 protected:
  EveryFault() : ActivityFixture(format::Role::kWatch) {
    settings_.sources = {prefix("common/"), prefix("web/")};
    settings_.consul.wait = 300ms;
    settings_.consul.grace = 300ms;
    consul_.put("common/c", "1");
    consul_.put("web/a", "1");
  }
  ~EveryFault() override { static_cast<void>(stop()); }
  std::unique_ptr<sources::Activity> make(const sources::Surroundings& surroundings) override {
    return std::make_unique<watch::Follower>(surroundings, settings_);
  }
  void start_and_publish() {
    start();
    ASSERT_TRUE(publishes("a=1 c=1 "));
    ASSERT_TRUE(polling(2));
  }
  // From now on; a key's own GET stays sound.
  void spoil(const Case& tested) {
    consul_.script(tested.fault.on(tested.spoilt).repeated());
    consul_.forget_requests();
    consul_.cut_connections();  // also those whose answer would still be sound
  }
  [[nodiscard]] std::size_t spoilt() {
    std::size_t count = 0;
    for (const auto& request : consul_.requests()) {
      count += (request.method + " " + request.target).starts_with(GetParam().spoilt) ? 1 : 0;
    }
    return count;
  }
};

class Refused : public EveryFault {};

TEST_P(Refused, LeavesTheLastGoodAndTheNewestArrivesAfterwards) {
  ASSERT_NO_FATAL_FAILURE(start_and_publish());
  spoil(GetParam());
  ASSERT_TRUE(harness::eventually([&] { return spoilt() >= 2; }));
  ASSERT_TRUE(consul_.kv().put_together({{"common/c", "2"}, {"web/a", "2"}}));
  const std::size_t before = spoilt();
  ASSERT_TRUE(harness::eventually([&] { return spoilt() >= before + 2; })) << "it is not asked again";
  EXPECT_EQ(published(), "a=1 c=1 ");
  EXPECT_EQ(generation_of(*observer_), 1u) << "something was published on the way";
  EXPECT_NE(line().failing_since_ns.load(), 0u) << "status says nothing";
  consul_.clear_faults();
  EXPECT_TRUE(publishes("a=2 c=2 "));
  EXPECT_EQ(generation_of(*observer_), 2u);
}

INSTANTIATE_TEST_SUITE_P(
    Every, Refused,
    ::testing::Values(
        Case{"denied", faults::denied()}, Case{"unknown_token", faults::unknown_token()},
        Case{"rate_limited", faults::rate_limited()}, Case{"too_large", faults::too_large()},
        Case{"no_leader", faults::no_leader()}, Case{"lost_server", faults::lost_server()},
        Case{"dead_server", faults::dead_server()}, Case{"no_servers", faults::no_servers()},
        Case{"unavailable", faults::status(503, "")}, Case{"redirect", faults::redirect("/v1/kv/elsewhere")},
        Case{"absent_without_index", faults::status(404, "404 page not found")},
        Case{"empty_list", faults::empty_list()}, Case{"hidden", faults::hidden()},
        Case{"not_json", faults::not_json()}, Case{"no_list", faults::body(R"({"Key":"web/a"})").early()},
        Case{"gzipped", faults::gzipped()}, Case{"truncated", faults::truncated()},
        Case{"reset_at_once", faults::reset_after(0)}, Case{"reset_in_the_header", faults::reset_after(40)},
        Case{"reset_in_the_body", faults::reset_after(300)}, Case{"closed_in_the_body", faults::closed_after(300)},
        Case{"no_index", faults::without_header("X-Consul-Index")}, Case{"bad_index", faults::index("x")},
        Case{"leader_unknown", faults::with_header("X-Consul-KnownLeader", "false")},
        Case{"leader_not_named", faults::without_header("X-Consul-KnownLeader")},
        Case{"length_too_short", faults::with_header("Content-Length", "10")},
        Case{"not_http", faults::raw("220 mail.example.org ESMTP\r\n")}),
    name_of);

class Understood : public EveryFault {};

TEST_P(Understood, IsFollowedAllTheSame) {
  ASSERT_NO_FATAL_FAILURE(start_and_publish());
  spoil(GetParam());
  ASSERT_TRUE(harness::eventually([&] { return spoilt() >= 2; }));
  ASSERT_TRUE(consul_.kv().put_together({{"common/c", "2"}, {"web/a", "2"}}));
  EXPECT_TRUE(publishes("a=2 c=2 ", 30s));
  EXPECT_EQ(generation_of(*observer_), 2u);
  EXPECT_TRUE(harness::eventually([&] { return line().failing_since_ns.load() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(
    Every, Understood,
    ::testing::Values(Case{"delayed", faults::delayed(100ms)}, Case{"trickled", faults::trickled(20, 2ms)},
                      Case{"chunks_of_one_byte", faults::chunked(1)}, Case{"chunks", faults::chunked(100)},
                      Case{"compact", faults::compact()}, Case{"upper_case_headers", faults::upper_case_headers()},
                      Case{"many_megabytes", faults::padded_to(kManyMegabytes * kMegabyte)},
                      // Reads without an index tell the truth: where nothing does, nobody can know what has moved.
                      Case{"index_zero", faults::index("0"), kPolls}, Case{"index_backwards", faults::index("1"), kPolls},
                      Case{"index_equal", faults::index("3").early(), kPolls},
                      Case{"index_huge", faults::index("18446744073709551615"), kPolls},
                      Case{"closed_after_each_answer", faults::with_header("Connection", "close")}),
    name_of);

TEST_F(EveryFault, AServerThatFailsIsAskedLessAndLessOften) {
  consul_.script(faults::no_leader().repeated());
  const auto since = std::chrono::steady_clock::now();
  start();
  ASSERT_TRUE(harness::eventually([&] { return line().failures.load() >= 9; }, 20s));
  EXPECT_GT(std::chrono::steady_clock::now() - since, 500ms);
}

// The connection is as good as dead, and nobody says so.
TEST_F(EveryFault, AServerThatGoesSilentInALongPollCostsOneWait) {
  ASSERT_NO_FATAL_FAILURE(start_and_publish());
  consul_.script(faults::silent().on("index=").repeated(2));
  consul_.cut_connections();
  ASSERT_TRUE(harness::eventually([&] { return consul_.faults_left() == 0; }));
  const auto since = std::chrono::steady_clock::now();
  consul_.put("web/a", "2");
  ASSERT_TRUE(publishes("a=2 c=1 ", 5s));
  const auto& consul = settings_.consul;
  EXPECT_LT(std::chrono::steady_clock::now() - since, consul.wait + consul.wait / 16 + consul.grace + 1500ms);
  EXPECT_EQ(generation_of(*observer_), 2u);
  // What was given up is closed: a server that wakes up again finds nobody there to wait for.
  EXPECT_TRUE(harness::eventually([&] { return consul_.connections_open() <= 2; }));
}

// Consul wakes a query for what is not there at writes elsewhere.
TEST_F(EveryFault, WakesOfAnAbsentSourceChangeNothingAndDoNotSpin) {
  settings_.sources = {prefix("web/"), key("absent"), prefix("nothing/")};
  settings_.consul.wait = 10s;
  start();
  ASSERT_TRUE(publishes("a=1 "));
  ASSERT_TRUE(polling(3));
  consul_.forget_requests();
  constexpr std::size_t kWrites = 20;
  for (std::size_t i = 1; i <= kWrites; ++i) {
    consul_.put("elsewhere", std::to_string(i));
    ASSERT_TRUE(polling(2 * i)) << "it was not woken by write " << i;
  }
  EXPECT_EQ(generation_of(*observer_), 1u);
  // For each wake at most: both again, each proven, and what the others' indexes are.
  EXPECT_LE(consul_.requests().size(), kWrites * 14);
  consul_.put("absent", "now");
  EXPECT_TRUE(publishes("a=1 absent=now "));
}

// --- one answer, spoilt at each of its bytes ---

class EveryByte : public StateFixture {};

TEST_F(EveryByte, AConnectionThatEndsThereShowsTheStateBeforeOrTheOneAfter) {
  std::string before = "a=0 b=0 ";
  ASSERT_TRUE(consul_.kv().put_together({{"web/a", "0"}, {"web/b", "0"}}));
  ASSERT_TRUE(synchronize());
  const auto sound = consul_.kv().get("web/", "recurse");
  const std::size_t length = sound.head.size() + sound.body.size();
  for (std::size_t bytes = 0; bytes <= length; ++bytes) {
    const std::string text = std::to_string(1000 + bytes);
    const std::string after = "a=" + text + " b=" + text + " ";
    ASSERT_TRUE(consul_.kv().put_together({{"web/a", text}, {"web/b", text}}));
    consul_.script((bytes % 2 == 0 ? faults::reset_after(bytes) : faults::closed_after(bytes)).on("recurse"));
    const auto spoilt = synchronize();
    ASSERT_EQ(published(), spoilt ? after : before) << "ended after byte " << bytes;
    ASSERT_TRUE(synchronize());
    ASSERT_EQ(published(), after) << "ended after byte " << bytes;
    before = after;
  }
}

}  // namespace
}  // namespace shmconf::fault
