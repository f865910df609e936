#include "http/metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

namespace shmconf::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// In the order of their enumerators.
constexpr std::array<const char*, format::kRoleCount> kRoles = {"watch", "heartbeat", "supervisor"};
constexpr std::array<const char*, format::kComparisonCount> kResults = {"published", "unchanged", "overtaken", "empty",
                                                                        "failed"};
// Those that ask Consul and publish.
constexpr std::size_t kPublishers = 2;
constexpr auto kFirstError = static_cast<std::size_t>(ErrorCode::kAbsent);
constexpr auto kLastError = static_cast<std::size_t>(ErrorCode::kSystem);
static_assert(kLastError < format::kErrorKinds);

double seconds(std::chrono::nanoseconds span) { return std::chrono::duration<double>(span).count(); }

class Families {
 public:
  void begin(std::string name, std::string help, MetricType type) {
    families_.push_back({std::move(name), std::move(help), type, {}});
  }
  void add(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    families_.back().metric.push_back(std::move(metric));
  }
  void add(std::uint64_t value, Labels labels = {}) { add(static_cast<double>(value), std::move(labels)); }
  void add(const DurationCounts& durations, Labels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    // Of the buckets alone, so that they and the count agree whatever was counted meanwhile.
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < durations.counts.size(); ++i) {
      sum += durations.counts[i];
      const bool last = i == format::kDurationBoundsNs.size();
      metric.histogram.bucket.push_back({sum, last ? std::numeric_limits<double>::infinity()
                                                   : static_cast<double>(format::kDurationBoundsNs[i]) / 1e9});
    }
    metric.histogram.sample_count = sum;
    metric.histogram.sample_sum = static_cast<double>(durations.sum_ns) / 1e9;
    families_.back().metric.push_back(std::move(metric));
  }
  void gauge(std::string name, std::string help, double value) {
    begin(std::move(name), std::move(help), MetricType::Gauge);
    add(value);
  }
  // One of some words: 1 for that, 0 for the others.
  template <std::size_t kCount>
  void state(std::string name, std::string help, const std::string& label, const std::array<const char*, kCount>& words,
             std::string_view now) {
    begin(std::move(name), std::move(help), MetricType::Gauge);
    for (const char* word : words) add(word == now ? 1.0 : 0.0, {{label, word}});
  }

  // A family that has nothing to say is left out.
  [[nodiscard]] std::string text() && {
    std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
    return prometheus::TextSerializer().Serialize(families_);
  }

 private:
  std::vector<MetricFamily> families_;
};

std::uint64_t restarts(std::uint64_t starts) { return starts == 0 ? 0 : starts - 1; }

void add_snapshot(Families& families, const Status& status, display::WallTime now) {
  families.gauge("shmconf_generation", "Counter of the current generation, since the control page was made.",
                 static_cast<double>(static_cast<std::uint32_t>(status.generation)));
  families.gauge("shmconf_page_created_timestamp_seconds",
                 "When the control page was made that the generation counts for.",
                 static_cast<double>(status.generation >> 32));
  families.gauge("shmconf_keys", "Keys of the current generation.", static_cast<double>(status.key_count));
  families.gauge("shmconf_bytes", "Bytes in the keys and values of the current generation.",
                 static_cast<double>(status.key_value_bytes));
  families.gauge("shmconf_snapshot_bytes", "Size of the current generation in shared memory.",
                 static_cast<double>(status.snapshot_bytes));
  families.gauge("shmconf_data_age_seconds",
                 "Time since the current generation was read from Consul; grows while nothing changes there.",
                 seconds(now - status.read));
  families.state("shmconf_source", "Where the current generation came from.", "source",
                 std::array{"consul", "backup", "dev"}, origin_name(status.origin));
}

void add_processes(Families& families, const Status& status) {
  families.begin("shmconf_process_alive", "Whether the process has stamped the segment within 15 seconds.",
                 MetricType::Gauge);
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    families.add(status.roles[i].alive ? 1.0 : 0.0, {{"process", kRoles[i]}});
  }
  families.begin("shmconf_process_restarts_total",
                 "Starts of the process after its first, since the control page was made.", MetricType::Counter);
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    families.add(restarts(status.roles[i].starts), {{"process", kRoles[i]}});
  }
  if (status.server_starts != 0) families.add(restarts(status.server_starts), {{"process", "serve"}});
}

void add_work(Families& families, const Status& status) {
  const auto of_publishers = [&](const auto& add) {
    for (std::size_t i = 0; i < kPublishers; ++i) add(status.roles[i], Labels{{"process", kRoles[i]}});
  };
  families.begin("shmconf_publishes_total", "New generations that the process has published.", MetricType::Counter);
  of_publishers([&](const RoleStatus& role, const Labels& labels) { families.add(role.publishes, labels); });
  families.begin("shmconf_answers_total", "Good answers of Consul to the process.", MetricType::Counter);
  of_publishers([&](const RoleStatus& role, const Labels& labels) { families.add(role.queries, labels); });
  families.begin("shmconf_polls_total",
                 "Comparisons with Consul by result; overtaken: the other process had published meanwhile.",
                 MetricType::Counter);
  of_publishers([&](const RoleStatus& role, Labels labels) {
    labels.push_back({"result", {}});
    for (std::size_t i = 0; i < kResults.size(); ++i) {
      labels.back().value = kResults[i];
      families.add(role.comparisons[i], labels);
    }
  });
  families.begin("shmconf_errors_total", "Failures to read Consul or to publish, by kind.", MetricType::Counter);
  of_publishers([&](const RoleStatus& role, Labels labels) {
    labels.push_back({"kind", {}});
    for (std::size_t i = kFirstError; i <= kLastError; ++i) {
      labels.back().value = display::error_name(static_cast<ErrorCode>(i));
      std::ranges::replace(labels.back().value, ' ', '_');
      families.add(role.errors[i], labels);
    }
  });
  families.begin("shmconf_backup_failures_total", "Backups that could not be written.", MetricType::Counter);
  families.add(status.role(format::Role::kHeartbeat).backup_failures);
  families.begin("shmconf_propagation_seconds",
                 "Of each new generation: time from the header of Consul's answer to its being published. What passed "
                 "between the write and that header, Consul does not tell.",
                 MetricType::Histogram);
  of_publishers([&](const RoleStatus& role, const Labels& labels) { families.add(role.propagation, labels); });
  families.begin("shmconf_publish_seconds", "Of each new generation: time to build it and make it the current one.",
                 MetricType::Histogram);
  of_publishers([&](const RoleStatus& role, const Labels& labels) { families.add(role.publish, labels); });
}

}  // namespace

Metrics::Metrics(const settings::Settings& settings) : name_(settings.name), sources_(settings.sources) {}

std::string Metrics::text(const Seen& seen, display::WallTime now) const {
  Families families;
  families.begin("shmconf_info", "The service whose configuration this is, and the release of shmconf.",
                 MetricType::Gauge);
  families.add(1.0, {{"name", name_}, {"version", SHMCONF_VERSION}});
  families.state("shmconf_verdict", "What `shmconf status` says; none: readers have no configuration.", "verdict",
                 std::array{"live", "stale", "backup", "dead", "none"}, seen.verdict());
  if (seen.readable()) {
    add_snapshot(families, *seen.status, now);
    families.begin("shmconf_consul_index", "Consul's index of the source in the current generation.", MetricType::Gauge);
    for (std::size_t i = 0; i < std::min(sources_.size(), seen.status->indexes.size()); ++i) {
      const bool prefix = sources_[i].kind == settings::Source::Kind::kPrefix;
      families.add(seen.status->indexes[i], {{"kind", prefix ? "prefix" : "key"}, {"source", sources_[i].path}});
    }
  }
  if (seen.status && seen.status->contact_age) {
    families.gauge("shmconf_contact_age_seconds", "Time since the last good contact with Consul.",
                   seconds(*seen.status->contact_age));
  }
  // A backup alone knows nothing of processes.
  if (seen.status && !seen.status->from_file) {
    add_processes(families, *seen.status);
    add_work(families, *seen.status);
  }
  return std::move(families).text();
}

}  // namespace shmconf::http
