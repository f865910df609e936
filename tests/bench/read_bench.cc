// What a read costs, beside what it would cost in the process's own memory. Command:
//   read_bench [Google Benchmark's flags]
//
// Every measure runs several times, interleaved at random with the others, on a segment that a real
// publisher made in a tmpfs. The table at the end has medians over the repetitions, and the ratio to
// the peer of the same run.
#include <benchmark/benchmark.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "env/env.h"
#include "shm/publisher.h"
#include "shm/segment.h"
#include "shmconf/reader.h"

namespace shmconf {
namespace {

constexpr std::size_t kValueBytes = 100;
constexpr std::size_t kScannedKeys = 100;

// key_count keys in directories of kScannedKeys each, published, and the same in an unordered_map.
class Fixture {
 public:
  explicit Fixture(std::size_t key_count) {
    for (std::size_t i = 0; i < key_count; ++i) {
      char key[64];  // 30 bytes of it
      std::snprintf(key, sizeof key, "config/%06zu/setting-%08zu", i / kScannedKeys, i);
      keys_.emplace_back(key);
      values_.push_back("value " + std::to_string(i) + std::string(kValueBytes, '.'));
      values_.back().resize(kValueBytes);
    }
    values_[0] = "6379";
    for (std::size_t i = 0; i < key_count; ++i) map_.emplace(keys_[i], values_[i]);
    // In the order of its lookups, so that both sides find the next key where they expect it.
    lookups_ = keys_;
    std::shuffle(lookups_.begin(), lookups_.end(), std::mt19937(1));

    root_ = "/dev/shm/shmconf-bench-XXXXXX";
    if (::mkdtemp(root_.data()) == nullptr) std::abort();
    auto& env = env::Env::posix();
    segment_ = std::make_unique<shm::Segment>(
        shm::Segment::attach(env, {.root = root_, .root_is_default = false, .name = "bench", .group = {}}).value());
    publisher_.emplace(shm::Publisher::attach(env, *segment_, format::Role::kWatch).value());
    publish();
    reader_.emplace(Reader::open("bench", {.directory = root_}).value());
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() {
    static_cast<void>(segment_->remove());
    std::filesystem::remove_all(root_);
  }

  static Fixture& of(std::size_t key_count) {
    static std::map<std::size_t, std::unique_ptr<Fixture>> made;
    auto& fixture = made[key_count];
    if (!fixture) fixture = std::make_unique<Fixture>(key_count);
    return *fixture;
  }

  // A new generation, in which one value differs from the one before.
  void publish() {
    values_.back() = std::to_string(++publishes_) + std::string(kValueBytes, '.');
    values_.back().resize(kValueBytes);
    shm::Content content;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      content.keys.push_back({.key = keys_[i], .value = values_[i], .modify_index = 1, .session = {}});
    }
    content.indexes = {publishes_};
    std::uint64_t noted = publisher_->note();
    const auto published = publisher_->publish(content, noted, {}, {});
    if (!published) {
      std::fprintf(stderr, "cannot publish: %s\n", published.error().text.c_str());
      std::exit(1);
    }
  }

  void prepare_next() { publisher_->prepare_next(); }

  [[nodiscard]] const Reader& reader() const { return *reader_; }
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  [[nodiscard]] const std::vector<std::string>& lookups() const { return lookups_; }
  [[nodiscard]] const std::unordered_map<std::string, std::string>& map() const { return map_; }

 private:
  std::vector<std::string> keys_;
  std::vector<std::string> values_;
  std::vector<std::string> lookups_;
  std::unordered_map<std::string, std::string> map_;
  std::string root_;
  std::unique_ptr<shm::Segment> segment_;
  std::optional<shm::Publisher> publisher_;
  std::optional<Reader> reader_;
  std::uint64_t publishes_ = 0;
};

void get(benchmark::State& state) {
  const Fixture& fixture = Fixture::of(static_cast<std::size_t>(state.range(0)));
  const auto& lookups = fixture.lookups();
  const Reader& reader = fixture.reader();
  std::size_t at = 0;
  for (auto _ : state) {
    const auto value = reader.get(lookups[at]);
    benchmark::DoNotOptimize(value->data());
    if (++at == lookups.size()) at = 0;
  }
}

void get_from_unordered_map(benchmark::State& state) {
  const Fixture& fixture = Fixture::of(static_cast<std::size_t>(state.range(0)));
  const auto& lookups = fixture.lookups();
  const auto& map = fixture.map();
  std::size_t at = 0;
  for (auto _ : state) {
    const auto found = map.find(lookups[at]);
    benchmark::DoNotOptimize(found->second.data());
    if (++at == lookups.size()) at = 0;
  }
}

void value_int(benchmark::State& state) {
  const Fixture& fixture = Fixture::of(1'000);
  const Value<int> value = fixture.reader().value<int>(fixture.keys()[0], 0);
  for (auto _ : state) benchmark::DoNotOptimize(value.get());
}

void acquire_load(benchmark::State& state) {
  std::atomic<std::uint64_t> word = 6379;
  benchmark::DoNotOptimize(&word);
  for (auto _ : state) benchmark::DoNotOptimize(word.load(std::memory_order_acquire));
}

void get_int(benchmark::State& state) {
  const Fixture& fixture = Fixture::of(1'000);
  for (auto _ : state) benchmark::DoNotOptimize(fixture.reader().get<int>(fixture.keys()[0], 0));
}

void scan_prefix(benchmark::State& state) {
  const Fixture& fixture = Fixture::of(static_cast<std::size_t>(state.range(0)));
  const auto& lookups = fixture.lookups();
  std::size_t at = 0;
  for (auto _ : state) {
    std::size_t bytes = 0;
    const std::string_view directory = std::string_view(lookups[at]).substr(0, 14);
    for (const Entry& entry : fixture.reader().prefix(directory)) bytes += entry.value.size();
    benchmark::DoNotOptimize(bytes);
    if (++at == lookups.size()) at = 0;
  }
}

// A process that publishes a change of one key every 20 ms, until it is destroyed.
class ChangingProcess {
 public:
  explicit ChangingProcess(Fixture& fixture) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
      fixture.publish();
      fixture.prepare_next();
      ::usleep(20'000);
    }
  }
  ChangingProcess(const ChangingProcess&) = delete;
  ChangingProcess& operator=(const ChangingProcess&) = delete;
  ~ChangingProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

// Of this thread. The wall's would count the publisher's turn on a machine whose processors are busy.
double processor_seconds() {
  timespec time;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The first read behind a change, of a reader that reads all the time: range(1) different keys in
// turn, so that it has that much of the old generation mapped and to give back. Also the longest of
// the thousand reads behind that one.
void first_get_after_change(benchmark::State& state) {
  Fixture& fixture = Fixture::of(static_cast<std::size_t>(state.range(0)));
  const auto different_keys = static_cast<std::size_t>(state.range(1));
  const Reader reader = fixture.reader();
  const ChangingProcess changing(fixture);
  std::size_t at = 0;
  std::uint64_t generation = reader.generation();
  // Reads once; true when that one met the change.
  const auto read = [&](double& seconds) {
    const double start = processor_seconds();
    benchmark::DoNotOptimize(reader.get(fixture.lookups()[at])->front());
    const std::uint64_t seen = reader.generation();
    seconds = processor_seconds() - start;
    if (++at == different_keys) at = 0;
    return std::exchange(generation, seen) != seen;
  };
  std::vector<double> first;
  std::vector<double> longest;
  for (auto _ : state) {
    double seconds = 0;
    while (!read(seconds)) {
    }
    state.SetIterationTime(seconds);
    first.push_back(seconds);
    longest.push_back(0);
    for (int i = 0; i < 1'000 && !read(seconds); ++i) longest.back() = std::max(longest.back(), seconds);
  }
  const auto percentile = [](std::vector<double>& of, double share) {
    std::sort(of.begin(), of.end());
    return of[static_cast<std::size_t>(share * static_cast<double>(of.size() - 1))] * 1e6;
  };
  state.counters["p50_us"] = percentile(first, 0.5);
  state.counters["p90_us"] = percentile(first, 0.9);
  state.counters["longest_behind_p50_us"] = percentile(longest, 0.5);
}

constexpr int kRepetitions = 9;

BENCHMARK(get)->Arg(1'000)->Arg(10'000)->Arg(100'000)->MinTime(0.1)->Repetitions(kRepetitions);
BENCHMARK(get_from_unordered_map)->Arg(1'000)->Arg(10'000)->Arg(100'000)->MinTime(0.1)->Repetitions(kRepetitions);
BENCHMARK(value_int)->MinTime(0.05)->Repetitions(kRepetitions);
BENCHMARK(acquire_load)->MinTime(0.05)->Repetitions(kRepetitions);
BENCHMARK(get_int)->MinTime(0.05)->Repetitions(kRepetitions);
BENCHMARK(scan_prefix)->Arg(100'000)->MinTime(0.1)->Repetitions(kRepetitions);
BENCHMARK(first_get_after_change)
    ->Args({100'000, 1})
    ->Args({100'000, 100'000})
    ->UseManualTime()
    ->Iterations(50)
    ->Repetitions(5);

// Keeps every repetition's time, for the table; shows nothing meanwhile.
class Table : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override {
    PrintBasicContext(&GetErrorStream(), context);
    return true;
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      std::string name = run.run_name.function_name;
      if (!run.run_name.args.empty()) name += "/" + run.run_name.args;
      // The processor's time, since nothing here waits: it stays right on a machine with other work.
      const bool timed_by_hand = run.run_name.time_type == "manual_time";
      times_[name].push_back(timed_by_hand ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime());
      for (const auto& [counter, value] : run.counters) counters_[name + " " + counter].push_back(value);
    }
  }
  void Finalize() override {
    std::printf("%-46s %10s %10s %10s\n", "measure (ns)", "p10", "median", "p90");
    for (auto& [name, times] : times_) {
      std::printf("%-46s %10.2f %10.2f %10.2f\n", name.c_str(), at(times, 0.1), at(times, 0.5), at(times, 0.9));
    }
    for (auto& [name, values] : counters_) {
      std::printf("%-46s %10.2f %10.2f %10.2f\n", name.c_str(), at(values, 0.1), at(values, 0.5), at(values, 0.9));
    }
    std::printf("\n%-46s %10s\n", "ratio of medians", "");
    for (const char* keys : {"1000", "10000", "100000"}) {
      ratio(std::string("get/") + keys, std::string("get_from_unordered_map/") + keys);
    }
    ratio("value_int", "acquire_load");
  }

 private:
  static double at(std::vector<double>& values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
  }
  void ratio(const std::string& ours, const std::string& peer) {
    if (!times_.contains(ours) || !times_.contains(peer)) return;
    std::printf("%-46s %10.2f\n", (ours + " to " + peer).c_str(), at(times_[ours], 0.5) / at(times_[peer], 0.5));
  }

  std::map<std::string, std::vector<double>> times_;
  std::map<std::string, std::vector<double>> counters_;
};

}  // namespace
}  // namespace shmconf

int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string interleaved = "--benchmark_enable_random_interleaving=true";
  arguments.insert(arguments.begin() + 1, interleaved.data());
  arguments.push_back(nullptr);
  int count = static_cast<int>(arguments.size()) - 1;
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  shmconf::Table table;
  benchmark::RunSpecifiedBenchmarks(&table);
  return 0;
}
