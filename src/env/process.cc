#include "env/process.h"

#include <fcntl.h>
#include <malloc.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "env/env.h"
#include "env/fd.h"

namespace shmconf::env {
namespace {

// What execve takes, made before the fork: the child must not allocate.
class Vectors {
 public:
  explicit Vectors(const Program& program) {
    for (const std::string& argument : program.arguments) {
      arguments_.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments_.push_back(nullptr);
    const std::string listen_pid = "LISTEN_PID=" + std::to_string(::getpid());
    for (const std::string& entry : program.environment) {
      if (entry == listen_pid) own_pid_entry_ = environment_.size();
      environment_.push_back(const_cast<char*>(entry.c_str()));
    }
    environment_.push_back(nullptr);
  }

  // In the child.
  void name_own_pid() noexcept {
    if (own_pid_entry_ == SIZE_MAX) return;
    char digits[24];
    char* next = digits + sizeof digits;
    for (pid_t rest = ::getpid(); rest != 0; rest /= 10) *--next = static_cast<char>('0' + rest % 10);
    std::memcpy(own_pid_ + 11, next, static_cast<std::size_t>(digits + sizeof digits - next));
    environment_[own_pid_entry_] = own_pid_;
  }

  [[nodiscard]] char** arguments() noexcept { return arguments_.data(); }
  [[nodiscard]] char** environment() noexcept { return environment_.data(); }

 private:
  std::vector<char*> arguments_;
  std::vector<char*> environment_;
  std::size_t own_pid_entry_ = SIZE_MAX;
  char own_pid_[40] = "LISTEN_PID=";
};

[[noreturn]] void give_up(int report) noexcept {
  const int reason = errno;
  [[maybe_unused]] const ssize_t told = ::write(report, &reason, sizeof reason);
  ::_exit(127);
}

[[noreturn]] void execute(const Program& program, Vectors& vectors, int report) noexcept {
  ::sigaction(SIGCHLD, &program.signals.child_action, nullptr);
  ::sigprocmask(SIG_SETMASK, &program.signals.mask, nullptr);
  ::execvpe(program.file.c_str(), vectors.arguments(), vectors.environment());
  give_up(report);
}

// Descriptors 0, 1, 2, the handed one and, behind it until exec, the report pipe; no others.
int arrange_descriptors(int null, int handed, int report) noexcept {
  // Duplicates above all slots that are about to be filled.
  null = ::fcntl(null, F_DUPFD, kHandedDescriptor + 2);
  handed = ::fcntl(handed, F_DUPFD, kHandedDescriptor + 2);
  report = ::fcntl(report, F_DUPFD, kHandedDescriptor + 2);
  constexpr int kReport = kHandedDescriptor + 1;
  ::fcntl(2, F_SETFD, 0);  // a stderr that the caller did not have is /dev/null and would close
  if (null < 0 || handed < 0 || report < 0 || ::dup2(null, 0) < 0 || ::dup2(2, 1) < 0 ||
      ::dup2(handed, kHandedDescriptor) < 0 || ::dup3(report, kReport, O_CLOEXEC) < 0) {
    give_up(report);
  }
  close_above(kReport);
  return kReport;
}

// The errno that the child reports, or 0 when exec closed the pipe.
int read_report(const Fd& pipe) {
  int reason = 0;
  ssize_t got = 0;
  do {
    got = ::read(pipe.get(), &reason, sizeof reason);
  } while (got < 0 && errno == EINTR);
  return got == sizeof reason ? reason : 0;
}

template <typename InChild>
Result<Started> fork_and_exec(const Program& program, InChild in_child) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return system_error(errno, "make a pipe for", program.file);
  Fd reading(ends[0]);
  Fd writing(ends[1]);
  Vectors vectors(program);
  const pid_t pid = ::fork();
  if (pid < 0) return system_error(errno, "fork for", program.file);
  if (pid == 0) {
    const int report = in_child(writing.get());
    vectors.name_own_pid();
    execute(program, vectors, report);
  }
  writing.reset();
  return Started{.pid = pid, .exec_errno = read_report(reading)};
}

}  // namespace

Result<Started> start_foreground(const Program& program) {
  return fork_and_exec(program, [](int report) { return report; });
}

Result<Started> start_bound(const Program& program, int handed) {
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return system_error(errno, "open", "/dev/null");
  const pid_t parent = ::getpid();
  return fork_and_exec(program, [&](int report) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died before the signal was armed.
    if (::getppid() != parent) ::_exit(127);
    ::setpgid(0, 0);
    // A background group that writes to a terminal under `stty tostop` would be stopped.
    ::signal(SIGTTOU, SIG_IGN);
    ::signal(SIGTTIN, SIG_IGN);
    return arrange_descriptors(null.get(), handed, report);
  });
}

Result<void> die_with_parent() {
  const pid_t parent = ::getppid();
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return system_error(errno, "arm", "PR_SET_PDEATHSIG");
  if (::getppid() != parent) return Error{ErrorCode::kUnavailable, "the supervisor died during the start"};
  return {};
}

void let_signals_through() noexcept {
  sigset_t held_back;
  ::sigemptyset(&held_back);
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&held_back, number);
  ::pthread_sigmask(SIG_UNBLOCK, &held_back, nullptr);
}

void close_above(int last_kept) noexcept {
  if (::syscall(SYS_close_range, last_kept + 1, UINT_MAX, 0) == 0) return;
  rlimit limit{};  // before Linux 5.9
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65'536));
  for (int fd = last_kept + 1; fd < end; ++fd) ::close(fd);
}

void keep_heap_warm(std::size_t bytes) noexcept {
#ifdef __GLIBC__
  const auto limit = static_cast<int>(std::min<std::size_t>(bytes, INT_MAX));
  ::mallopt(M_TRIM_THRESHOLD, limit);
  ::mallopt(M_MMAP_THRESHOLD, limit / 4);
#endif
}

}  // namespace shmconf::env
