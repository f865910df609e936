// Terminal: a program under a pseudo terminal of its own, as if a person sat there.
//
// The program leads a new session, the terminal controls it, and its process group is in the
// foreground. Not thread-safe. The session's processes lose their terminal, and the program is
// killed, with the object.
#ifndef SHMCONF_TESTS_INTEGRATION_TERMINAL_H_
#define SHMCONF_TESTS_INTEGRATION_TERMINAL_H_

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shmconf::integration {

class Terminal {
 public:
  // Ends the test program when no terminal is to be had.
  explicit Terminal(const std::vector<std::string>& argv);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // As typed; "\x03" is Ctrl-C, "\x1a" Ctrl-Z.
  void type(const std::string& keys);
  void resize(unsigned short rows, unsigned short columns);
  // Takes the terminal away, as a closed window does.
  void hang_up();
  // Whether text was printed within limit.
  bool prints(const std::string& text, std::chrono::milliseconds limit = std::chrono::seconds(20));
  // Whether all that was printed comes to be such that holds(it) is true, within limit.
  bool comes_to(const std::function<bool(const std::string&)>& holds,
                std::chrono::milliseconds limit = std::chrono::seconds(20));
  // Whether what is typed is shown by the terminal itself, as it is where no program took the keys.
  [[nodiscard]] bool echoes() const;
  [[nodiscard]] const std::string& printed() const noexcept { return printed_; }
  // waitpid()'s status; nullopt when it still runs after limit.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(20));

 private:
  void collect(std::chrono::milliseconds limit);

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string printed_;
  std::optional<int> status_;
};

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_TERMINAL_H_
