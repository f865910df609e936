#include "log/unblocked_sink.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace shmconf::log {

void UnblockedSink::sink_it_(const spdlog::details::log_msg& message) {
  if (dropped_ != 0) {
    const std::string text = "(" + std::to_string(dropped_) + " lines were not logged: nobody read them)";
    if (write({message.time, {}, message.logger_name, spdlog::level::warn, text})) dropped_ = 0;
  }
  if (dropped_ != 0 || !write(message)) ++dropped_;
}

bool UnblockedSink::write(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t formatted;
  formatter_->format(message, formatted);
  std::string line(formatted.data(), formatted.size());
  // A pipe that is ready takes this much at once, and not always more.
  if (line.size() > PIPE_BUF) line.replace(PIPE_BUF - 4, std::string::npos, "...\n");
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
  // A socket may have room for a part only.
  ssize_t written = ::send(fd_, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (written < 0 && errno == ENOTSOCK) written = ::write(fd_, line.data(), line.size());
  return written >= 0;
}

}  // namespace shmconf::log
