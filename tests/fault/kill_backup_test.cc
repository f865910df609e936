// The writer of a backup killed at each of its system calls in turn, on a real file system. What a power
// loss takes besides is shown in power_loss_test.cc.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "backup/store.h"
#include "fakes/stamped_content.h"
#include "harness/temp_directory.h"
#include "shm/snapshot_builder.h"

namespace shmconf::backup {
namespace {

using fakes::StampedContent;

constexpr int kKeys = 200;
constexpr int kMostCalls = 2'500;

std::vector<std::byte> snapshot(std::uint64_t stamp) {
  StampedContent content(stamp, kKeys);
  std::vector<std::byte> bytes(shm::snapshot_bytes(content.content()).value());
  shm::build_snapshot(content.content(), 1, bytes);
  shm::stamp_generation(bytes, stamp, std::chrono::seconds(1), format::Origin::kConsul);
  return bytes;
}

enum class End { kKilled, kDone, kFailed };

// Runs body in a child and kills that where it enters its system call of this number.
End kill_at(int call, const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSTOPPED(status));
  EXPECT_EQ(::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD), 0);
  // It stops where it enters a call, and where it leaves it.
  for (int stops = 0; WIFSTOPPED(status); ++stops) {
    if (stops == 2 * call + 1) {
      ::kill(child, SIGKILL);
    } else {
      ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    }
    ::waitpid(child, &status, 0);
  }
  if (WIFSIGNALED(status)) return End::kKilled;
  return WEXITSTATUS(status) == 0 ? End::kDone : End::kFailed;
}

class KillBackup : public ::testing::Test {
 protected:
  // The stamp of the backup that a start would load; 0: there is none.
  std::uint64_t loaded() {
    auto backup = Store(env::Env::posix(), path_).load();
    if (!backup) {
      EXPECT_EQ(backup.error().code, ErrorCode::kAbsent) << backup.error().text;
      return 0;
    }
    const auto stamp = fakes::one_stamp(backup->view(), kKeys);
    EXPECT_TRUE(stamp) << "not whole";
    return stamp.value_or(0);
  }
  bool write(std::uint64_t stamp) { return Store(env::Env::posix(), path_).write(snapshot(stamp)).ok(); }

  // Kills at every call a write to what is there now, of which `before` can be loaded.
  void kill_everywhere(std::uint64_t before) {
    std::filesystem::create_directories(disk_ / "state");
    std::filesystem::copy(disk_ / "state", disk_ / "prepared", std::filesystem::copy_options::recursive);
    int kept = 0;
    int replaced = 0;
    for (int call = 0; call < kMostCalls; ++call) {
      std::filesystem::remove_all(disk_ / "state");
      std::filesystem::copy(disk_ / "prepared", disk_ / "state", std::filesystem::copy_options::recursive);
      const auto end = kill_at(call, [this] { return write(9); });
      ASSERT_NE(end, End::kFailed) << "call " << call;
      const std::uint64_t now = loaded();
      ASSERT_TRUE(now == before || now == 9) << "call " << call << " left " << now << " instead of " << before;
      ASSERT_TRUE(end == End::kKilled || now == 9) << "the write had succeeded";
      ++(now == before ? kept : replaced);
      ASSERT_TRUE(write(10)) << "after call " << call;
      ASSERT_EQ(loaded(), 10u);
      if (end == End::kDone) break;
    }
    EXPECT_GT(kept, 10) << "not killed before the last step";
    EXPECT_GT(replaced, 0) << "not killed behind the last step";
  }

  harness::TempDirectory disk_;
  const std::string path_ = disk_ / "state/deeper/web.snapshot";
};

TEST_F(KillBackup, TheFirst) { kill_everywhere(0); }

TEST_F(KillBackup, TheSecond) {
  ASSERT_TRUE(write(1));
  kill_everywhere(1);
}

TEST_F(KillBackup, TheThird) {
  ASSERT_TRUE(write(1) && write(2));
  kill_everywhere(2);
}

TEST_F(KillBackup, OverADamagedOne) {
  ASSERT_TRUE(write(1) && write(2));
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-9, std::ios::end).put('\x7f');
  file.close();
  kill_everywhere(1);
}

}  // namespace
}  // namespace shmconf::backup
