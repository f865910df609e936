// Private dirty memory of each process of the sidecar, as the kernel counts it: after its start, and
// after a number of changes. One real Consul, `shmconf run`.
//
//   memory [--keys N] [--changes N]      default: 1,000 keys, 200 changes
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace {

using namespace shmconf;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr char kPrefix[] = "config/web/";
constexpr int kMostOperations = 60;  // of one transaction

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "memory: %s\n", what.c_str());
  std::exit(1);
}

// Of a field of smaps_rollup, in KiB.
long kilobytes(pid_t pid, const std::string& field) {
  std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with(field + ":")) return std::atol(line.c_str() + field.size() + 1);
  }
  die("no " + field + " of process " + std::to_string(pid) + ": may this user read its smaps_rollup?");
}

void print(const char* when, const std::vector<std::pair<std::string, pid_t>>& processes) {
  for (const auto& [name, pid] : processes) {
    std::printf("%-16s %-12s %12.2f %12.2f\n", when, name.c_str(),
                static_cast<double>(kilobytes(pid, "Private_Dirty")) / 1024,
                static_cast<double>(kilobytes(pid, "Pss")) / 1024);
  }
}

int number(int argc, char** argv, const std::string& flag, int otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (flag == argv[i]) return std::max(1, std::atoi(argv[i + 1]));
  }
  return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const int keys = number(argc, argv, "--keys", 1'000);
  const int changes = number(argc, argv, "--changes", 200);
  auto consul = harness::RealConsul::start();
  if (!consul) die(consul.error().text);
  harness::ConsulKv kv((*consul)->host(), (*consul)->port());
  Pairs pairs;
  for (int i = 0; i < keys; ++i) {
    pairs.emplace_back(kPrefix + std::string("service/some-key-") + std::to_string(i), std::string(100, 'v'));
  }
  if (!kv.put_all(pairs)) die("Consul refused the keys");

  integration::Sidecar sidecar({.consul = (*consul)->url()});
  // Full reads every second, so that the heartbeat's work is in the second figure too.
  auto& run = sidecar.start("run", {"--log-level", "warn", "--heartbeat-interval", "1s"});
  auto reader = sidecar.open();
  if (!reader) die(reader.error().text);
  const auto backed_up = [&] { return integration::text_of(sidecar.backup_file()).size() > 1'000; };
  if (!harness::eventually(backed_up)) die("no backup was written");
  const std::vector<std::pair<std::string, pid_t>> processes = {
      {"watch", integration::child_of(run, "watch")},
      {"heartbeat", integration::child_of(run, "heartbeat")},
      {"supervisor", run.pid()}};
  std::printf("MiB; %d keys of 100 bytes\n", keys);
  std::printf("%-16s %-12s %12s %12s\n", "", "process", "private dirty", "pss");
  print("at rest", processes);

  for (int i = 1; i <= changes; ++i) {
    const std::string value = std::to_string(i) + std::string(96, 'w');
    Pairs some(pairs.begin(), pairs.begin() + std::min(keys, kMostOperations));
    for (auto& pair : some) pair.second = value;
    if (!kv.put_together(some)) die("Consul refused a change");
    if (!integration::shows(*reader, "service/some-key-0", value)) die("a change did not arrive");
  }
  const auto beats = [&] { return reader->status().role(format::Role::kHeartbeat).queries; };
  const std::uint64_t before = beats();
  if (!harness::eventually([&] { return beats() >= before + 3; })) {
    die("the heartbeat does not read");
  }
  print(("after " + std::to_string(changes)).c_str(), processes);
  return 0;
}
