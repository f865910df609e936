#include "harness/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <utility>

extern char** environ;

namespace shmconf::harness {
namespace {

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> result;
  const auto replaced = [&](const std::string& name) {
    return command.set_env.contains(name) || std::ranges::count(command.unset_env, name) > 0;
  };
  for (char** entry = environ; !command.clear_env && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!replaced(text.substr(0, text.find('=')))) result.push_back(text);
  }
  for (const auto& [name, value] : command.set_env) result.push_back(name + "=" + value);
  return result;
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = ::getenv("PATH");
  std::string rest = path != nullptr ? path : "/usr/bin:/bin";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string candidate = rest.substr(0, colon) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string::npos ? std::string() : rest.substr(colon + 1);
  }
  return name;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Everything that the child needs, made ready before fork(): between fork and exec only
// async-signal-safe calls are allowed, since this process may have other threads.
struct Launch {
  const char* program;
  char** argv;
  char** envp;
  const char* working_directory;  // null: unchanged
  int in, out, err, failure;
  bool own_group;
  pid_t parent;
};

[[noreturn]] void become(const Launch& launch) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launch.parent) ::_exit(127);  // the parent ended before the line above
  if (launch.own_group) ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(launch.in, 0);
  ::dup2(launch.out, 1);
  ::dup2(launch.err, 2);
  if (launch.working_directory == nullptr || ::chdir(launch.working_directory) == 0) {
    ::execve(launch.program, launch.argv, launch.envp);
  }
  const int reason = errno;
  [[maybe_unused]] const auto written = ::write(launch.failure, &reason, sizeof reason);
  ::_exit(127);
}

int open_for(const std::string& path, int flags) { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }

Error spawn_error(int reason, const std::string& program) {
  const auto code = reason == ENOENT ? ErrorCode::kAbsent
                    : reason == EACCES ? ErrorCode::kDenied
                                       : ErrorCode::kSystem;
  return {code, "cannot execute '" + program + "': " + ::strerror(reason)};
}

char process_state(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto after_name = stat.rfind(')');  // the name itself may hold anything
  return after_name == std::string::npos || after_name + 2 >= stat.size() ? '?' : stat[after_name + 2];
}

}  // namespace

struct Process::State {
  pid_t pid = -1;
  int pidfd = -1;
  bool own_group = false;
  std::optional<ExitStatus> ended;
  TempDirectory output;

  // The child stays a zombie until here, so that its number, which is also its group's, cannot have
  // become somebody else's when the group is killed.
  ~State() {
    if (pid > 0) {
      if (own_group) ::kill(-pid, SIGKILL);
      ::kill(pid, SIGKILL);  // in case the child had not reached setpgid yet
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    if (pidfd >= 0) ::close(pidfd);
  }

  // Notes how the child ended, if it has; options is 0 to block until then, or WNOHANG.
  void look(int options) {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | options) != 0 &&
           errno == EINTR) {
    }
    if (info.si_pid != pid) return;
    ended = info.si_code == CLD_EXITED ? ExitStatus{info.si_status, 0} : ExitStatus{-1, info.si_status};
  }
};

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;
Process::~Process() = default;

Result<Process> Process::spawn(const Command& command) {
  if (command.argv.empty()) return Error{ErrorCode::kInvalid, "an empty command"};
  auto state = std::make_unique<State>();
  const std::string program = find_program(command.argv[0]);
  auto argv = command.argv;
  auto env = environment_of(command);
  auto argv_pointers = pointers(argv);
  auto env_pointers = pointers(env);

  std::array<int, 2> failure{-1, -1};
  if (::pipe2(failure.data(), O_CLOEXEC) != 0) return spawn_error(errno, program);
  Launch launch{};
  launch.program = program.c_str();
  launch.argv = argv_pointers.data();
  launch.envp = env_pointers.data();
  launch.working_directory = command.working_directory.empty() ? nullptr : command.working_directory.c_str();
  launch.in = open_for(command.stdin_file.empty() ? "/dev/null" : command.stdin_file, O_RDONLY);
  launch.out = open_for(state->output / "stdout", O_WRONLY | O_CREAT | O_APPEND);
  launch.err = open_for(state->output / "stderr", O_WRONLY | O_CREAT | O_APPEND);
  launch.failure = failure[1];
  launch.own_group = command.own_process_group;
  launch.parent = ::getpid();

  state->own_group = command.own_process_group;
  state->pid = ::fork();
  if (state->pid == 0) become(launch);
  const int fork_errno = errno;
  for (const int fd : {launch.in, launch.out, launch.err, failure[1]}) ::close(fd);
  int reason = state->pid < 0 ? fork_errno : 0;
  if (state->pid > 0 && ::read(failure[0], &reason, sizeof reason) <= 0) reason = 0;
  ::close(failure[0]);
  if (reason != 0) return spawn_error(reason, program);  // State reaps the child that failed
  state->pidfd = static_cast<int>(::syscall(SYS_pidfd_open, state->pid, 0));
  return Process(std::move(state));
}

pid_t Process::pid() const noexcept { return state_->pid; }

bool Process::running() { return !wait(std::chrono::milliseconds(0)); }

std::optional<ExitStatus> Process::wait(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!state_->ended) {
    state_->look(WNOHANG);
    if (state_->ended) break;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd ready{state_->pidfd, POLLIN, 0};
    ::poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1000)));
  }
  return state_->ended;
}

bool Process::send_signal(int signal) { return running() && ::kill(state_->pid, signal) == 0; }

bool Process::freeze() {
  if (!send_signal(SIGSTOP)) return false;
  while (running() && process_state(state_->pid) != 'T') ::usleep(1000);
  return running();
}

bool Process::thaw() { return send_signal(SIGCONT); }

void Process::kill_now() {
  if (state_->ended) return;
  ::kill(state_->pid, SIGKILL);
  state_->look(0);
}

std::string Process::stdout_text() const { return read_file(state_->output / "stdout"); }
std::string Process::stderr_text() const { return read_file(state_->output / "stderr"); }

Result<Finished> run(const Command& command, std::chrono::milliseconds limit) {
  auto process = Process::spawn(command);
  if (!process) return process.error();
  const auto status = process->wait(limit);
  if (!status) {
    process->kill_now();
    return Error{ErrorCode::kTimeout, "'" + command.argv[0] + "' was still running after " +
                                          std::to_string(limit.count()) + " ms; it wrote: " +
                                          process->stderr_text()};
  }
  return Finished{*status, process->stdout_text(), process->stderr_text()};
}

}  // namespace shmconf::harness
