// A command for exec's tests: writes down each signal that reaches it, in order.
//
//   signal_recorder FILE [CODE [DRAIN_MS]]
//
// Writes "ready", then a line a signal: its short name, or RT+n with the value sent along. Ends at
// SIGTERM, DRAIN_MS later, with CODE.

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

namespace {

void record(int file, const std::string& line) {
  const std::string text = line + "\n";
  if (::write(file, text.data(), text.size()) < 0) ::_exit(99);
}

std::string described(const siginfo_t& info) {
  if (info.si_signo >= SIGRTMIN) {
    return "RT+" + std::to_string(info.si_signo - SIGRTMIN) + " " + std::to_string(info.si_value.sival_int);
  }
  const char* name = ::sigabbrev_np(info.si_signo);
  return name != nullptr ? name : std::to_string(info.si_signo);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 98;
  const int code = argc > 2 ? ::atoi(argv[2]) : 0;
  const std::chrono::milliseconds drain(argc > 3 ? ::atoi(argv[3]) : 0);
  const int file = ::open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return 97;
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  record(file, "ready");
  for (;;) {
    siginfo_t info{};
    if (::sigwaitinfo(&all, &info) < 0) continue;
    record(file, described(info));
    if (info.si_signo != SIGTERM) continue;
    std::this_thread::sleep_for(drain);
    record(file, "done");
    return code;
  }
}
