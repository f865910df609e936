// Runs a program and writes down each system call of it, and of all that it starts, that is answered
// with EPERM, a line each: pid and number.
//
//   denied_calls FILE PROGRAM ARGUMENTS...
//
// SIGTERM, SIGINT and SIGHUP go on to the program; ends with its exit code, or 128 + its signal.

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <map>

namespace {

constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
constexpr int kSyscallStop = SIGTRAP | 0x80;

pid_t program = 0;

void hand_on(int signal) { ::kill(program, signal); }

// The program, stopped until the caller traces it.
pid_t start(char** argv) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    char go = 0;
    ::close(ends[1]);
    if (::read(ends[0], &go, 1) == 1) {
      ::close(ends[0]);
      ::execvp(argv[0], argv);
    }
    ::_exit(126);
  }
  ::close(ends[0]);
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, kOptions) != 0 || ::write(ends[1], "", 1) != 1) return -1;
  ::close(ends[1]);
  return pid;
}

class Tracer {
 public:
  explicit Tracer(std::FILE* log) : log_(log) {}

  int loop() {
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, __WALL);
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) return 125;
      if (!WIFSTOPPED(status)) {
        if (pid == program) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        continue;
      }
      const int stop = WSTOPSIG(status);
      const bool is_event = status >> 16 != 0;
      if (stop == kSyscallStop) look(pid);
      const bool is_signal = stop != kSyscallStop && !is_event;
      ::ptrace(PTRACE_SYSCALL, pid, nullptr, static_cast<long>(is_signal ? stop : 0));
    }
  }

 private:
  void look(pid_t pid) {
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) calls_[pid] = info.entry.nr;
    if (info.op != PTRACE_SYSCALL_INFO_EXIT || info.exit.rval != -EPERM) return;
    std::fprintf(log_, "%d %llu\n", pid, static_cast<unsigned long long>(calls_[pid]));
    std::fflush(log_);
  }

  std::FILE* log_;
  std::map<pid_t, std::uint64_t> calls_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::FILE* log = std::fopen(argv[1], "ae");
  if (log == nullptr) return 125;
  program = start(argv + 2);
  if (program < 0) return 125;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::signal(signal, hand_on);
  return Tracer(log).loop();
}
