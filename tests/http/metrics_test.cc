// Metrics in Prometheus's format; promtool judges them too, in sidecar_test.cc.

#include "http/metrics.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <sstream>
#include <string>

#include "http/published.h"

namespace shmconf::http {
namespace {

using namespace std::chrono_literals;
using format::Role;

class MetricsTest : public ::testing::Test {
 protected:
  static settings::Settings settings() {
    settings::Settings settings;
    settings.name = "web";
    settings.sources = {{.kind = settings::Source::Kind::kPrefix, .path = "config/web/"}};
    return settings;
  }
  std::string text() {
    View view = published_.view();
    return Metrics(settings()).text(view.look(), std::chrono::system_clock::now());
  }
  // What follows the name and labels on their line; "" when there is no such line.
  static std::string value(const std::string& text, const std::string& sample) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(sample + " ")) return line.substr(sample.size() + 1);
    }
    return {};
  }

  Published published_;
};

TEST_F(MetricsTest, TellWhatReadersHave) {
  published_.publish({{"a", "1"}, {"b", "22"}});
  published_.live(Role::kWatch);
  const std::string all = text();
  EXPECT_EQ(value(all, "shmconf_generation"), "1");
  EXPECT_EQ(value(all, "shmconf_keys"), "2");
  EXPECT_EQ(value(all, "shmconf_bytes"), "5");
  EXPECT_EQ(value(all, R"(shmconf_verdict{verdict="live"})"), "1");
  EXPECT_EQ(value(all, R"(shmconf_verdict{verdict="none"})"), "0");
  EXPECT_EQ(value(all, R"(shmconf_source{source="consul"})"), "1");
  EXPECT_EQ(value(all, R"(shmconf_process_alive{process="watch"})"), "1");
  EXPECT_EQ(value(all, R"(shmconf_process_alive{process="heartbeat"})"), "0");
  EXPECT_EQ(value(all, R"(shmconf_publishes_total{process="watch"})"), "1");
  EXPECT_EQ(value(all, R"(shmconf_consul_index{kind="prefix",source="config/web/"})"), "18677");
  EXPECT_GE(std::stod(value(all, "shmconf_data_age_seconds")), 0.005);
  EXPECT_LT(std::stod(value(all, "shmconf_contact_age_seconds")), 20);
}

TEST_F(MetricsTest, WithoutConfigurationTheProcessesAreStillTold) {
  published_.live(Role::kHeartbeat);
  const std::string all = text();
  EXPECT_EQ(value(all, R"(shmconf_verdict{verdict="none"})"), "1");
  EXPECT_EQ(value(all, R"(shmconf_process_alive{process="heartbeat"})"), "1");
  EXPECT_EQ(all.find("shmconf_keys"), std::string::npos);
}

TEST_F(MetricsTest, WithoutASegmentThereIsAVerdict) {
  View view("absent", published_.where());
  const std::string all = Metrics(settings()).text(view.look(), std::chrono::system_clock::now());
  EXPECT_EQ(value(all, R"(shmconf_verdict{verdict="none"})"), "1");
  EXPECT_EQ(all.find("shmconf_process_alive"), std::string::npos);
}

TEST_F(MetricsTest, CountersAreThoseOfTheControlPage) {
  published_.publish({{"a", "1"}});
  auto& watch = published_.segment().counters(Role::kWatch);
  watch.comparisons[static_cast<std::size_t>(format::Comparison::kUnchanged)].store(41);
  watch.errors[static_cast<std::size_t>(ErrorCode::kDenied)].store(7);
  watch.errors[static_cast<std::size_t>(ErrorCode::kNoSpace)].store(2);
  published_.segment().counters(Role::kHeartbeat).backup_failures.store(3);
  published_.segment().role(Role::kWatch).starts.store(6);
  EXPECT_EQ(value(text(), R"(shmconf_process_restarts_total{process="serve"})"), "") << "never started";
  published_.segment().counters(Role::kSupervisor).server_starts.store(3);
  const std::string all = text();
  EXPECT_EQ(value(all, R"(shmconf_polls_total{process="watch",result="unchanged"})"), "41");
  EXPECT_EQ(value(all, R"(shmconf_errors_total{process="watch",kind="denied"})"), "7");
  EXPECT_EQ(value(all, R"(shmconf_errors_total{process="watch",kind="no_space"})"), "2");
  EXPECT_EQ(value(all, "shmconf_backup_failures_total"), "3");
  EXPECT_EQ(value(all, R"(shmconf_process_restarts_total{process="watch"})"), "5");
  EXPECT_EQ(value(all, R"(shmconf_process_restarts_total{process="heartbeat"})"), "0");
  EXPECT_EQ(value(all, R"(shmconf_process_restarts_total{process="serve"})"), "2");
}

TEST_F(MetricsTest, AHistogramCountsUpwards) {
  auto& durations = published_.segment().counters(Role::kWatch).propagation;
  for (const std::uint64_t ns : {90'000u, 400'000u, 450'000u, 2'000'000'000u}) durations.add(ns);
  durations.add(60'000'000'000);
  const std::string all = text();
  const auto bucket = [&](const std::string& bound) {
    return value(all, R"(shmconf_propagation_seconds_bucket{process="watch",le=")" + bound + R"("})");
  };
  EXPECT_EQ(bucket("0.0001"), "1");
  EXPECT_EQ(bucket("0.00025"), "1");
  EXPECT_EQ(bucket("0.0005"), "3");
  EXPECT_EQ(bucket("1"), "3");
  EXPECT_EQ(bucket("5"), "4");
  EXPECT_EQ(bucket("+Inf"), "5");
  EXPECT_EQ(value(all, R"(shmconf_propagation_seconds_count{process="watch"})"), "5");
  EXPECT_DOUBLE_EQ(std::stod(value(all, R"(shmconf_propagation_seconds_sum{process="watch"})")), 62.00094);
}

// Whoever may write the page may write anything there.
TEST_F(MetricsTest, AnyBytesOfTheCountersMakeMetrics) {
  published_.publish({{"a", "1"}});
  std::memset(static_cast<void*>(&published_.segment().counters(Role::kWatch)), 0xff, sizeof(format::RoleCounters) * 3);
  published_.segment().role(Role::kWatch).starts.store(UINT64_MAX);
  const std::string all = text();
  EXPECT_NE(value(all, R"(shmconf_propagation_seconds_count{process="watch"})"), "");
  EXPECT_NE(value(all, R"(shmconf_process_restarts_total{process="watch"})"), "");
}

}  // namespace
}  // namespace shmconf::http
