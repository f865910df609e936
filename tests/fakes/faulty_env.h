// FaultyEnv: the real environment, in which the Nth fallible operation fails, or kills the process.
//
// Counts only the operations that can fail (no clocks, no wakes). Not thread-safe.
#ifndef SHMCONF_TESTS_FAKES_FAULTY_ENV_H_
#define SHMCONF_TESTS_FAKES_FAULTY_ENV_H_

#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "env/env.h"

namespace shmconf::fakes {

class FaultyEnv : public env::Env {
 public:
  enum class Fault { kFail, kKill };

  // The operation numbered `at` (from 1) fails with errno_value, or kills this process before it is
  // done; 0: none does. With persistent, every later one fails too.
  void arm(int at, Fault fault, int errno_value = 5 /* EIO */, bool persistent = false) {
    count_ = 0;
    at_ = at;
    fault_ = fault;
    errno_value_ = errno_value;
    persistent_ = persistent;
    tripped_ = false;
  }
  void disarm() { at_ = 0; }
  // Whether the armed operation was reached.
  [[nodiscard]] bool tripped() const { return tripped_; }

  // Clocks that a test moves: added to the real ones.
  std::chrono::nanoseconds wall_shift{0};
  std::chrono::nanoseconds boottime_shift{0};

  std::chrono::nanoseconds wall_now() override { return real_.wall_now() + wall_shift; }
  std::chrono::nanoseconds boottime_now() override { return real_.boottime_now() + boottime_shift; }
  void sleep_for(std::chrono::nanoseconds duration) override { boottime_shift += duration; }
  void yield() override { real_.yield(); }
  Result<std::string> boot_id() override { return step("boot_id", [&] { return real_.boot_id(); }); }
  Result<env::Fd> open_directory(const std::string& path) override {
    return step("open_directory", [&] { return real_.open_directory(path); });
  }
  Result<env::Fd> open_directory_at(int dir, const std::string& name) override {
    return step("open_directory_at", [&] { return real_.open_directory_at(dir, name); });
  }
  Result<void> make_directory(const std::string& path, mode_t mode) override {
    return step("make_directory", [&] { return real_.make_directory(path, mode); });
  }
  Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) override {
    return step("make_directory_at", [&] { return real_.make_directory_at(dir, name, mode); });
  }
  Result<void> remove_directory_at(int dir, const std::string& name) override {
    return step("remove_directory_at", [&] { return real_.remove_directory_at(dir, name); });
  }
  Result<std::vector<std::string>> list(int dir) override {
    return step("list", [&] { return real_.list(dir); });
  }
  Result<std::uint64_t> free_bytes(int dir) override {
    return step("free_bytes", [&] { return real_.free_bytes(dir); });
  }
  Result<env::Fd> open_at(int dir, const std::string& name, int flags, mode_t mode) override {
    return step("open_at " + name, [&] { return real_.open_at(dir, name, flags, mode); });
  }
  Result<env::FileInfo> info(int fd) override {
    return step("info", [&] { return real_.info(fd); });
  }
  Result<env::FileInfo> info_at(int dir, const std::string& name) override {
    return step("info_at", [&] { return real_.info_at(dir, name); });
  }
  Result<void> allocate(int fd, std::uint64_t bytes) override {
    return step("allocate", [&] { return real_.allocate(fd, bytes); });
  }
  Result<void> truncate(int fd, std::uint64_t bytes) override {
    return step("truncate", [&] { return real_.truncate(fd, bytes); });
  }
  Result<void> write_all(int fd, std::span<const std::byte> bytes) override {
    return step("write_all", [&] { return real_.write_all(fd, bytes); });
  }
  Result<std::vector<std::byte>> read_all(int fd, std::uint64_t limit_bytes) override {
    return step("read_all", [&] { return real_.read_all(fd, limit_bytes); });
  }
  Result<void> read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes) override {
    return step("read_at", [&] { return real_.read_at(fd, offset, bytes); });
  }
  Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes) override {
    return step("write_at", [&] { return real_.write_at(fd, offset, bytes); });
  }
  Result<void> set_mode(int fd, mode_t mode) override {
    return step("set_mode", [&] { return real_.set_mode(fd, mode); });
  }
  Result<void> set_group(int fd, gid_t group) override {
    return step("set_group", [&] { return real_.set_group(fd, group); });
  }
  Result<void> sync(int fd) override {
    return step("sync", [&] { return real_.sync(fd); });
  }
  Result<void> rename_at(int dir, const std::string& from, const std::string& to) override {
    return step("rename_at", [&] { return real_.rename_at(dir, from, to); });
  }
  Result<void> unlink_at(int dir, const std::string& name) override {
    return step("unlink_at " + name, [&] { return real_.unlink_at(dir, name); });
  }
  Result<void> before_map(std::uint64_t bytes) override {
    return step("map", [&] { return real_.before_map(bytes); });
  }
  Result<void> collapse(std::span<std::byte> bytes) override {
    return step("collapse", [&] { return real_.collapse(bytes); });
  }
  Result<void> lock_byte(int fd, std::uint64_t offset) override {
    return step("lock_byte", [&] { return real_.lock_byte(fd, offset); });
  }
  Result<bool> try_lock_byte(int fd, std::uint64_t offset) override {
    return step("try_lock_byte", [&] { return real_.try_lock_byte(fd, offset); });
  }
  void unlock_byte(int fd, std::uint64_t offset) override { real_.unlock_byte(fd, offset); }
  void wake_all(std::atomic<std::uint64_t>& word) override {
    // A kill may also come between a publisher's stores and its wake.
    static_cast<void>(step("wake_all", [] { return Result<void>(); }));
    real_.wake_all(word);
  }

  // The operation that failed, for a test's message.
  [[nodiscard]] const std::string& failed() const { return failed_; }

 private:
  template <typename Call>
  auto step(const std::string& operation, Call call) -> decltype(call()) {
    ++count_;
    if (at_ != 0 && (count_ == at_ || (persistent_ && count_ > at_))) {
      tripped_ = true;
      failed_ = operation;
      if (fault_ == Fault::kKill) ::kill(::getpid(), SIGKILL);
      return env::system_error(errno_value_, operation, "injected");
    }
    return call();
  }

  env::Env& real_ = env::Env::posix();
  int count_ = 0;
  int at_ = 0;
  Fault fault_ = Fault::kFail;
  int errno_value_ = 5;
  bool persistent_ = false;
  bool tripped_ = false;
  std::string failed_;
};

}  // namespace shmconf::fakes

#endif  // SHMCONF_TESTS_FAKES_FAULTY_ENV_H_
