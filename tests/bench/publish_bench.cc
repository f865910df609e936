// What one publish costs: compare, build, rename, store and wake, on tmpfs.
#include <benchmark/benchmark.h>

#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "shm/publisher.h"

namespace shmconf::shm {
namespace {

using fakes::StampedContent;

constexpr int kValueBytes = 100;

struct Target {
  harness::TempDirectory directory{"/dev/shm"};
  Segment segment =
      Segment::attach(env::Env::posix(), {.root = directory.path(), .name = "bench", .group = {}}).value();
  Publisher publisher = Publisher::attach(env::Env::posix(), segment, format::Role::kWatch).value();

  Outcome publish(StampedContent& content) {
    std::uint64_t noted = publisher.note();
    return publisher.publish(content.content(), noted, {}, nullptr).value();
  }
};

// Every key changes each time.
void BM_PublishChanged(benchmark::State& state) {
  Target target;
  StampedContent odd(1, static_cast<int>(state.range(0)), kValueBytes);
  StampedContent even(2, static_cast<int>(state.range(0)), kValueBytes);
  bool turn = false;
  for (auto _ : state) {
    turn = !turn;
    if (target.publish(turn ? odd : even) != Outcome::kPublished) state.SkipWithError("not published");
  }
  state.counters["snapshot_bytes"] = static_cast<double>(target.publisher.current()->bytes().size());
}
BENCHMARK(BM_PublishChanged)->Arg(100)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

// Consul answered, and nothing differs.
void BM_PublishUnchanged(benchmark::State& state) {
  Target target;
  StampedContent same(1, static_cast<int>(state.range(0)), kValueBytes);
  target.publish(same);
  for (auto _ : state) {
    if (target.publish(same) != Outcome::kUnchanged) state.SkipWithError("not unchanged");
  }
}
BENCHMARK(BM_PublishUnchanged)->Arg(100)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace shmconf::shm

BENCHMARK_MAIN();
