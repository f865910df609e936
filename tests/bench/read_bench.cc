// What a read costs, beside what it would cost in everything that a service would read its
// configuration from instead. Command:
//   read_bench [--rows FILE] [--points FILE] [Google Benchmark's flags]
//
// Every measure runs several times, interleaved at random with the others, on one data set; ours in a
// segment that a real publisher made in a tmpfs. Times are of the processor where nothing waits, so
// they stay right on a machine with other work; of the wall where another process answers.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/dataset.h"
#include "bench/peers.h"
#include "bench/published.h"
#include "bench/report.h"

namespace shmconf::bench {
namespace {

constexpr int kRepetitions = 35;

class Ours {
 public:
  static constexpr char kName[] = "shmconf";
  explicit Ours(const Dataset& dataset) : published_(dataset) {}
  std::optional<std::string_view> get(const std::string& key) const { return published_.reader().get(key); }
  [[nodiscard]] const Reader& reader() const { return published_.reader(); }

 private:
  Published published_;
};

template <class Store>
Store& holding(std::size_t keys) {
  static std::map<std::size_t, std::unique_ptr<Store>> made;
  auto& store = made[keys];
  if (!store) store = std::make_unique<Store>(Dataset::of(keys));
  return *store;
}

template <class Store>
void ask(benchmark::State& state, Store& store, const std::vector<std::string>& names, bool present) {
  // Goes on where the last repetition ended, so that none finds what another one left in the caches.
  static std::map<const void*, std::size_t> ends;
  std::size_t& end = ends[&names];
  std::size_t at = end;
  for (auto _ : state) {
    const auto value = store.get(names[at]);
    if (value.has_value() != present) {
      state.SkipWithError("a wrong answer");
      break;
    }
    benchmark::DoNotOptimize(value);
    if (++at == names.size()) at = 0;
  }
  end = at;
}

template <class Store>
void hit(benchmark::State& state) {
  const auto keys = static_cast<std::size_t>(state.range(0));
  ask(state, holding<Store>(keys), Dataset::of(keys).hits(), true);
}

template <class Store>
void miss(benchmark::State& state) {
  const auto keys = static_cast<std::size_t>(state.range(0));
  ask(state, holding<Store>(keys), Dataset::of(keys).misses(), false);
}

void value_int(benchmark::State& state) {
  const Value<int> value = holding<Ours>(1'000).reader().value<int>(Dataset::of(1'000).keys()[0], 0);
  for (auto _ : state) benchmark::DoNotOptimize(value.get());
}

void acquire_load(benchmark::State& state) {
  std::atomic<std::uint64_t> word = 6379;
  benchmark::DoNotOptimize(&word);
  for (auto _ : state) benchmark::DoNotOptimize(word.load(std::memory_order_acquire));
}

void scan_prefix(benchmark::State& state) {
  const auto keys = static_cast<std::size_t>(state.range(0));
  const auto& names = Dataset::of(keys).hits();
  const Reader& reader = holding<Ours>(keys).reader();
  std::size_t at = 0;
  for (auto _ : state) {
    std::size_t bytes = 0;
    for (const Entry& entry : reader.prefix(directory_of(names[at]))) bytes += entry.value.size();
    benchmark::DoNotOptimize(bytes);
    if (++at == names.size()) at = 0;
  }
}

// Keeps the time of every repetition; shows nothing meanwhile.
class Times : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      if (run.error_occurred) std::fprintf(stderr, "%s: %s\n", run.benchmark_name().c_str(), run.error_message.c_str());
      std::string name = run.run_name.function_name;
      if (!run.run_name.args.empty()) name += "/" + run.run_name.args;
      const bool waits = run.run_name.time_type == "real_time";
      times_[name].push_back(waits ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime());
    }
  }

  [[nodiscard]] bool has(const std::string& name) const { return times_.contains(name); }
  [[nodiscard]] Spread of(const std::string& name) const { return spread_of(times_.at(name)); }

 private:
  std::map<std::string, std::vector<double>> times_;
};

std::string in_words(std::size_t keys) {
  return keys % 1'000'000 == 0 ? std::to_string(keys / 1'000'000) + "M keys"
         : keys % 1'000 == 0   ? std::to_string(keys / 1'000) + "k keys"
                               : std::to_string(keys) + " keys";
}

struct Comparison {
  std::string what;
  std::string ours;  // names of benchmarks, without the number of keys
  std::string peer;
  std::string peer_name;
  std::size_t keys;
  std::optional<Bar> bar;
};

std::vector<Comparison> comparisons;

template <class Store>
void against(std::size_t keys, std::optional<Bar> bar, bool misses = false) {
  const std::string kind = misses ? "miss" : "hit";
  comparisons.push_back({"random " + kind + ", " + in_words(keys), kind + "/" + Ours::kName, kind + "/" + Store::kName,
                         Store::kName, keys, bar});
}

template <class Store>
benchmark::internal::Benchmark* measure(const char* kind, void (*function)(benchmark::State&),
                                        const std::vector<std::size_t>& sizes) {
  auto* const each = benchmark::RegisterBenchmark((std::string(kind) + "/" + Store::kName).c_str(), function);
  for (const std::size_t keys : sizes) each->Arg(static_cast<std::int64_t>(keys));
  return each->MinTime(0.01)->Repetitions(kRepetitions);
}

constexpr std::size_t kSizes[] = {100, 1'000, 10'000, 100'000};
constexpr std::size_t kMillion = 1'000'000;

void register_all() {
  const std::vector<std::size_t> sizes(std::begin(kSizes), std::end(kSizes));
  std::vector<std::size_t> and_a_million = sizes;
  and_a_million.push_back(kMillion);

  measure<Ours>("hit", hit<Ours>, and_a_million);
  measure<UnorderedMap>("hit", hit<UnorderedMap>, and_a_million);
  measure<FlatHashMap>("hit", hit<FlatHashMap>, sizes);
  measure<Lmdb>("hit", hit<Lmdb>, sizes);
  measure<InterprocessMap>("hit", hit<InterprocessMap>, {10'000});
  measure<JsonFile>("hit", hit<JsonFile>, {100, 10'000})->UseRealTime();
  measure<Redis>("hit", hit<Redis>, {10'000})->UseRealTime();
  measure<Consul>("hit", hit<Consul>, {1'000})->UseRealTime();
  measure<Ours>("miss", miss<Ours>, sizes);
  measure<FlatHashMap>("miss", miss<FlatHashMap>, sizes);
  for (auto* each : {benchmark::RegisterBenchmark("value_int", value_int),
                     benchmark::RegisterBenchmark("acquire_load", acquire_load),
                     benchmark::RegisterBenchmark("scan_prefix", scan_prefix)->Arg(100'000)}) {
    each->MinTime(0.01)->Repetitions(kRepetitions);
  }

  for (const std::size_t keys : kSizes) against<UnorderedMap>(keys, Bar{.limit = 0.6});
  against<UnorderedMap>(kMillion, Bar{.limit = 0.8});
  for (const std::size_t keys : kSizes) against<FlatHashMap>(keys, Bar{.limit = keys >= 10'000 ? 0.8 : 1.0});
  for (const std::size_t keys : kSizes) against<FlatHashMap>(keys, Bar{.limit = 1.3}, true);
  for (const std::size_t keys : kSizes) against<Lmdb>(keys, Bar{.limit = 1.0 / 6});
  against<InterprocessMap>(10'000, {});
  against<JsonFile>(100, {});
  against<JsonFile>(10'000, {});
  against<Redis>(10'000, {});
  against<Consul>(1'000, {});
}

void report_all(const Times& times, Report& report) {
  for (const Comparison& each : comparisons) {
    const std::string keys = "/" + std::to_string(each.keys);
    if (!times.has(each.ours + keys) || !times.has(each.peer + keys)) continue;
    report.add({.what = each.what,
                .unit = "ns",
                .ours = times.of(each.ours + keys),
                .peer_name = each.peer_name,
                .peer = times.of(each.peer + keys),
                .bar = each.bar});
  }
  const auto add_alone = [&](const std::string& what, const std::string& name, double limit) {
    if (!times.has(name)) return;
    report.add({.what = what, .unit = "ns", .ours = times.of(name), .bar = Bar{Bar::Of::kOurs, limit}});
  };
  add_alone("`Value<int>`, unchanged generation", "value_int", 1.0);
  if (times.has("value_int") && times.has("acquire_load")) {
    report.add({.what = "the same",
                .unit = "ns",
                .ours = times.of("value_int"),
                .peer_name = "acquire load",
                .peer = times.of("acquire_load"),
                .bar = Bar{.limit = 3}});
  }
  add_alone("prefix scan of 100 keys out of 100k", "scan_prefix/100000", 2'000 + 20 * kDirectoryKeys);

  for (const char* store : {Ours::kName, UnorderedMap::kName, FlatHashMap::kName, Lmdb::kName}) {
    for (const std::size_t keys : kSizes) {
      const std::string name = std::string("hit/") + store + "/" + std::to_string(keys);
      if (times.has(name)) report.add_point(store, keys, times.of(name).median);
    }
  }
}

}  // namespace
}  // namespace shmconf::bench

int main(int argc, char** argv) {
  shmconf::bench::Report report(argc, argv);
  std::vector<char*> arguments(argv, argv + argc);
  std::string interleaved = "--benchmark_enable_random_interleaving=true";
  arguments.insert(arguments.begin() + 1, interleaved.data());
  arguments.push_back(nullptr);
  int count = static_cast<int>(arguments.size()) - 1;
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  shmconf::bench::register_all();
  shmconf::bench::Times times;
  benchmark::RunSpecifiedBenchmarks(&times);
  shmconf::bench::report_all(times, report);
  return 0;
}
