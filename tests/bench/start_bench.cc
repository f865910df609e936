// How long a command takes to start behind its sidecar: `shmconf exec -- true` on a real, running
// Consul, beside `curl` of the same prefix and `true`. Command:
//   start_bench [--samples N] [--rows FILE]      default: 40 of each, in turn
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/dataset.h"
#include "bench/report.h"
#include "harness/consul.h"
#include "harness/process.h"
#include "integration/sidecar.h"

namespace {

using namespace shmconf;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "start_bench: %s\n", what.c_str());
  std::exit(1);
}

double milliseconds_of(const harness::Command& command) {
  const auto start = std::chrono::steady_clock::now();
  const auto finished = harness::run(command);
  const auto end = std::chrono::steady_clock::now();
  if (!finished) die(finished.error().text);
  if (finished->status.shell_code() != 0) die(command.argv.front() + ": " + finished->err);
  return std::chrono::duration<double, std::milli>(end - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  const long samples = bench::take_number(argc, argv, "--samples", 40);
  auto consul = harness::RealConsul::start();
  if (!consul) die(consul.error().text);
  harness::ConsulKv kv = (*consul)->kv();
  const bench::Dataset dataset(100);
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) {
    if (!kv.put("config/web/" + dataset.keys()[i], dataset.values()[i])) die("Consul refused a key");
  }

  std::vector<double> ours, peer;
  for (long i = 0; i < samples; ++i) {
    // A segment and a backup of its own each time: a first start.
    const integration::Sidecar sidecar({.consul = (*consul)->url()});
    ours.push_back(milliseconds_of(sidecar.command({"exec", "--prefix", "config/web/", "--", "true"})));
    const std::string script = "curl -sf -o /dev/null '" + (*consul)->url() + "/v1/kv/config/web/?recurse' && true";
    harness::Command fetched;
    fetched.argv = {"sh", "-c", script};
    peer.push_back(milliseconds_of(fetched));
  }
  report.add({.what = "`shmconf exec -- true`, first start, 100 keys",
              .unit = "ms",
              .ours = bench::spread_of(ours),
              .peer_name = "`curl` of the prefix and `true`",
              .peer = bench::spread_of(peer),
              .bar = bench::Bar{bench::Bar::Of::kDifference, 30}});
  return 0;
}
