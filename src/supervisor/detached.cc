#include "supervisor/detached.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "env/env.h"
#include "env/process.h"
#include "log/log.h"
#include "place/place.h"
#include "supervisor/claim.h"
#include "supervisor/run.h"
#include "supervisor/users.h"

namespace shmconf::supervisor {
namespace {

// Stdin empty, stdout and stderr the log, and nothing else.
void arrange_descriptors(int log_descriptor) noexcept {
  ::dup2(log_descriptor, STDERR_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  env::close_above(STDERR_FILENO);
  ::close(STDIN_FILENO);
  static_cast<void>(::open("/dev/null", O_RDONLY));  // the lowest free number
}

// Relative paths in flags and variables are those of the directory that they were written for.
Options seen_from_root(Options options) {
  std::error_code failed;
  const std::string directory = std::filesystem::current_path(failed).string();
  if (options.reload && !failed) {
    options.reload = [reload = std::move(options.reload), directory] {
      static_cast<void>(::chdir(directory.c_str()) == 0);
      auto loaded = reload();
      static_cast<void>(::chdir("/") == 0);
      return loaded;
    };
  }
  static_cast<void>(::chdir("/") == 0);
  return options;
}

Result<bool> supervise(const Options& options, std::chrono::milliseconds delay) {
  auto& env = env::Env::posix();
  env.sleep_for(delay);
  auto place = place::place_of(options.settings);
  if (!place) return place.error();
  auto users = Users::open(env, *place);
  if (!users) return users.error();
  auto claim = Claim::open(env, std::move(*place), "launch");
  if (!claim) return claim.error();
  if (!claim->held()) return false;
  if (auto ended = run_for_users(options, std::move(*claim), std::move(*users)); !ended) return ended.error();
  return true;
}

int exit_code_of(const Result<bool>& supervised) {
  if (supervised) return *supervised ? 0 : kTakenExitCode;
  spdlog::error("{}", supervised.error().text);
  return 1;
}

}  // namespace

Result<pid_t> start_detached(const Options& options, int log_descriptor, std::chrono::milliseconds delay) {
  const pid_t pid = ::fork();
  if (pid < 0) return env::system_error(errno, "fork for", "the sidecar");
  if (pid != 0) return pid;
  ::setsid();
  arrange_descriptors(log_descriptor);
  log::stderr_changed();
  const int code = exit_code_of(supervise(seen_from_root(options), delay));
  spdlog::default_logger_raw()->flush();
  ::_exit(code);
}

}  // namespace shmconf::supervisor
