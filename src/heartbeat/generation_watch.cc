#include "heartbeat/generation_watch.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <ctime>
#include <string>
#include <system_error>
#include <utility>

namespace shmconf::heartbeat {
namespace {

// How long the thread may sleep: nobody can wake it any more once the page's file has been cut short.
constexpr timespec kLongestSleep{.tv_sec = 5, .tv_nsec = 0};

// The futex is the low half of the generation word: its first half, as the format is little-endian.
// Not FUTEX_PRIVATE: publishers are other processes.
long futex(const std::atomic<std::uint64_t>& word, int operation, std::uint32_t value,
           const timespec* timeout = nullptr) {
  return ::syscall(SYS_futex, reinterpret_cast<const std::uint32_t*>(&word), operation, value, timeout, nullptr, 0);
}

}  // namespace

Result<std::unique_ptr<GenerationWatch>> GenerationWatch::start(env::Env& env, int directory,
                                                                std::function<void()> changed) {
  auto file = env.open_at(directory, format::kControlFile, O_RDONLY);
  if (!file) return std::move(file).error();
  auto info = env.info(file->get());
  if (!info) return std::move(info).error();
  if (info->size_bytes < sizeof(format::ControlPage)) {
    return Error{ErrorCode::kDamaged, "the control page is cut short: it is made anew"};
  }
  void* page = ::mmap(nullptr, sizeof(format::ControlPage), PROT_READ, MAP_SHARED, file->get(), 0);
  if (page == MAP_FAILED) return env::system_error(errno, "map", format::kControlFile);
  std::unique_ptr<GenerationWatch> watch(new GenerationWatch(page, std::move(changed)));
  if (auto started = watch->start_thread(); !started) return std::move(started).error();
  return watch;
}

GenerationWatch::GenerationWatch(void* page, std::function<void()> changed)
    : page_(page), changed_(std::move(changed)), seen_(generation().load(std::memory_order_acquire)) {}

Result<void> GenerationWatch::start_thread() {
  // Signals are the main thread's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<void> started;
  try {
    thread_ = std::thread([this] { watch(); });
  } catch (const std::system_error& error) {
    started = Error{ErrorCode::kSystem, std::string("start a thread: ") + error.code().message() +
                                            "; free memory, or raise the limits (ulimit -u, TasksMax=, MemoryMax=)"};
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

GenerationWatch::~GenerationWatch() {
  stopping_.store(true);
  // A wake is lost when the thread is just about to sleep, so it is repeated until it has worked.
  while (thread_.joinable() && !done_.load()) {
    futex(generation(), FUTEX_WAKE, INT_MAX);
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  if (thread_.joinable()) thread_.join();
  ::munmap(page_, sizeof(format::ControlPage));
}

const std::atomic<std::uint64_t>& GenerationWatch::generation() const {
  return static_cast<const format::ControlPage*>(page_)->generation;
}

void GenerationWatch::watch() {
  while (!stopping_.load()) {
    // Pairs with the publisher's release store.
    const std::uint64_t now = generation().load(std::memory_order_acquire);
    if (now != seen_) {
      seen_ = now;
      changed_();
    }
    if (now == format::kRetired) break;
    futex(generation(), FUTEX_WAIT, static_cast<std::uint32_t>(now), &kLongestSleep);
  }
  done_.store(true);
}

}  // namespace shmconf::heartbeat
