// ModelDisk: a disk in memory that tells what may be left of it after a power cut.
//
// It promises no more than POSIX does. What was written to a file and not synced may be lost whole,
// be there up to any page, or be zeroes or garbage, while its size and name are there already. What was
// done to a directory and not synced may have reached the disk or not, each operation for itself. A
// sync that failed may have lost what it should have kept, and none after it brings that back.
//
// Holds directories and regular files, and only the operations that go with them; the others fail.
// Descriptors are real ones, of /dev/null. Not thread-safe.
#ifndef SHMCONF_TESTS_FAKES_MODEL_DISK_H_
#define SHMCONF_TESTS_FAKES_MODEL_DISK_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/env.h"

namespace shmconf::fakes {

class ModelDisk final : public env::Env {
 public:
  ModelDisk();  // an empty root directory

  // Every disk that a machine may find after the power fails now. All that is on it is durable.
  [[nodiscard]] std::vector<std::unique_ptr<ModelDisk>> after_power_cut() const;
  // Names and bytes of all that is there, for telling disks apart.
  [[nodiscard]] std::string fingerprint() const;

  // Called after each operation that changes something, and after each that failed.
  std::function<void()> after_step;

  // The operation numbered `at` (from 1, of those after this call) fails with errno_value; 0: none.
  // A write that fails has written its first half.
  void fail_at(int at, int errno_value);
  [[nodiscard]] bool failed() const { return at_ != 0 && count_ >= at_; }
  // The sync numbered `at` (from 1, of those after this call) succeeds and does nothing: a program
  // that forgot it. 0: none.
  void forget_sync_at(int at);
  [[nodiscard]] int syncs() const { return syncs_; }

  // Changes one byte of a file, also on the disk.
  void damage(const std::string& path);
  [[nodiscard]] bool exists(const std::string& path) const { return find(path) != kNone; }

  // Seconds since 1970; nothing here waits.
  std::chrono::nanoseconds wall_now() override { return std::chrono::seconds(1); }
  std::chrono::nanoseconds boottime_now() override { return std::chrono::seconds(1); }
  void sleep_for(std::chrono::nanoseconds) override {}
  void yield() override {}
  Result<std::string> boot_id() override { return no_such_operation("boot_id"); }
  Result<env::Fd> open_directory(const std::string& path) override;
  Result<env::Fd> open_directory_at(int, const std::string&) override { return no_such_operation("open_directory_at"); }
  Result<void> make_directory(const std::string& path, mode_t mode) override;
  Result<void> make_directory_at(int, const std::string&, mode_t) override {
    return no_such_operation("make_directory_at");
  }
  Result<void> remove_directory_at(int, const std::string&) override {
    return no_such_operation("remove_directory_at");
  }
  Result<std::vector<std::string>> list(int) override { return no_such_operation("list"); }
  Result<std::uint64_t> free_bytes(int) override { return no_such_operation("free_bytes"); }
  Result<env::Fd> open_at(int dir, const std::string& name, int flags, mode_t mode) override;
  Result<env::FileInfo> info(int fd) override;
  Result<env::FileInfo> info_at(int dir, const std::string& name) override;
  Result<void> allocate(int, std::uint64_t) override { return no_such_operation("allocate"); }
  Result<void> truncate(int, std::uint64_t) override { return no_such_operation("truncate"); }
  Result<void> write_all(int fd, std::span<const std::byte> bytes) override;
  Result<std::vector<std::byte>> read_all(int fd, std::uint64_t limit_bytes) override;
  Result<void> read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes) override;
  Result<void> write_at(int, std::uint64_t, std::span<const std::byte>) override {
    return no_such_operation("write_at");
  }
  Result<void> set_mode(int, mode_t) override { return no_such_operation("set_mode"); }
  Result<void> set_group(int, gid_t) override { return no_such_operation("set_group"); }
  Result<void> sync(int fd) override;
  Result<void> rename_at(int dir, const std::string& from, const std::string& to) override;
  Result<void> unlink_at(int dir, const std::string& name) override;
  Result<void> before_map(std::uint64_t) override { return no_such_operation("before_map"); }
  Result<void> collapse(std::span<std::byte>) override { return no_such_operation("collapse"); }
  Result<void> lock_byte(int, std::uint64_t) override { return no_such_operation("lock_byte"); }
  Result<bool> try_lock_byte(int, std::uint64_t) override { return no_such_operation("try_lock_byte"); }
  void unlock_byte(int, std::uint64_t) override {}
  void wake_all(std::atomic<std::uint64_t>&) override {}

 private:
  static constexpr std::size_t kRoot = 0;
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  using Bytes = std::vector<std::byte>;
  using Entries = std::map<std::string, std::size_t>;  // name: inode

  // One operation on a directory: the entry `from` goes, the entry `to` comes; either may be empty.
  struct Change {
    std::string from;
    std::string to;
    std::size_t inode = kNone;
  };
  struct Inode {
    bool is_directory = false;
    mode_t mode = 0;
    Bytes bytes;            // as programs read them
    Bytes durable_bytes;    // as they were at the last good sync
    bool dirty = false;     // bytes are more than durable_bytes
    bool lost = false;      // by a sync that failed: no later one helps
    Entries entries;
    Entries durable_entries;
    std::vector<Change> pending;  // from durable_entries to entries
  };

  static Error no_such_operation(const std::string& name);
  static void apply(Entries& entries, const Change& change);
  static std::vector<Bytes> remains_of(const Inode& file);

  [[nodiscard]] std::size_t find(const std::string& path) const;
  [[nodiscard]] std::size_t find_at(int dir, const std::string& name) const;
  [[nodiscard]] std::size_t inode_of(int fd) const { return open_.at(fd); }
  env::Fd opened(std::size_t inode);
  void change(std::size_t directory, Change change);
  // Counts an operation; the error that it has to fail with, or 0.
  int fault();
  Error failed_with(int errno_value, const std::string& operation, const std::string& subject);
  void stepped() const { if (after_step) after_step(); }

  std::vector<std::vector<Inode>> directories_after_cut() const;
  std::vector<std::size_t> reachable_dirty_files(const std::vector<Inode>& inodes) const;

  std::vector<Inode> inodes_;
  std::map<int, std::size_t> open_;
  int count_ = 0;
  int at_ = 0;
  int errno_value_ = 0;
  int syncs_ = 0;
  int forgotten_sync_ = 0;
};

}  // namespace shmconf::fakes

#endif  // SHMCONF_TESTS_FAKES_MODEL_DISK_H_
