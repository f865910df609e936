#include "integration/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "harness/eventually.h"

namespace shmconf::integration {

using std::chrono::milliseconds;

Terminal::Terminal(const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  pid_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
  if (pid_ < 0) {
    ::perror("forkpty");
    ::abort();
  }
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execvp(pointers[0], pointers.data());
    ::_exit(127);
  }
  ::fcntl(terminal_, F_SETFD, FD_CLOEXEC);
}

Terminal::~Terminal() {
  if (!status_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  hang_up();
}

void Terminal::type(const std::string& keys) {
  if (::write(terminal_, keys.data(), keys.size()) < 0) ::perror("write to the terminal");
}

void Terminal::resize(unsigned short rows, unsigned short columns) {
  const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(terminal_, TIOCSWINSZ, &size);
}

void Terminal::hang_up() {
  if (terminal_ >= 0) ::close(terminal_);
  terminal_ = -1;
}

void Terminal::collect(milliseconds limit) {
  if (terminal_ < 0) return;
  pollfd ready{.fd = terminal_, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(limit.count())) <= 0) return;
  char buffer[4096];
  const ssize_t got = ::read(terminal_, buffer, sizeof buffer);
  if (got > 0) printed_.append(buffer, static_cast<std::size_t>(got));
}

bool Terminal::prints(const std::string& text, milliseconds limit) {
  return comes_to([&](const std::string& printed) { return printed.find(text) != std::string::npos; }, limit);
}

bool Terminal::comes_to(const std::function<bool(const std::string&)>& holds, milliseconds limit) {
  return harness::eventually(
      [&] {
        collect(milliseconds(5));
        return holds(printed_);
      },
      limit);
}

bool Terminal::echoes() const {
  termios settings{};
  return ::tcgetattr(terminal_, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
}

std::optional<int> Terminal::wait(milliseconds limit) {
  const bool ended = harness::eventually(
      [&] {
        collect(milliseconds(0));  // one that prints into a full terminal would never end
        int status = 0;
        if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
        return status_.has_value();
      },
      limit);
  return ended ? status_ : std::nullopt;
}

}  // namespace shmconf::integration
