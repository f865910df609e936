// What a change costs the reads that meet it, of a reader that reads all the time. Command:
//   change_bench [--rows FILE]
//
// Processor time of the reading thread: the wall's would count the publisher's turn on a machine whose
// processors are busy.
#include <time.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "bench/published.h"
#include "bench/report.h"

namespace shmconf::bench {
namespace {

double processor_microseconds() {
  timespec time;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

// The cost of each of so many reads that were the first to see a generation. The reader asks for
// different_keys keys in turn, so that it has that much of the old generation mapped, to give back.
std::vector<double> reads_that_meet_a_change(Published& published, std::chrono::microseconds interval,
                                             std::size_t different_keys, std::size_t samples) {
  const Reader reader = published.open();
  const auto& names = published.dataset().hits();
  const ChangingProcess changing(published, interval);
  std::vector<double> costs;
  std::uint64_t generation = reader.generation();
  std::size_t at = 0;
  while (costs.size() < samples) {
    const double start = processor_microseconds();
    static_cast<void>(reader.get(names[at])->front());
    const std::uint64_t seen = reader.generation();
    const double cost = processor_microseconds() - start;
    if (std::exchange(generation, seen) != seen) costs.push_back(cost);
    if (++at == different_keys) at = 0;
  }
  return costs;
}

void run(Report& report) {
  using std::chrono::milliseconds;
  const auto measure = [](std::size_t keys, milliseconds interval, std::size_t different_keys, std::size_t samples) {
    Published published(Dataset::of(keys));  // each its own: the process that changes it takes over its next draft
    return spread_of(reads_that_meet_a_change(published, interval, different_keys, samples));
  };
  report.add({.what = "reads that meet a new generation, 100 a second, 10k keys",
              .unit = "us",
              .ours = measure(10'000, milliseconds(10), 10'000, 1'000),
              .bar = Bar{Bar::Of::kOurs, 30},
              .p99_counts = true});
  report.add({.what = "first read after a change, 100k keys, one of them read before",
              .unit = "us",
              .ours = measure(100'000, milliseconds(30), 1, 250),
              .bar = Bar{Bar::Of::kOurs, 10}});
  report.add({.what = "first read after a change, 100k keys, all of them read before",
              .unit = "us",
              .ours = measure(100'000, milliseconds(30), 100'000, 250),
              .bar = Bar{Bar::Of::kOurs, 10}});
}

}  // namespace
}  // namespace shmconf::bench

int main(int argc, char** argv) {
  shmconf::bench::Report report(argc, argv);
  shmconf::bench::run(report);
  return 0;
}
