// The environment of the sidecar under chaos: the real one, with a wall clock that chaos moves.
//
// The linker puts __wrap_ functions in the place of the ones that they are named after (--wrap), so
// this program is the product itself, object for object, but for what Env::posix() answers.
#include <cstdlib>

#include "env/env.h"
#include "fault/chaos/clock.h"

extern "C" {
shmconf::env::Env& __real__ZN7shmconf3env3Env5posixEv();  // NOLINT: the linker's names
shmconf::env::Env& __wrap__ZN7shmconf3env3Env5posixEv();
}

namespace shmconf::chaos {
namespace {

using env::Env;
using env::Fd;
using env::FileInfo;
using std::chrono::nanoseconds;

class DriftingEnv final : public Env {
 public:
  DriftingEnv(Env& real, const char* clock) : real_(real), clock_(clock) {}

  nanoseconds wall_now() override { return real_.wall_now() + clock_.offset(); }

  nanoseconds boottime_now() override { return real_.boottime_now(); }
  void sleep_for(nanoseconds duration) override { real_.sleep_for(duration); }
  void yield() override { real_.yield(); }
  Result<std::string> boot_id() override { return real_.boot_id(); }
  Result<Fd> open_directory(const std::string& path) override { return real_.open_directory(path); }
  Result<Fd> open_directory_at(int dir, const std::string& name) override { return real_.open_directory_at(dir, name); }
  Result<void> make_directory(const std::string& path, mode_t mode) override {
    return real_.make_directory(path, mode);
  }
  Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) override {
    return real_.make_directory_at(dir, name, mode);
  }
  Result<void> remove_directory_at(int dir, const std::string& name) override {
    return real_.remove_directory_at(dir, name);
  }
  Result<std::vector<std::string>> list(int dir) override { return real_.list(dir); }
  Result<std::uint64_t> free_bytes(int dir) override { return real_.free_bytes(dir); }
  Result<Fd> open_at(int dir, const std::string& name, int flags, mode_t mode) override {
    return real_.open_at(dir, name, flags, mode);
  }
  Result<FileInfo> info(int fd) override { return real_.info(fd); }
  Result<FileInfo> info_at(int dir, const std::string& name) override { return real_.info_at(dir, name); }
  Result<void> allocate(int fd, std::uint64_t bytes) override { return real_.allocate(fd, bytes); }
  Result<void> truncate(int fd, std::uint64_t bytes) override { return real_.truncate(fd, bytes); }
  Result<void> write_all(int fd, std::span<const std::byte> bytes) override { return real_.write_all(fd, bytes); }
  Result<std::vector<std::byte>> read_all(int fd, std::uint64_t limit_bytes) override {
    return real_.read_all(fd, limit_bytes);
  }
  Result<void> read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes) override {
    return real_.read_at(fd, offset, bytes);
  }
  Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes) override {
    return real_.write_at(fd, offset, bytes);
  }
  Result<void> set_mode(int fd, mode_t mode) override { return real_.set_mode(fd, mode); }
  Result<void> set_group(int fd, gid_t group) override { return real_.set_group(fd, group); }
  Result<void> sync(int fd) override { return real_.sync(fd); }
  Result<void> rename_at(int dir, const std::string& from, const std::string& to) override {
    return real_.rename_at(dir, from, to);
  }
  Result<void> unlink_at(int dir, const std::string& name) override { return real_.unlink_at(dir, name); }
  Result<void> before_map(std::uint64_t bytes) override { return real_.before_map(bytes); }
  Result<void> collapse(std::span<std::byte> bytes) override { return real_.collapse(bytes); }
  Result<void> lock_byte(int fd, std::uint64_t offset) override { return real_.lock_byte(fd, offset); }
  Result<bool> try_lock_byte(int fd, std::uint64_t offset) override { return real_.try_lock_byte(fd, offset); }
  void unlock_byte(int fd, std::uint64_t offset) override { real_.unlock_byte(fd, offset); }
  void wake_all(std::atomic<std::uint64_t>& word) override { real_.wake_all(word); }

 private:
  Env& real_;
  const Clock clock_;
};

}  // namespace
}  // namespace shmconf::chaos

shmconf::env::Env& __wrap__ZN7shmconf3env3Env5posixEv() {
  shmconf::env::Env& real = __real__ZN7shmconf3env3Env5posixEv();
  const char* clock = std::getenv(shmconf::chaos::kClockVariable);
  if (clock == nullptr) return real;
  static shmconf::chaos::DriftingEnv drifting(real, clock);
  return drifting;
}
