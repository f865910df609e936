// How long a change takes from Consul's acknowledgement of the PUT to a reader that has been woken and
// has read it, beside what a bare blocking GET on a raw socket takes: one real server with its data on
// disk, `shmconf watch`, samples in turn. Both watch a prefix of their own with the same keys, so
// that neither is woken, or slowed, by the other's changes.
//
//   propagation_bench [--keys N] [--samples N] [--rows FILE] [--points FILE]
//
// Without --keys: 100, 10,000 and 100,000 of them. Without --samples: 300, 200 and 100 of each.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/report.h"
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

struct Size {
  int keys;
  int samples;
  bench::Bar bar;
};

void measure(const Size& size, bench::Report& report) {
  harness::ConsulOptions options;
  options.mode = harness::ConsulOptions::Mode::kServer;
  auto consul = harness::RealConsul::start(options);
  if (!consul) die(consul.error().text);
  harness::ConsulKv kv((*consul)->host(), (*consul)->port());
  if (!kv.put_all(filling(kBare, size.keys)) || !kv.put_all(filling(kOurs, size.keys))) {
    die("Consul refused the keys");
  }
  integration::Sidecar sidecar({.consul = (*consul)->url(), .sources = {"--prefix", kOurs}});
  sidecar.start("watch", {"--log-level", "warn"});
  auto reader = sidecar.open(std::chrono::seconds(60));
  if (!reader) die(reader.error().text);
  BareClient bare((*consul)->host(), (*consul)->port());

  std::vector<double> of_bare, of_ours;
  for (int i = 0; i < kWarmUp + size.samples; ++i) {
    const std::string value = std::to_string(i + 1);
    const double first = bare.sample(kv, value);
    const double second = sample_ours(*reader, kv, value);
    if (i < kWarmUp) continue;
    of_bare.push_back(first);
    of_ours.push_back(second);
  }
  const bench::Spread ours = bench::spread_of(of_ours);
  const bench::Spread peer = bench::spread_of(of_bare);
  report.add({.what = "PUT acknowledged to reader woken, " + std::to_string(size.keys) + " keys",
              .unit = "us",
              .ours = ours,
              .peer_name = "bare blocking GET",
              .peer = peer,
              .bar = size.bar});
  report.add_point("shmconf", static_cast<std::size_t>(size.keys), ours.median);
  report.add_point("bare blocking GET", static_cast<std::size_t>(size.keys), peer.median);
}

}  // namespace

int main(int argc, char** argv) {
  using Of = bench::Bar::Of;
  bench::Report report(argc, argv);
  const int keys = static_cast<int>(bench::take_number(argc, argv, "--keys", 0));
  const int samples = static_cast<int>(bench::take_number(argc, argv, "--samples", 0));
  std::vector<Size> sizes = {{100, 300, {Of::kDifference, 200}}, {10'000, 200, {Of::kRatio, 1.35}},
                             {100'000, 100, {Of::kRatio, 1.4}}};
  if (keys != 0) {
    const auto limit = std::find_if(sizes.begin(), sizes.end() - 1, [&](const Size& each) { return keys <= each.keys; });
    sizes = {{keys, limit->samples, limit->bar}};
  }
  for (Size& size : sizes) {
    if (samples != 0) size.samples = samples;
    measure(size, report);
  }
  return 0;
}
