// The sidecar's wall clock, as chaos moves it: a number of nanoseconds in a shared file, which
// drifting_env.cc adds to the real time. Thread-safe; the file lives as long as the object of the
// process that made it.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_CLOCK_H_
#define SHMCONF_TESTS_FAULT_CHAOS_CLOCK_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace shmconf::chaos {

// Where the sidecar finds the path of the file.
inline constexpr const char* kClockVariable = "CHAOS_CLOCK";

class Clock {
 public:
  // Makes the file where it is not there. Ends the program when that cannot be done.
  explicit Clock(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void* map = MAP_FAILED;
    if (fd >= 0 && ::ftruncate(fd, sizeof(Offset)) == 0) {
      map = ::mmap(nullptr, sizeof(Offset), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (map == MAP_FAILED) {
      std::perror(path.c_str());
      std::abort();
    }
    ::close(fd);
    offset_ = static_cast<Offset*>(map);
  }
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  ~Clock() { ::munmap(offset_, sizeof(Offset)); }

  void move_by(std::chrono::nanoseconds shift) { offset_->fetch_add(shift.count(), std::memory_order_relaxed); }
  [[nodiscard]] std::chrono::nanoseconds offset() const {
    return std::chrono::nanoseconds(offset_->load(std::memory_order_relaxed));
  }

 private:
  using Offset = std::atomic<std::int64_t>;
  static_assert(Offset::is_always_lock_free);
  Offset* offset_;
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_CLOCK_H_
