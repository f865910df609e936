#include "supervisor/ending.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace shmconf::supervisor {
namespace {

// The sidecar's own exit codes that tell an operator what to do.
const char* meaning_of(int code) {
  switch (code) {
    case 2:
      return " (bad usage or settings)";
    case 3:
      return " (no configuration to be had)";
    case 4:
      return " (damaged or incompatible)";
    case 5:
      return " (not permitted)";
    default:
      return "";
  }
}

}  // namespace

int exit_code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

int exit_code_of_exec_failure(const std::string& file, int exec_errno) {
  constexpr int kNotExecutable = 126;
  constexpr int kNotFound = 127;
  if (exec_errno != ENOENT) return kNotExecutable;
  // A script whose interpreter is missing fails like a missing script.
  const bool is_there = file.find('/') != std::string::npos && ::access(file.c_str(), F_OK) == 0;
  return is_there ? kNotExecutable : kNotFound;
}

std::string describe_ending(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    const char* name = ::sigdescr_np(number);
    const std::string text = "was killed by signal " + std::to_string(number);
    return name != nullptr ? text + " (" + name + ")" : text;
  }
  const int code = WEXITSTATUS(status);
  return "ended with code " + std::to_string(code) + meaning_of(code);
}

}  // namespace shmconf::supervisor
