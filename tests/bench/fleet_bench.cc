// What many sidecars cost: N of them on this machine against one real agent, at work and idle, in
// processor time as the kernel's scheduler counted it; and how the full reads of a fleet that starts
// together spread. Command:
//   fleet_bench [--sidecars N] [--busy-seconds N] [--idle-seconds N]
//
// Default: 200 sidecars, 60 s with ten changes a second, 600 s idle.
#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "bench/report.h"
#include "harness/consul.h"
#include "harness/eventually.h"
#include "heartbeat/pace.h"
#include "integration/sidecar.h"

namespace {

using namespace shmconf;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kChangesPerSecond = 10;
constexpr int kKeys = 100;
constexpr double kSecondsPerDay = 86'400;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "fleet_bench: %s\n", what.c_str());
  std::exit(1);
}

// Processor time of all threads of a process so far; the first field of each thread's schedstat is in ns.
double processor_seconds(pid_t pid) {
  double nanoseconds = 0;
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    double of_thread = 0;
    std::ifstream(thread.path() / "schedstat") >> of_thread;
    nanoseconds += of_thread;
  }
  return nanoseconds * 1e-9;
}

class Fleet {
 public:
  Fleet(const std::string& consul, long count) {
    for (long i = 0; i < count; ++i) {
      sidecars_.push_back(std::make_unique<integration::Sidecar>(integration::SidecarOptions{.consul = consul}));
      runs_.push_back(&sidecars_.back()->start("run", {"--log-level", "error"}));
    }
    for (auto& sidecar : sidecars_) {
      auto reader = sidecar->open(5min);
      if (!reader) die(reader.error().text);
      readers_.push_back(std::move(*reader));
    }
    for (Reader& reader : readers_) {
      if (!integration::both_in_contact(reader)) die("a sidecar is not in contact with Consul");
    }
    for (const harness::Process* run : runs_) {
      processes_.push_back(run->pid());
      for (const char* role : {"watch", "heartbeat"}) {
        processes_.push_back(integration::child_of(*run, role));
        if (processes_.back() == 0) die(std::string("a sidecar has no ") + role);
      }
    }
  }

  void expect(const std::string& key, const std::string& value) {
    for (Reader& reader : readers_) {
      if (!integration::shows(reader, key, value, 1min)) die("a change did not arrive");
    }
  }

  [[nodiscard]] double seconds() const {
    return std::accumulate(processes_.begin(), processes_.end(), 0.0,
                           [](double sum, pid_t pid) { return sum + processor_seconds(pid); });
  }

 private:
  std::vector<std::unique_ptr<integration::Sidecar>> sidecars_;
  std::vector<harness::Process*> runs_;
  std::vector<Reader> readers_;
  std::vector<pid_t> processes_;
};

struct Spent {
  double sidecars = 0, consul = 0, wall = 0;
};

template <class Work>
Spent spent_in(const Fleet& fleet, pid_t consul, Work work) {
  const double sidecars = fleet.seconds(), agent = processor_seconds(consul);
  const auto start = Clock::now();
  work();
  return {fleet.seconds() - sidecars, processor_seconds(consul) - agent,
          std::chrono::duration<double>(Clock::now() - start).count()};
}

void change_keys(harness::ConsulKv& kv, std::chrono::seconds time) {
  const auto start = Clock::now();
  for (int change = 1; Clock::now() < start + time; ++change) {
    if (!kv.put("config/web/key-" + std::to_string(change % kKeys), std::to_string(change))) die("Consul refused a PUT");
    std::this_thread::sleep_until(start + change * std::chrono::microseconds(1'000'000 / kChangesPerSecond));
  }
}

void measure(long sidecars, std::chrono::seconds busy, std::chrono::seconds idle) {
  harness::ConsulOptions options;
  // Each holds a blocking query, and three connections at most for moments.
  options.extra_json = R"({"limits":{"http_max_conns_per_client":)" + std::to_string(4 * sidecars + 100) + "}}";
  auto consul = harness::RealConsul::start(options);
  if (!consul) die(consul.error().text);
  harness::ConsulKv kv = (*consul)->kv();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (int i = 0; i < kKeys; ++i) pairs.emplace_back("config/web/key-" + std::to_string(i), std::string(100, 'v'));
  if (!kv.put_all(pairs)) die("Consul refused the keys");

  Fleet fleet((*consul)->url(), sidecars);
  const pid_t agent = (*consul)->process().pid();
  const double count = static_cast<double>(sidecars);
  const Spent at_work = spent_in(fleet, agent, [&] { change_keys(kv, busy); });
  if (!kv.put("config/web/last", "one")) die("Consul refused a PUT");
  fleet.expect("last", "one");
  std::printf("%ld sidecars, %d keys of 100 bytes, %d changes a second for %.0f s:\n", sidecars, kKeys, kChangesPerSecond,
              at_work.wall);
  std::printf("  sidecars %.2f s of processor time (%.2f ms a second each), Consul %.2f s, ratio %.2f\n", at_work.sidecars,
              1e3 * at_work.sidecars / count / at_work.wall, at_work.consul, at_work.sidecars / at_work.consul);
  std::fflush(stdout);

  const Spent at_rest = spent_in(fleet, agent, [&] { std::this_thread::sleep_for(idle); });
  const double a_day = at_rest.sidecars / count / at_rest.wall * kSecondsPerDay;
  std::printf("idle for %.0f s:\n  %.2f s of processor time a day for a whole sidecar (bar: 10), Consul %.2f s a day for each\n",
              at_rest.wall, a_day, at_rest.consul / count / at_rest.wall * kSecondsPerDay);
}

void simulate_full_reads() {
  constexpr int kFleet = 1'000;
  constexpr auto kInterval = 15min;
  constexpr int kMinutes = 120;
  std::vector<int> minutes(kMinutes);
  for (std::uint64_t seed = 0; seed < kFleet; ++seed) {
    heartbeat::Pace pace(kInterval, seed * 0x9E3779B97F4A7C15u);
    for (std::chrono::nanoseconds at = pace.next(); at < kMinutes * 1min; at += pace.next()) {
      ++minutes[static_cast<std::size_t>(at / 1min)];
    }
  }
  std::printf("full reads of %d simulated sidecars that start together, a minute, over two hours (even: %.0f):\n", kFleet,
              static_cast<double>(kFleet) / 15);
  for (int from = 0; from < kMinutes; from += 5) {
    const int sum = std::accumulate(minutes.begin() + from, minutes.begin() + from + 5, 0);
    std::printf("  %3d-%3d min %5.1f %s\n", from, from + 5, sum / 5.0, std::string(static_cast<std::size_t>(sum / 10), '#').c_str());
  }
  std::printf("  the fullest minute has %d\n", *std::max_element(minutes.begin(), minutes.end()));
}

}  // namespace

int main(int argc, char** argv) {
  const long sidecars = bench::take_number(argc, argv, "--sidecars", 200);
  const std::chrono::seconds busy(bench::take_number(argc, argv, "--busy-seconds", 60));
  const std::chrono::seconds idle(bench::take_number(argc, argv, "--idle-seconds", 600));
  simulate_full_reads();
  measure(sidecars, busy, idle);
  return 0;
}
