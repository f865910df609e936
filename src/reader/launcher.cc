#include "reader/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "reader/locate.h"
#include "reader/region.h"

namespace shmconf::reader {
namespace {

// Before the last line of what the launcher writes: its exit code and the root directory. A service
// that reaps every child would take the code away from us otherwise.
constexpr char kReportMark = '\x1e';

// --- the binary ---

bool is_executable(const std::string& file) { return ::access(file.c_str(), X_OK) == 0; }

// The file that this code was loaded from: the library, or the program that it was linked into.
std::string own_file() {
  const auto here = reinterpret_cast<std::uintptr_t>(&own_file);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    char* rest = nullptr;
    const std::uintptr_t begin = std::strtoull(line.c_str(), &rest, 16);
    const std::uintptr_t end = *rest == '-' ? std::strtoull(rest + 1, nullptr, 16) : 0;
    const std::size_t path = line.find('/');
    if (begin <= here && here < end) return path != std::string::npos ? line.substr(path) : "";
  }
  return "";
}

// A path, or a name to be looked up on PATH.
std::string find_binary(const LaunchOptions& options) {
  if (!options.binary.empty()) return options.binary;
  const char* named = ::secure_getenv("SHMCONF_BIN");
  if (named != nullptr && *named != '\0') return named;
  const std::string own = own_file();
  const std::string directory = own.substr(0, own.rfind('/') + 1);
  // Beside it; of <prefix>/lib and of <prefix>/lib/<architecture>, in <prefix>/bin.
  for (const char* place : {"shmconf", "../bin/shmconf", "../../bin/shmconf"}) {
    if (!directory.empty() && is_executable(directory + place)) return directory + place;
  }
  return "shmconf";
}

Error no_binary(const std::string& file, int error) {
  return Error{error == ENOENT ? ErrorCode::kAbsent : system_error(error, "execute", file).code,
               "cannot execute '" + file + "': " + std::generic_category().message(error) +
                   ": set SHMCONF_BIN to the path of the shmconf program, or install it beside the library or on PATH"};
}

// --- starting it ---

struct Pipe {
  Descriptor reading;
  Descriptor writing;
};

// Above the standard descriptors, which are arranged by number in the child.
Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(errno, "make a pipe to", "shmconf launch");
  const Descriptor low_reading(ends[0]);
  const Descriptor low_writing(ends[1]);
  Pipe pipe{Descriptor(::fcntl(ends[0], F_DUPFD_CLOEXEC, 3)), Descriptor(::fcntl(ends[1], F_DUPFD_CLOEXEC, 3))};
  if (!pipe.reading.valid() || !pipe.writing.valid()) {
    return system_error(errno, "make a pipe to", "shmconf launch");
  }
  return pipe;
}

// stdin is empty; stdout is our stderr, for the sidecar's log; stderr is the pipe. Signals are as a
// shell would have them. What else is open the launcher closes.
class SpawnPlan {
 public:
  explicit SpawnPlan(int words) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    if (::fcntl(2, F_GETFD) >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions_, 2, 1);
    } else {
      ::posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
    }
    ::posix_spawn_file_actions_adddup2(&actions_, words, 2);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  // 0, or errno.
  int start(const std::string& file, const std::vector<std::string>& arguments, pid_t& pid) const {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    return ::posix_spawnp(&pid, file.c_str(), &actions_, &attributes_, pointers.data(), ::environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<std::string> arguments_of(const std::string& name, const std::string& root,
                                      const LaunchOptions& options) {
  std::vector<std::string> arguments = {"shmconf", "launch", "--report=" + root, "--name", name};
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) arguments.insert(arguments.end(), {flag, value});
  };
  add("--dir", options.directory);
  add("--backup", options.backup_file);
  add("--config", options.settings_file);
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  return arguments;
}

// --- its end ---

// A child, by its number and, where the kernel has that, by a descriptor: once somebody else has
// reaped the child, its number may be another child's.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

  // Readable once it has ended; -1: there is none.
  [[nodiscard]] int handle() const noexcept { return handle_.get(); }

  // Takes its exit code, or 128 + n after signal n, if it has ended and nobody else has. Does not
  // block. Returns whether there is nothing more to wait for.
  bool reap(std::optional<int>& exit_code) const {
    siginfo_t info{};
    const idtype_t kind = handle_.valid() ? static_cast<idtype_t>(3) /* P_PIDFD */ : P_PID;
    const auto number = static_cast<id_t>(handle_.valid() ? handle_.get() : pid_);
    if (::waitid(kind, number, &info, WEXITED | WNOHANG) != 0) return errno != EINTR;
    if (info.si_pid == 0) return false;
    exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return true;
  }

 private:
  pid_t pid_;
  Descriptor handle_;
};

struct Ended {
  std::string written;
  std::optional<int> exit_code;  // empty: somebody else has reaped it
};

// Reads until the launcher has ended. Its end of the pipe may live longer, in a process that another
// thread forked at the wrong moment, so the pipe's end alone does not decide.
Ended collect(const Child& child, const Descriptor& words) {
  constexpr int kLook = 50;  // ms; where there is no handle
  constexpr int kLooksForTheEnd = 20'000;  // at an interval of a millisecond, after the last word
  Ended ended;
  std::array<pollfd, 2> waited{{{words.get(), POLLIN, 0}, {child.handle(), POLLIN, 0}}};
  const bool has_handle = child.handle() >= 0;
  for (bool over = false;;) {
    if (!over) ::poll(waited.data(), has_handle ? 2 : 1, has_handle ? -1 : kLook);
    if (!over && !has_handle) over = child.reap(ended.exit_code) && ended.exit_code.has_value();
    if (has_handle && waited[1].revents != 0) over = true;
    char buffer[4096];
    const ssize_t got = ::read(words.get(), buffer, sizeof buffer);
    if (got > 0) ended.written.append(buffer, static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR && (errno != EAGAIN || over))) break;
  }
  for (int look = 0; !ended.exit_code && !child.reap(ended.exit_code) && look < kLooksForTheEnd; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return ended;
}

// --- what it said ---

struct Report {
  int exit_code = -1;
  std::string root;
};

std::optional<Report> report_in(const std::string& written) {
  const std::size_t mark = written.rfind(kReportMark);
  if (mark == std::string::npos || written.back() != '\n') return std::nullopt;
  char* rest = nullptr;
  Report report;
  report.exit_code = static_cast<int>(std::strtol(written.c_str() + mark + 1, &rest, 10));
  if (*rest == ' ') report.root = written.substr(static_cast<std::size_t>(rest + 1 - written.c_str()));
  if (!report.root.empty()) report.root.pop_back();  // the newline
  return report;
}

// As the table of exit codes in --help has it.
ErrorCode code_of_exit(int exit_code) {
  switch (exit_code) {
    case 1:
    case 3:
      return ErrorCode::kAbsent;
    case 2:
      return ErrorCode::kInvalid;
    case 4:
      return ErrorCode::kDamaged;
    case 5:
      return ErrorCode::kDenied;
    default:
      return ErrorCode::kSystem;
  }
}

}  // namespace

std::string words_of(std::string_view written) {
  constexpr std::string_view kOwnName = "shmconf launch: ";
  written = written.substr(0, written.rfind(kReportMark));
  std::string words;
  while (!written.empty()) {
    const std::size_t newline = written.find('\n');
    std::string_view line = written.substr(0, newline);
    written.remove_prefix(newline == std::string_view::npos ? written.size() : newline + 1);
    if (line.starts_with(kOwnName)) line.remove_prefix(kOwnName.size());
    if (line.empty()) continue;
    if (!words.empty()) words += "; ";
    words += line;
  }
  return words;
}

Result<std::string> run_launcher(const std::string& name, const std::string& root, const LaunchOptions& options) {
  const std::string binary = find_binary(options);
  auto pipe = make_pipe();
  if (!pipe) return pipe.error();
  pid_t pid = 0;
  const int failed = SpawnPlan(pipe->writing.get()).start(binary, arguments_of(name, root, options), pid);
  if (failed != 0) return no_binary(binary, failed);
  const Child child(pid);
  { const Descriptor ours_no_more = std::move(pipe->writing); }
  ::fcntl(pipe->reading.get(), F_SETFL, O_NONBLOCK);
  const Ended ended = collect(child, pipe->reading);

  const auto report = report_in(ended.written);
  std::string words = words_of(ended.written);
  if (report && report->exit_code == 0) return report->root;
  if (report || (ended.exit_code && *ended.exit_code != 0)) {
    const int exit_code = report ? report->exit_code : *ended.exit_code;
    if (words.empty()) words = "'" + binary + " launch' ended with code " + std::to_string(exit_code);
    return Error{code_of_exit(exit_code), std::move(words)};
  }
  // Without a report: it is no launcher, or it did not get as far as reading its options.
  if (!words.empty()) return Error{ErrorCode::kInvalid, std::move(words)};
  return Error{ErrorCode::kInvalid,
               "'" + binary + " launch' said nothing: set SHMCONF_BIN to the path of the shmconf program"};
}

}  // namespace shmconf::reader
