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
#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace shmconf::heartbeat {
namespace {

// How long the thread may sleep: nobody can wake it any more once the page's file has been cut short,
// and whoever destroys the watch waits for it. Each waking costs, so it is no oftener than a stamp.
constexpr timespec kLongestSleep{.tv_sec = 5, .tv_nsec = 0};

// The generation word now; none where the file has become shorter than that. Out of the file, for the
// map is SIGBUS then. A word that moves while it is copied may be half of either: one change too many.
std::optional<std::uint64_t> read_generation(int file) {
  std::uint64_t word = 0;
  ssize_t count = 0;
  do {
    count = ::pread(file, &word, sizeof word, offsetof(format::ControlPage, generation));
  } while (count < 0 && errno == EINTR);
  if (count != static_cast<ssize_t>(sizeof word)) return std::nullopt;
  return word;
}

}  // namespace

Result<std::unique_ptr<GenerationWatch>> GenerationWatch::start(env::Env& env, int directory,
                                                                std::function<void()> changed) {
  auto file = env.open_at(directory, format::kControlFile, O_RDONLY);
  if (!file) return std::move(file).error();
  const auto seen = read_generation(file->get());
  if (!seen) return Error{ErrorCode::kDamaged, "the control page is cut short: it is made anew"};
  void* page = ::mmap(nullptr, sizeof(format::ControlPage), PROT_READ, MAP_SHARED, file->get(), 0);
  if (page == MAP_FAILED) return env::system_error(errno, "map", format::kControlFile);
  std::unique_ptr<GenerationWatch> watch(new GenerationWatch(std::move(*file), page, *seen, std::move(changed)));
  if (auto started = watch->start_thread(); !started) return std::move(started).error();
  return watch;
}

GenerationWatch::GenerationWatch(env::Fd file, void* page, std::uint64_t seen, std::function<void()> changed)
    : file_(std::move(file)), page_(page), changed_(std::move(changed)), seen_(seen) {}

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
  // A wake is lost when the thread is just about to sleep, so it is repeated until it has worked; or,
  // as the kernel finds nobody behind a map's end, until the thread's sleep is over.
  while (thread_.joinable() && !done_.load()) {
    futex(FUTEX_WAKE, INT_MAX);
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  if (thread_.joinable()) thread_.join();
  ::munmap(page_, sizeof(format::ControlPage));
}

// The futex is the low half of the generation word: its first half, as the format is little-endian.
// Not FUTEX_PRIVATE: publishers are other processes. A wake has no use for the time.
long GenerationWatch::futex(int operation, std::uint32_t value) const {
  const auto* word = &static_cast<const format::ControlPage*>(page_)->generation;
  return ::syscall(SYS_futex, reinterpret_cast<const std::uint32_t*>(word), operation, value, &kLongestSleep, nullptr,
                   0);
}

void GenerationWatch::watch() {
  while (!stopping_.load()) {
    const auto now = read_generation(file_.get());
    if (now != seen_) {
      seen_ = now.value_or(format::kRetired);
      changed_();
    }
    if (seen_ == format::kRetired) break;
    futex(FUTEX_WAIT, static_cast<std::uint32_t>(seen_));
  }
  done_.store(true);
}

}  // namespace shmconf::heartbeat
