// Report: what a benchmark program prints. Each measure is a line on standard output; with
// --rows FILE it is also appended to FILE as a row of the Markdown table that tests/bench/run.sh
// prints, and with --points FILE a point of a plot. Not thread-safe.
#ifndef SHMCONF_TESTS_BENCH_REPORT_H_
#define SHMCONF_TESTS_BENCH_REPORT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace shmconf::bench {

// Of several runs or samples.
struct Spread {
  double median = 0;
  double p99 = 0;
};
Spread spread_of(std::vector<double> samples);
// share in [0, 1] of the samples are not above it.
double percentile(std::vector<double> samples, double share);

// What a measure should reach. A program prints whether it does, and asserts nothing.
struct Bar {
  enum class Of : unsigned char { kRatio, kDifference, kOurs };
  Of of = Of::kRatio;  // ours / peer, ours - peer, or ours alone
  double limit = 0;
  bool at_least = false;
};

struct Measure {
  std::string what;
  std::string unit;  // of ours and the peer's
  Spread ours;
  std::string peer_name = {};
  std::optional<Spread> peer = {};
  std::optional<Bar> bar = {};
  bool p99_counts = false;  // the bar is about the p99, not the median
};

class Report {
 public:
  // Takes --rows FILE and --points FILE out of the arguments.
  Report(int& argc, char** argv);

  void add(const Measure& measure);
  void add_point(const std::string& series, std::size_t keys, double value);

 private:
  std::string rows_file_;
  std::string points_file_;
};

// Takes `flag VALUE` out of the arguments; otherwise when it is not there.
std::string take_flag(int& argc, char** argv, const std::string& flag, const std::string& otherwise);
long take_number(int& argc, char** argv, const std::string& flag, long otherwise);

}  // namespace shmconf::bench

#endif  // SHMCONF_TESTS_BENCH_REPORT_H_
