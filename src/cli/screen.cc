#include "cli/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "cli/console.h"
#include "env/env.h"

namespace shmconf::cli {
namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l";  // other page, no cursor, no wrapping
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";
// Terminals that know these show nothing in between; the others ignore them.
constexpr std::string_view kBeginPicture = "\x1b[?2026h\x1b[H";
constexpr std::string_view kEndPicture = "\x1b[?2026l";

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

Result<void> write_out(std::string_view bytes) {
  Output out(STDOUT_FILENO);
  out << bytes;
  return out.finish();
}

sigset_t taken_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH}) ::sigaddset(&set, number);
  return set;
}

}  // namespace

bool Screen::possible() {
  return ::isatty(STDOUT_FILENO) == 1 && is_set("TERM") && std::string_view(std::getenv("TERM")) != "dumb";
}

Result<Screen> Screen::take() {
  const sigset_t signals = taken_signals();
  sigset_t before;
  if (::sigprocmask(SIG_BLOCK, &signals, &before) < 0) return env::system_error(errno, "block", "signals");
  env::Fd descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor.valid()) {
    const int failed = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return env::system_error(failed, "make a descriptor for", "signals");
  }
  return Screen(std::move(descriptor), before);
}

Screen::Screen(env::Fd signals, const sigset_t& mask_before)
    : signals_(std::move(signals)),
      mask_before_(mask_before),
      keyboard_(::tcgetattr(STDIN_FILENO, &before_) == 0),
      colour_(!is_set("NO_COLOR")) {
  enter();
}

Screen::Screen(Screen&& other) noexcept = default;

Screen::~Screen() {
  if (!signals_.valid()) return;  // moved from
  leave();
  ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

// The settings are those of the beginning again at each leave(): what a shell did to them meanwhile was its own.
void Screen::enter() {
  if (keyboard_) {
    termios ours = before_;
    ours.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ours.c_cc[VMIN] = 1;
    ours.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &ours);
  }
  (void)write_out(kEnter);  // a terminal that is gone shows at the first draw()
}

void Screen::leave() const noexcept {
  (void)write_out(kLeave);
  if (keyboard_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

Screen::Size Screen::size() {
  winsize found{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) < 0 || found.ws_row == 0 || found.ws_col == 0) return {24, 80};
  return {found.ws_row, found.ws_col};
}

Result<void> Screen::draw(const std::vector<StyledLine>& lines) const {
  const Size size = Screen::size();
  std::string picture(kBeginPicture);
  for (std::size_t i = 0; i < std::min(lines.size(), size.rows); ++i) {
    if (i != 0) picture += "\r\n";
    // First the erasing: behind a full line the cursor stands on its last character.
    picture.append("\x1b[2K").append(painted(lines[i], size.columns, colour_));
  }
  if (lines.size() < size.rows) picture += "\r\n\x1b[J";
  return write_out(picture.append(kEndPicture));
}

Screen::Input Screen::input(std::chrono::milliseconds limit) {
  std::array<pollfd, 2> waited{pollfd{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = keyboard_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
  Input input;
  if (::poll(waited.data(), waited.size(), static_cast<int>(limit.count())) <= 0) return input;
  if (waited[0].revents != 0) take_signal(input);
  if (waited[1].revents != 0) take_keys(input);
  return input;
}

void Screen::take_signal(Input& input) {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  switch (info.ssi_signo) {
    case SIGTSTP:
      leave();
      ::raise(SIGSTOP);  // until SIGCONT, which is the next signal here
      return;
    case SIGCONT: enter(); [[fallthrough]];
    case SIGWINCH: input.redraw = true; return;
    default: input.ended = true; return;
  }
}

void Screen::take_keys(Input& input) const {
  std::array<char, 256> typed{};
  const ssize_t got = ::read(STDIN_FILENO, typed.data(), typed.size());
  if (got > 0) {
    input.keys.assign(typed.data(), static_cast<std::size_t>(got));
  } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
    input.ended = true;
  }
}

}  // namespace shmconf::cli
