// How long a change takes from Consul's acknowledgement of the PUT to a reader that has been woken and
// has read it, beside what a bare blocking GET on a raw socket takes: one real server with its data on
// disk, `shmconf watch`, samples in turn. Both watch a prefix of their own with the same keys, so
// that neither is woken, or slowed, by the other's changes.
//
//   propagation [--keys N] [--samples N]      default: 100 keys, 300 samples of each
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/consul.h"
#include "integration/sidecar.h"

namespace {

using namespace shmconf;
using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr char kBare[] = "bench/bare/";
constexpr char kOurs[] = "bench/ours/";
constexpr int kWarmUp = 20;
// So that the server and the waiter are at rest before the next PUT.
constexpr std::chrono::milliseconds kPause{5};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "propagation: %s\n", what.c_str());
  std::exit(1);
}

Pairs filling(const std::string& prefix, int keys) {
  Pairs pairs;
  for (int i = 0; i < keys; ++i) {
    pairs.emplace_back(prefix + "service/some-key-" + std::to_string(i), std::string(100, 'v'));
  }
  pairs.emplace_back(prefix + "changing", "0");
  return pairs;
}

Clock::time_point put(harness::ConsulKv& kv, const std::string& key, const std::string& value) {
  if (!kv.put(key, value)) die("Consul refused a PUT");
  return Clock::now();
}

// A client that does nothing but hold a blocking query.
class BareClient {
 public:
  BareClient(const std::string& host, std::uint16_t port) : connection_(host, port) { ask(""); }

  double sample(harness::ConsulKv& kv, const std::string& value) {
    auto woken = std::async(std::launch::async, [this] {
      const std::uint64_t before = index_;
      ask("&wait=30s&index=" + std::to_string(before));
      if (index_ == before) die("the bare client's query ran out of time");
      return Clock::now();
    });
    std::this_thread::sleep_for(kPause);
    const auto acknowledged = put(kv, std::string(kBare) + "changing", value);
    return Microseconds(woken.get() - acknowledged).count();
  }

 private:
  void ask(const std::string& more) {
    const auto answer = connection_.request("GET", "/v1/kv/" + std::string(kBare) + "?recurse" + more, {}, {},
                                            std::chrono::seconds(40));
    if (answer.status != 200 || !answer.index()) die("no answer for the bare client: " + answer.error);
    index_ = *answer.index();
  }

  harness::HttpConnection connection_;
  std::uint64_t index_ = 0;
};

double sample_ours(Reader& reader, harness::ConsulKv& kv, const std::string& value) {
  auto woken = std::async(std::launch::async, [&] {
    while (reader.get("changing") != value) {
      if (!reader.wait_for_change(std::chrono::seconds(30))) die("the reader was not woken");
    }
    return Clock::now();
  });
  std::this_thread::sleep_for(kPause);
  const auto acknowledged = put(kv, std::string(kOurs) + "changing", value);
  return Microseconds(woken.get() - acknowledged).count();
}

double percentile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)))];
}

void print(const char* name, std::vector<double>& samples) {
  std::sort(samples.begin(), samples.end());
  std::printf("%-22s %10.0f %10.0f %10.0f %10.0f %10.0f\n", name, samples.front(), percentile(samples, 0.5),
              percentile(samples, 0.9), percentile(samples, 0.99), samples.back());
}

int number(int argc, char** argv, const std::string& flag, int otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (flag == argv[i]) return std::max(1, std::atoi(argv[i + 1]));
  }
  return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const int keys = number(argc, argv, "--keys", 100);
  const int samples = number(argc, argv, "--samples", 300);
  harness::ConsulOptions options;
  options.mode = harness::ConsulOptions::Mode::kServer;
  auto consul = harness::RealConsul::start(options);
  if (!consul) die(consul.error().text);
  harness::ConsulKv kv((*consul)->host(), (*consul)->port());
  if (!kv.put_all(filling(kBare, keys)) || !kv.put_all(filling(kOurs, keys))) die("Consul refused the keys");

  integration::Sidecar sidecar({.consul = (*consul)->url(), .sources = {"--prefix", kOurs}});
  sidecar.start("watch", {"--log-level", "warn"});
  auto reader = sidecar.open();
  if (!reader) die(reader.error().text);
  BareClient bare((*consul)->host(), (*consul)->port());

  std::vector<double> of_bare, of_ours;
  for (int i = 0; i < kWarmUp + samples; ++i) {
    const std::string value = std::to_string(i + 1);
    const double first = bare.sample(kv, value);
    const double second = sample_ours(*reader, kv, value);
    if (i < kWarmUp) continue;
    of_bare.push_back(first);
    of_ours.push_back(second);
  }
  std::printf("PUT acknowledged to change read, us; %d keys of 100 bytes, %d samples each, in turn\n", keys,
              samples);
  std::printf("%-22s %10s %10s %10s %10s %10s\n", "", "min", "median", "p90", "p99", "max");
  print("bare blocking GET", of_bare);
  print("shmconf reader", of_ours);
  const double bare_median = percentile(of_bare, 0.5);
  const double our_median = percentile(of_ours, 0.5);
  std::printf("median over the bare client's: %+.0f us (ratio %.2f)\n", our_median - bare_median,
              our_median / bare_median);
  return 0;
}
