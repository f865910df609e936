// Screen: the terminal, taken for a picture that is drawn again and again, and given back as it was.
//
// Not thread-safe; one at a time, in the thread that takes the signals, before there are others. While
// it lives, SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT and SIGWINCH are blocked and arrive as input.
#ifndef SHMCONF_CLI_SCREEN_H_
#define SHMCONF_CLI_SCREEN_H_

#include <signal.h>
#include <termios.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "cli/styled_line.h"
#include "env/fd.h"
#include "shmconf/result.h"

namespace shmconf::cli {

class Screen {
 public:
  // Whether stdout is a terminal on which a picture can be drawn: not where $TERM is dumb or unset.
  static bool possible();

  // Takes the terminal: its other page, without cursor. What is typed on stdin, if that is a terminal,
  // comes key by key, and is not shown. Requires possible(). Error: kSystem.
  static Result<Screen> take();

  Screen(Screen&&) noexcept;
  Screen& operator=(Screen&&) = delete;
  ~Screen();

  struct Size {
    std::size_t rows;
    std::size_t columns;
  };
  // Now. 24 rows of 80 columns where the terminal does not say.
  [[nodiscard]] static Size size();

  // Replaces the picture; lines beyond the size are left out. Error: kSystem, the terminal is gone.
  [[nodiscard]] Result<void> draw(const std::vector<StyledLine>& lines) const;

  struct Input {
    std::string keys;      // as typed; ESC [ A and its like for the arrows
    bool ended = false;    // Ctrl-C, SIGTERM, or the terminal is gone
    bool redraw = false;   // another size, or another program has drawn here
  };
  // What has come since the last call, waiting for it until the limit. Stops the process where Ctrl-Z
  // was typed, with the terminal given back meanwhile.
  Input input(std::chrono::milliseconds limit);

 private:
  Screen(env::Fd signals, const sigset_t& mask_before);
  void enter();
  void leave() const noexcept;
  void take_signal(Input& input);
  void take_keys(Input& input) const;

  env::Fd signals_;
  sigset_t mask_before_;
  termios before_{};
  bool keyboard_;
  bool colour_;
};

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_SCREEN_H_
