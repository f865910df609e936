#include "supervisor/notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace shmconf::supervisor {
namespace {

constexpr std::size_t kPathCapacityBytes = sizeof(sockaddr_un::sun_path);

// A start that does not move for the difference is ended by the manager's own timeout.
constexpr std::chrono::seconds kStartingInterval{10};
constexpr std::chrono::microseconds kStartingSpan = std::chrono::seconds(30);

template <typename Number>
std::optional<Number> to_number(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<std::string> notify_path(std::string_view text) {
  if (text.size() < 2 || (text[0] != '/' && text[0] != '@')) {
    return Error{ErrorCode::kInvalid,
                 "NOTIFY_SOCKET is neither an absolute path nor an abstract name ('@...')"};
  }
  // A path needs its closing NUL; an abstract name is counted.
  if (text.size() + (text[0] == '/' ? 1 : 0) > kPathCapacityBytes) {
    return Error{ErrorCode::kInvalid, "NOTIFY_SOCKET is longer than a socket's name can be"};
  }
  std::string path(text);
  if (path[0] == '@') path[0] = '\0';
  return path;
}

std::optional<std::chrono::microseconds> watchdog_interval(const Environment& environment, pid_t self) {
  const auto microseconds = to_number<std::int64_t>(variable(environment, "WATCHDOG_USEC"));
  if (!microseconds || *microseconds <= 0) return std::nullopt;
  const std::string pid = variable(environment, "WATCHDOG_PID");
  if (!pid.empty() && to_number<pid_t>(pid) != self) return std::nullopt;
  return std::chrono::microseconds((*microseconds + 1) / 2);
}

Notifier Notifier::from_environment(const Environment& environment, std::string& problem) {
  Notifier notifier;
  const std::string text = variable(environment, "NOTIFY_SOCKET");
  if (text.empty()) return notifier;
  auto path = notify_path(text);
  if (!path) {
    problem = path.error().text;
    return notifier;
  }
  notifier.path_ = std::move(*path);
  notifier.socket_ = env::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(notifier.socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return notifier;
}

void Notifier::send(std::string_view message) const {
  if (!listening()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  const bool abstract = path_[0] == '\0';
  const std::size_t name_bytes = path_.size() + (abstract ? 0 : 1);
  ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_bytes));
}

void Notifier::starting(Time now) {
  if (now < starting_due_) return;
  starting_due_ = now + kStartingInterval;
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(kStartingSpan.count()));
}

void Notifier::ready() { send("READY=1"); }

void Notifier::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

void Notifier::stopping() { send("STOPPING=1"); }
void Notifier::watchdog() { send("WATCHDOG=1"); }

void Notifier::status(std::string_view text) {
  if (!listening() || status_ == text) return;
  status_ = text;
  std::string line = "STATUS=" + status_;
  for (char& character : line) {
    if (character == '\n') character = ' ';
  }
  send(line);
}

}  // namespace shmconf::supervisor
