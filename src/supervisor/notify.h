// Notifier: tells the service manager how this process fares (the sd_notify protocol: one datagram
// of NAME=value lines to $NOTIFY_SOCKET).
//
// Without a socket every call does nothing. Nothing throws or fails, and nothing blocks longer than a
// second: a manager that does not listen is its own affair. Not thread-safe.
#ifndef SHMCONF_SUPERVISOR_NOTIFY_H_
#define SHMCONF_SUPERVISOR_NOTIFY_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "env/fd.h"
#include "shmconf/result.h"
#include "supervisor/child_state.h"
#include "supervisor/environment.h"

namespace shmconf::supervisor {

// The bytes of sockaddr_un::sun_path for $NOTIFY_SOCKET: a path, or an abstract name with a leading
// NUL for '@'. Error: kInvalid for anything else, such as a relative path or vsock:.
Result<std::string> notify_path(std::string_view text);

// How often the manager wants to hear WATCHDOG=1: half of $WATCHDOG_USEC, if that is a positive
// number and $WATCHDOG_PID is unset or names self.
std::optional<std::chrono::microseconds> watchdog_interval(const Environment& environment, pid_t self);

class Notifier {
 public:
  // An unusable $NOTIFY_SOCKET is reported in `problem` and counts as none.
  static Notifier from_environment(const Environment& environment, std::string& problem);

  [[nodiscard]] bool listening() const noexcept { return socket_.valid(); }

  // While a start takes its time, for as long as it does: asks the manager to go on waiting. Sends every
  // ten seconds at most.
  void starting(Time now);
  void ready();
  void reloading();
  void stopping();
  void watchdog();
  // Sent only when it differs from the last.
  void status(std::string_view text);

 private:
  void send(std::string_view message) const;

  env::Fd socket_;
  std::string path_;
  std::string status_;
  Time starting_due_{};
};

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_NOTIFY_H_
