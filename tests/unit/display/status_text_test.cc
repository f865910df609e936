#include "display/status_text.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace shmconf::display {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// 2026-01-02T03:04:05.678901234Z.
constexpr WallTime kNow{std::chrono::nanoseconds{1'767'323'045'678'901'234}};

Status live_status() {
  Status status;
  status.verdict = Verdict::kLive;
  status.contact_age = 1200ms;
  status.generation = 7'590'000'000'000'000'123;
  status.key_count = 12;
  status.pointer_count = 1;
  status.key_value_bytes = 345;
  status.snapshot_bytes = 2048;
  status.indexes = {17, std::numeric_limits<std::uint64_t>::max()};
  status.published = kNow - 61s;
  status.read = kNow - 62s;
  status.sync_count = 9;
  status.directory = "/dev/shm/shmconf-0/web";
  status.backup_file = "/var/lib/shmconf/web.snapshot";
  RoleStatus& watch = status.roles[0];
  watch.alive = true;
  watch.stamp_age = 900ms;
  watch.contact_age = 1200ms;
  watch.stale_after = 37s;
  watch.queries = 40;
  watch.publishes = 3;
  watch.failures = 1;
  watch.starts = 2;
  watch.last_error = "connection refused\x1b[2J";
  status.roles[1].starts = 1;
  status.roles[1].stamp_age = 100s;
  return status;
}

Status stale_status() {
  Status status = live_status();
  status.verdict = Verdict::kStale;
  status.contact_age = 5s;
  status.roles[0].failing_for = 4s;
  return status;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(UtcText, WritesMilliseconds) {
  EXPECT_EQ(utc_text(kNow), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(utc_text(WallTime{-1ms}), "1969-12-31T23:59:59.999Z");
}

TEST(AgeText, ChoosesItsUnits) {
  EXPECT_EQ(age_text(-5ms), "0 ms");
  EXPECT_EQ(age_text(340ms), "340 ms");
  EXPECT_EQ(age_text(12'345ms), "12.3 s");
  EXPECT_EQ(age_text(302s), "5 min 2 s");
  EXPECT_EQ(age_text(3h + 4min + 5s), "3 h 4 min");
  EXPECT_EQ(age_text(53h), "2 d 5 h");
}

TEST(StatusText, ShowsEveryField) {
  const std::string text = status_text(live_status(), "web", kNow);
  EXPECT_TRUE(has_line(text, "name           web")) << text;
  EXPECT_TRUE(has_line(text, "directory      /dev/shm/shmconf-0/web"));
  EXPECT_TRUE(has_line(text, "verdict        live"));
  EXPECT_TRUE(has_line(text, "generation     7590000000000000123"));
  EXPECT_TRUE(has_line(text, "keys           12, and 1 pointer into JSON documents"));
  EXPECT_TRUE(has_line(text, "bytes          345 in keys and values, 2048 in all"));
  EXPECT_TRUE(has_line(text, "source         consul"));
  EXPECT_TRUE(has_line(text, "consul index   17, 18446744073709551615"));
  EXPECT_TRUE(has_line(text, "published      2026-01-02T03:03:04.678Z (1 min 1 s ago)"));
  EXPECT_TRUE(has_line(text, "read           2026-01-02T03:03:03.678Z (1 min 2 s ago)"));
  EXPECT_TRUE(has_line(text, "last contact   1.2 s ago"));
  EXPECT_TRUE(has_line(text, "comparisons    9 with Consul"));
  EXPECT_TRUE(has_line(text, "backup file    /var/lib/shmconf/web.snapshot"));
  EXPECT_TRUE(has_line(text,
                       "watch          alive, last contact 1.2 s ago, 40 answers, 3 published, 1 failure, "
                       "2 starts"));
  EXPECT_TRUE(has_line(text, "  last error   connection refused\\x1b[2J (Consul answers)"));
  EXPECT_TRUE(has_line(text,
                       "heartbeat      dead, last seen 1 min 40 s ago, 0 answers, 0 published, "
                       "0 failures, 1 start"));
  EXPECT_TRUE(has_line(text, "supervisor     never started"));
}

TEST(StatusText, SaysSinceWhenItIsStale) {
  const std::string text = status_text(stale_status(), "web", kNow);
  EXPECT_TRUE(has_line(text, "verdict        stale since 2026-01-02T03:04:00.678Z (5.0 s ago)")) << text;
  EXPECT_TRUE(has_line(text, "  failing      for 4.0 s"));
  EXPECT_TRUE(has_line(text, "  last error   connection refused\\x1b[2J"));
  Status never = stale_status();
  never.contact_age.reset();
  EXPECT_TRUE(has_line(status_text(never, "web", kNow), "verdict        stale: no contact with Consul yet"));
}

TEST(StatusText, TellsTheDeadAndTheFile) {
  Status status = stale_status();
  status.verdict = Verdict::kDead;
  status.roles[0].alive = false;
  status.roles[0].stamp_age.reset();
  EXPECT_TRUE(has_line(status_text(status, "web", kNow),
                       "verdict        dead, last contact with Consul 2026-01-02T03:04:00.678Z (5.0 s ago)"));
  EXPECT_NE(status_text(status, "web", kNow).find("watch          ended, last contact"), std::string::npos);
  status.contact_age.reset();
  status.from_file = true;
  EXPECT_TRUE(has_line(status_text(status, "web", kNow),
                       "verdict        dead; read from the backup file, there is no sidecar"));
}

TEST(StatusJson, CarriesTheSameFields) {
  const json object = json::parse(status_json(live_status(), "web", kNow));
  EXPECT_EQ(object["name"], "web");
  EXPECT_EQ(object["directory"], "/dev/shm/shmconf-0/web");
  EXPECT_EQ(object["verdict"], "live");
  EXPECT_EQ(object["since"], nullptr);
  EXPECT_EQ(object["generation"], "7590000000000000123");
  EXPECT_EQ(object["keys"], 12);
  EXPECT_EQ(object["pointers"], 1);
  EXPECT_EQ(object["bytes"], 345);
  EXPECT_EQ(object["snapshot_bytes"], 2048);
  EXPECT_EQ(object["source"], "consul");
  EXPECT_EQ(object["consul_indexes"], json::parse(R"(["17", "18446744073709551615"])"));
  EXPECT_EQ(object["published"], "2026-01-02T03:03:04.678Z");
  EXPECT_EQ(object["read"], "2026-01-02T03:03:03.678Z");
  EXPECT_EQ(object["contact_age_s"], 1.2);
  EXPECT_EQ(object["sync_count"], 9);
  EXPECT_EQ(object["settled_rounds_exceeded"], 0);
  EXPECT_EQ(object["backup_file"], "/var/lib/shmconf/web.snapshot");
  EXPECT_EQ(object["from_backup_file"], false);
  EXPECT_EQ(object["retired"], false);
  const json& watch = object["roles"]["watch"];
  EXPECT_EQ(watch["alive"], true);
  EXPECT_EQ(watch["stamp_age_s"], 0.9);
  EXPECT_EQ(watch["contact_age_s"], 1.2);
  EXPECT_EQ(watch["stale_after_s"], 37.0);
  EXPECT_EQ(watch["failing_since"], nullptr);
  EXPECT_EQ(watch["failing_for_s"], nullptr);
  EXPECT_EQ(watch["last_error"], "connection refused\x1b[2J");
  EXPECT_EQ(watch["failures"], 1);
  EXPECT_EQ(watch["queries"], 40);
  EXPECT_EQ(watch["publishes"], 3);
  EXPECT_EQ(watch["starts"], 2);
  EXPECT_EQ(object["roles"]["heartbeat"]["contact_age_s"], nullptr);
  EXPECT_TRUE(object["roles"].contains("supervisor"));
}

TEST(StatusJson, SaysSinceWhenItIsStale) {
  const json object = json::parse(status_json(stale_status(), "web", kNow));
  EXPECT_EQ(object["verdict"], "stale");
  EXPECT_EQ(object["since"], "2026-01-02T03:04:00.678Z");
  EXPECT_EQ(object["roles"]["watch"]["failing_since"], "2026-01-02T03:04:01.678Z");
  EXPECT_EQ(object["roles"]["watch"]["failing_for_s"], 4.0);
}

TEST(StatusJson, StaysJsonWhateverTheErrorHolds) {
  Status status = live_status();
  status.roles[0].last_error = "\xff\n";
  EXPECT_FALSE(json::parse(status_json(status, "web", kNow), nullptr, false).is_discarded());
}

TEST(StatusJson, NamesTheErrorWhereThereIsNothing) {
  const json object = json::parse(no_status_json(Error{ErrorCode::kNotReady, "try again"}, "web"));
  EXPECT_EQ(object["name"], "web");
  EXPECT_EQ(object["verdict"], nullptr);
  EXPECT_EQ(object["error"]["code"], "not ready");
  EXPECT_EQ(object["error"]["text"], "try again");
}

}  // namespace
}  // namespace shmconf::display
