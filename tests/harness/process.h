// Process: one child process of a test, with its output in files, ended when the object goes.
//
// Not thread-safe. The kernel also ends the child when the thread that spawned it ends (that is how
// nothing outlives a killed test): spawn from a thread that stays.
#ifndef SHMCONF_TESTS_HARNESS_PROCESS_H_
#define SHMCONF_TESTS_HARNESS_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/temp_directory.h"
#include "shmconf/result.h"

namespace shmconf::harness {

struct Command {
  std::vector<std::string> argv;               // argv[0] is looked up on PATH unless it holds a '/'
  std::map<std::string, std::string> set_env;  // on top of this process's environment
  std::vector<std::string> unset_env;
  bool clear_env = false;         // start from nothing instead
  std::string working_directory;  // empty: this process's
  std::string stdin_file;         // empty: /dev/null
  // The child leads a process group of its own, and that whole group is ended with the object.
  bool own_process_group = true;
};

struct ExitStatus {
  int code = -1;   // of exit(); -1 when a signal ended it
  int signal = 0;  // 0 unless a signal ended it

  // As a shell gives it: the code, or 128 + signal.
  [[nodiscard]] int shell_code() const noexcept { return signal != 0 ? 128 + signal : code; }
  bool operator==(const ExitStatus&) const = default;
};

class Process {
 public:
  // kAbsent, kDenied or kSystem when the program cannot be executed.
  static Result<Process> spawn(const Command& command);
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  // SIGKILL, and reaps. Until then its number stays taken, whether it runs or not.
  ~Process();

  [[nodiscard]] pid_t pid() const noexcept;
  // Whether it has not ended yet.
  [[nodiscard]] bool running();
  // Blocks until it has ended; nullopt when it is still running after limit.
  [[nodiscard]] std::optional<ExitStatus> wait(std::chrono::milliseconds limit = std::chrono::seconds(10));
  // False when it has ended already. Goes to the child alone, not to its group.
  bool send_signal(int signal);
  // SIGSTOP, and blocks until the kernel has stopped every thread of it; SIGCONT.
  bool freeze();
  bool thaw();
  // SIGKILL to the child alone, now; returns when it has ended.
  void kill_now();

  // What it has written so far.
  [[nodiscard]] std::string stdout_text() const;
  [[nodiscard]] std::string stderr_text() const;

 private:
  struct State;
  explicit Process(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct Finished {
  ExitStatus status;
  std::string out;
  std::string err;
};

// Spawns and waits. kTimeout when the command is still running after limit; it is killed then.
Result<Finished> run(const Command& command, std::chrono::milliseconds limit = std::chrono::seconds(30));

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_PROCESS_H_
