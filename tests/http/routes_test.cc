// What each path answers, of a segment in any state.

#include "http/routes.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "http/journal.h"
#include "http/published.h"

namespace shmconf::http {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class RoutesTest : public ::testing::Test {
 protected:
  static settings::Settings settings() {
    settings::Settings settings;
    settings.name = "web";
    settings.consul.address = "http://127.0.0.1:8500";
    settings.sources = {{.kind = settings::Source::Kind::kPrefix, .path = "config/web/"}};
    return settings;
  }
  Reply get(std::string_view path) { return routes_.answer(path); }
  json get_json(std::string_view path) { return json::parse(get(path).content()); }
  void show_values() {
    shown_.emplace(settings(), true);
    routes_.show_anew();
  }

  Published published_;
  View view_ = published_.view();
  std::optional<Shown> shown_{std::in_place, settings(), false};
  Metrics metrics_{settings()};
  Routes routes_{view_, *shown_, metrics_, [] { return std::chrono::system_clock::now(); }};
};

TEST_F(RoutesTest, ASidecarWithoutConfigurationIsHealthyAndNotReady) {
  published_.live(format::Role::kWatch);
  EXPECT_EQ(get("/healthz").status, 200u);
  const Reply ready = get("/readyz");
  EXPECT_EQ(ready.status, 503u);
  EXPECT_NE(ready.body.find("nothing has been published yet"), std::string::npos) << ready.body;
  const json state = get_json("/api/state");
  EXPECT_EQ(state["verdict"], "none");
  EXPECT_EQ(state["published_at"], nullptr);
  EXPECT_EQ(state["processes"][0]["alive"], true);
  EXPECT_EQ(get_json("/api/tree")["entries"], json::array());
}

TEST_F(RoutesTest, NeitherProcessAliveIsUnhealthy) {
  published_.publish({{"a", "1"}});
  const Reply health = get("/healthz");
  EXPECT_EQ(health.status, 503u);
  EXPECT_EQ(std::count(health.body.begin(), health.body.end(), '\n'), 1) << health.body;
  EXPECT_EQ(get("/readyz").body.substr(0, 6), "dead: ");
  EXPECT_EQ(get_json("/api/state")["verdict"], "dead");
}

TEST_F(RoutesTest, LiveIsReady) {
  published_.publish({{"a", "1"}, {"b", "22"}});
  published_.live(format::Role::kWatch);
  EXPECT_EQ(get("/healthz").status, 200u);
  EXPECT_EQ(get("/readyz").status, 200u);
  const json state = get_json("/api/state");
  EXPECT_EQ(state["name"], "web");
  EXPECT_EQ(state["verdict"], "live");
  EXPECT_EQ(state["keys"], 2);
  EXPECT_EQ(state["bytes"], 5);
  EXPECT_EQ(state["origin"], "consul");
  EXPECT_EQ(state["consul"], (json{{"address", "http://127.0.0.1:8500"},
                                   {"sources", {{{"prefix", "config/web/"}, {"index", "18677"}}}}}));
  EXPECT_LT(state["contact_age_ms"], 20'000);
  EXPECT_GE(state["data_age_ms"], 5);
  EXPECT_EQ(state["processes"].size(), 3u);
  EXPECT_EQ(state["processes"][0], (json{{"role", "watch"},
                                         {"alive", true},
                                         {"alive_age_ms", state["processes"][0]["alive_age_ms"]},
                                         {"contact_age_ms", state["processes"][0]["contact_age_ms"]},
                                         {"failing_for_ms", nullptr},
                                         {"restarts", 0},
                                         {"last_error", ""}}));
}

TEST_F(RoutesTest, AFailingSidecarIsStaleButHealthy) {
  published_.publish({{"a", "1"}});
  published_.live(format::Role::kWatch);
  published_.segment().role(format::Role::kWatch).failing_since_ns.store(1);
  EXPECT_EQ(get("/healthz").status, 200u);
  const Reply ready = get("/readyz");
  EXPECT_EQ(ready.status, 503u);
  EXPECT_EQ(ready.body.substr(0, 7), "stale: ");
}

TEST_F(RoutesTest, TheBackupIsNotReady) {
  published_.publish({{"a", "1"}}, format::Origin::kBackup);
  published_.live(format::Role::kWatch);
  EXPECT_EQ(get("/readyz").status, 503u);
  EXPECT_EQ(get_json("/api/state")["verdict"], "backup");
}

TEST_F(RoutesTest, ValuesAreShownOnlyWhereTheyMayBeAndSecretsNever) {
  published_.publish({{"bytes", "\xff\xfe"}, {"doc", R"({"host":"h","password":"hunter2"})"},
                      {"host", "<script>alert(1)</script>"}, {"redis/password", "hunter2"}});
  const json hidden = get_json("/api/tree");
  ASSERT_EQ(hidden["entries"].size(), 4u);
  for (const json& entry : hidden["entries"]) EXPECT_EQ(entry["value"], nullptr) << entry;
  EXPECT_EQ(hidden["entries"][3]["bytes"], 7);
  show_values();
  const json tree = get_json("/api/tree");
  EXPECT_EQ(tree.dump().find("hunter2"), std::string::npos);
  EXPECT_EQ(tree["entries"][0]["value"], "//4=");
  EXPECT_EQ(tree["entries"][0]["encoding"], "base64");
  EXPECT_EQ(tree["entries"][1]["value"], R"({"host": "h", "password": "***"})");
  EXPECT_EQ(tree["entries"][1]["secret"], true);
  EXPECT_EQ(tree["entries"][2]["value"], "<script>alert(1)</script>");
  EXPECT_EQ(tree["entries"][2]["secret"], false);
  EXPECT_EQ(tree["entries"][3]["value"], "***");
}

TEST_F(RoutesTest, ALargeTreeIsCutAndSaysSo) {
  Published::Pairs pairs;
  for (int i = 0; i < 1'000; ++i) pairs.emplace_back("k" + std::to_string(10'000 + i), std::string(12'000, 'x'));
  pairs.emplace_back("large", std::string(kLargestTreeValueBytes + 1, 'x'));
  pairs.emplace_back("z", "1");
  published_.publish(pairs);
  const json without = get_json("/api/tree");
  EXPECT_EQ(without["left_out"], 0);
  EXPECT_EQ(without["entries"].size(), 1'002u);
  show_values();
  const Reply tree = get("/api/tree");
  EXPECT_LT(tree.content().size(), kLargestTreeBytes + 100'000);
  const json shown = json::parse(tree.content());
  EXPECT_GT(shown["left_out"], 0);
  EXPECT_EQ(shown["entries"].size() + shown["left_out"].get<std::size_t>(), 1'002u);
}

TEST_F(RoutesTest, TheHistoryKeepsTheLastFiftyNewestFirst) {
  for (std::uint64_t generation = 1; generation <= kLongestHistory + 5; ++generation) {
    const std::string events = routes_.met({.generation = generation, .latency = 1500us});
    EXPECT_TRUE(events.starts_with("event: change\ndata: {")) << events;
    EXPECT_NE(events.find("\n\nevent: state\ndata: {"), std::string::npos) << events;
  }
  const json changes = get_json("/api/history")["changes"];
  ASSERT_EQ(changes.size(), kLongestHistory);
  EXPECT_EQ(changes.front()["generation"], "55");
  EXPECT_EQ(changes.back()["generation"], "6");
  EXPECT_EQ(changes.front()["latency_ms"], 1.5);
}

TEST_F(RoutesTest, FilesOfThePageAndNothingElse) {
  EXPECT_NE(get("/").body.find("<!doctype html>"), std::string::npos);
  EXPECT_EQ(get("/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/page.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/page.css").content_type, "text/css; charset=utf-8");
  for (const char* path : {"/nothing", "//", "/../etc/passwd", "/page.js/", "/api/", "/metrics/", "/%2e%2e/x"}) {
    EXPECT_EQ(get(path).status, 404u) << path;
  }
  EXPECT_TRUE(get("/api/events").events);
}

// What a Journal tells, in the order told.
class Told {
 public:
  void operator()(Met met) {
    const std::lock_guard lock(mutex_);
    met_.push_back(std::move(met));
    more_.notify_all();
  }
  // Waits for so many; the last of them.
  Met wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(more_.wait_for(lock, 20s, [&] { return met_.size() >= count; }));
    return met_.empty() ? Met{} : met_.back();
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<Met> met_;
};

TEST_F(RoutesTest, TheJournalTellsWhatChanged) {
  show_values();
  published_.publish({{"a", "1"}, {"b", "1"}, {"token", "t1"}});
  Told told;
  const Journal journal("web", published_.where(), *shown_, [&](Met met) { told(std::move(met)); });
  const Met first = told.wait_for(1);
  EXPECT_TRUE(first.first);
  EXPECT_TRUE(first.keys.empty());
  published_.publish({{"a", "2"}, {"c", "1"}, {"token", "t2"}});
  const Met second = told.wait_for(2);
  EXPECT_EQ(second.generation, first.generation + 1);
  ASSERT_TRUE(second.latency);
  EXPECT_GE(*second.latency, 5ms);
  const json keys = json::parse(Shown::change(second))["keys"];
  EXPECT_EQ(keys, json::parse(R"([
    {"key":"a","change":"changed","before":"1","after":"2","secret":false},
    {"key":"b","change":"removed","before":"1","after":null,"secret":false},
    {"key":"c","change":"added","before":null,"after":"1","secret":false},
    {"key":"token","change":"changed","before":"***","after":"***","secret":true}])"));
}

TEST_F(RoutesTest, AChangeOfManyKeysIsCutAndSaysSo) {
  Published::Pairs pairs;
  for (int i = 0; i < 150; ++i) pairs.emplace_back("k" + std::to_string(1'000 + i), "1");
  published_.publish({});
  Told told;
  const Journal journal("web", published_.where(), *shown_, [&](Met met) { told(std::move(met)); });
  told.wait_for(1);
  published_.publish(pairs);
  const Met met = told.wait_for(2);
  EXPECT_EQ(met.keys.size(), kMostChangedKeys);
  EXPECT_EQ(met.keys_left_out, 150 - kMostChangedKeys);
  EXPECT_EQ(met.keys.front().after, std::nullopt) << "values are not shown";
}

}  // namespace
}  // namespace shmconf::http
