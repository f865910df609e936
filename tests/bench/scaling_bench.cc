// How reading scales over two threads, and over two processes, beside a loop that touches nothing but
// registers. Command:
//   scaling_bench [--rows FILE]
//
// Each figure is what two workers do together, over twice what one does alone.
#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "bench/published.h"
#include "bench/report.h"

namespace shmconf::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Short and many: a shared machine changes its speed between the slice of one worker and that of two.
constexpr std::chrono::milliseconds kSlice{20};
constexpr int kRuns = 61;
constexpr int kBatch = 1'000;       // operations between two looks at the clock
constexpr int kWarmingUp = 20'000;  // operations: every page touched, every key read

// Shared with forked workers.
struct Board {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::atomic<std::uint64_t> operations{0};
};

template <class Operation>
void work(Board& board, Operation operation) {
  for (int i = 0; i < kWarmingUp; ++i) operation();
  ++board.ready;
  while (!board.go.load(std::memory_order_acquire)) ::usleep(100);
  std::uint64_t done = 0;
  for (const auto end = Clock::now() + kSlice; Clock::now() < end; done += kBatch) {
    for (int i = 0; i < kBatch; ++i) operation();
  }
  board.operations += done;
}

auto reading(const Published& published) {
  return [reader = published.open(), &names = published.dataset().hits(), at = std::size_t{0}]() mutable {
    benchmark::DoNotOptimize(reader.get(names[at]));
    if (++at == names.size()) at = 0;
  };
}

auto registers() {
  return [state = std::uint64_t{1}]() mutable {
    state = state * 6364136223846793005u + 1442695040888963407u;
    benchmark::DoNotOptimize(state);
  };
}

class SharedBoard {
 public:
  SharedBoard()
      : board_(new(::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Board) {}
  ~SharedBoard() { ::munmap(board_, sizeof(Board)); }
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  Board& operator*() { return *board_; }

 private:
  Board* board_;
};

void release(Board& board, int workers) {
  while (board.ready.load() < workers) ::usleep(100);
  board.go.store(true, std::memory_order_release);
}

template <class Make>
double by_threads(int workers, Make make) {
  Board board;
  std::vector<std::thread> threads;
  for (int i = 0; i < workers; ++i) threads.emplace_back([&] { work(board, make()); });
  release(board, workers);
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(board.operations.load());
}

template <class Make>
double by_processes(int workers, Make make) {
  SharedBoard board;
  std::vector<pid_t> processes;
  for (int i = 0; i < workers; ++i) {
    processes.push_back(::fork());
    if (processes.back() == 0) {
      work(*board, make());
      ::_exit(0);
    }
  }
  release(*board, workers);
  for (const pid_t process : processes) ::waitpid(process, nullptr, 0);
  return static_cast<double>((*board).operations.load());
}

void run(Report& report) {
  const Published published(Dataset::of(10'000));
  const auto make_reading = [&] { return reading(published); };
  const auto make_registers = [] { return registers(); };
  const auto scaling = [](auto run_workers, auto make) { return run_workers(2, make) / (2 * run_workers(1, make)); };
  const auto compare = [&](const std::string& what, auto run_workers) {
    std::vector<double> ours, plain;
    for (int i = 0; i < kRuns; ++i) {
      ours.push_back(scaling(run_workers, make_reading));
      plain.push_back(scaling(run_workers, make_registers));
    }
    report.add({.what = what,
                .unit = "of twice one",
                .ours = spread_of(ours),
                .peer_name = "register loop",
                .peer = spread_of(plain),
                .bar = Bar{.limit = 0.95, .at_least = true}});
  };
  compare("two threads reading, 10k keys", [](int workers, auto make) { return by_threads(workers, make); });
  compare("two processes reading, 10k keys", [](int workers, auto make) { return by_processes(workers, make); });
}

}  // namespace
}  // namespace shmconf::bench

int main(int argc, char** argv) {
  shmconf::bench::Report report(argc, argv);
  shmconf::bench::run(report);
  return 0;
}
