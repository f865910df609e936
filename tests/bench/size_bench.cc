// What a configuration takes in memory and on the tmpfs, and how that grows. Command:
//   size_bench [--rows FILE]
//
// `shmconf watch` and `shmconf run` as processes; the real Consul at 1,000 keys, the development
// endpoint in this process for the large ones, which a real server would take minutes to be filled with.
#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/dataset.h"
#include "bench/report.h"
#include "fakes/dev_server.h"
#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace {

using namespace shmconf;
using Clock = std::chrono::steady_clock;
using Of = bench::Bar::Of;

constexpr double kMebibyte = 1024 * 1024;
constexpr int kChanges = 50;
constexpr int kTogether = 60;  // keys of one transaction

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "size_bench: %s\n", what.c_str());
  std::exit(1);
}

// In MiB, a field of a file that the kernel writes as "Field:   123 kB".
double kernel_figure(pid_t pid, const char* file, const std::string& field) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/" + file);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(field + ":")) return std::atof(line.c_str() + field.size() + 1) / 1024;
  }
  die("no " + field + " of process " + std::to_string(pid));
}

bench::Spread once(double value) { return {.median = value, .p99 = value}; }

// The most anonymous memory that a process was seen to have, looked at without a pause.
class Peak {
 public:
  explicit Peak(pid_t pid) : thread_([this, pid] {
    while (!over_) highest_ = std::max(highest_, kernel_figure(pid, "status", "RssAnon"));
  }) {}
  ~Peak() { stop(); }
  Peak(const Peak&) = delete;
  Peak& operator=(const Peak&) = delete;

  double stop() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
    return highest_;
  }

 private:
  std::atomic<bool> over_ = false;
  double highest_ = 0;
  std::thread thread_;
};

struct Taken {
  double seconds = 0;
  double peak = 0;      // MiB
  double snapshot = 0;  // MiB
};

// One start of the watch process, until its snapshot is there, and one change of a key.
Taken take(const bench::Dataset& dataset, std::size_t keys) {
  dev::EndpointOptions options = fakes::DevServer::any_port();
  options.pretty = false;  // as every Consul but `consul agent -dev`
  auto server = fakes::DevServer::start(options);
  if (!server) die(server.error().text);
  harness::ConsulKv kv = (*server)->kv();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < keys; ++i) pairs.emplace_back("config/web/" + dataset.keys()[i], dataset.values()[i]);
  if (!kv.put_all(pairs)) die("the endpoint refused the keys");

  integration::Sidecar sidecar({.consul = (*server)->url()});
  const auto start = Clock::now();
  auto& watch = sidecar.start("watch", {"--log-level", "warn"});
  Peak peak(watch.pid());
  auto reader = sidecar.open(std::chrono::minutes(2));
  if (!reader) die(reader.error().text);
  Taken taken;
  taken.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (!kv.put(pairs.front().first, "changed") ||
      !integration::shows(*reader, dataset.keys().front(), "changed", std::chrono::minutes(2))) {
    die("a change did not arrive");
  }
  taken.peak = peak.stop();
  for (const auto& file : std::filesystem::directory_iterator(sidecar.directory())) {
    taken.snapshot = std::max(taken.snapshot, static_cast<double>(file.file_size()) / kMebibyte);
  }
  return taken;
}

void large(bench::Report& report) {
  const bench::Dataset dataset(1'000'000);
  const auto per_key = [](double whole, std::size_t keys) { return whole / static_cast<double>(keys); };
  const Taken small = take(dataset, 100'000);
  const Taken large = take(dataset, 1'000'000);

  double bytes = 0;
  for (std::size_t i = 0; i < 100'000; ++i) {
    bytes += static_cast<double>(dataset.keys()[i].size() + dataset.values()[i].size());
  }
  report.add({.what = "snapshot, 100k keys",
              .unit = "MiB",
              .ours = once(small.snapshot),
              .peer_name = "keys and values",
              .peer = once(bytes / kMebibyte),
              .bar = bench::Bar{.limit = 1.35}});
  report.add({.what = "peak anonymous memory of watch, 100k keys",
              .unit = "MiB",
              .ours = once(small.peak),
              .peer_name = "snapshot",
              .peer = once(small.snapshot),
              .bar = bench::Bar{.limit = 2.5}});
  report.add({.what = "start of watch to 1M keys published, per key",
              .unit = "us",
              .ours = once(per_key(large.seconds, 1'000'000) * 1e6),
              .peer_name = "100k keys",
              .peer = once(per_key(small.seconds, 100'000) * 1e6)});
  report.add({.what = "peak anonymous memory of watch, 1M keys, per key",
              .unit = "bytes",
              .ours = once(per_key(large.peak, 1'000'000) * kMebibyte),
              .peer_name = "100k keys",
              .peer = once(per_key(small.peak, 100'000) * kMebibyte)});
}

void steady(bench::Report& report) {
  const bench::Dataset dataset(1'000);
  auto consul = harness::RealConsul::start();
  if (!consul) die(consul.error().text);
  harness::ConsulKv kv = (*consul)->kv();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) {
    pairs.emplace_back("config/web/" + dataset.keys()[i], dataset.values()[i]);
  }
  if (!kv.put_all(pairs)) die("Consul refused the keys");

  integration::Sidecar sidecar({.consul = (*consul)->url()});
  // Full reads every second, so that the heartbeat's work is in its figure.
  auto& run = sidecar.start("run", {"--log-level", "warn", "--heartbeat-interval", "1s"});
  auto reader = sidecar.open();
  if (!reader) die(reader.error().text);
  for (int i = 1; i <= kChanges; ++i) {
    std::vector<std::pair<std::string, std::string>> some(pairs.begin(), pairs.begin() + kTogether);
    for (auto& pair : some) pair.second = std::to_string(i) + std::string(bench::kValueBytes - 4, 'w');
    if (!kv.put_together(some)) die("Consul refused a change");
    if (!integration::shows(*reader, dataset.keys().front(), some.front().second)) die("a change did not arrive");
  }
  const auto beats = [&] { return reader->status().role(format::Role::kHeartbeat).queries; };
  const std::uint64_t before = beats();
  if (!harness::eventually([&] { return beats() >= before + 3; })) die("the heartbeat does not read");

  const std::pair<std::string, pid_t> processes[] = {{"watch", integration::child_of(run, "watch")},
                                                     {"heartbeat", integration::child_of(run, "heartbeat")},
                                                     {"supervisor", run.pid()}};
  for (const auto& [name, pid] : processes) {
    report.add({.what = "private dirty memory of " + name + ", 1k keys, after " + std::to_string(kChanges) + " changes",
                .unit = "MiB",
                .ours = once(kernel_figure(pid, "smaps_rollup", "Private_Dirty")),
                .bar = bench::Bar{Of::kOurs, 3}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  steady(report);
  large(report);
  return 0;
}
