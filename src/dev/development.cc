#include "dev/development.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <utility>

#include "env/env.h"
#include "env/fd.h"

namespace shmconf::dev {
namespace {

namespace asio = boost::asio;

constexpr char kWarning[] =
    "shmconf dev: FOR DEVELOPMENT ONLY: an endpoint in memory, without ACLs, sessions or a disk; what it holds is "
    "gone when it ends\n";

// What the child says of its start: one byte, then the URL or why it failed.
constexpr char kListening = 'L';

Result<void> serve_until(const EndpointOptions& options, const std::function<void(const std::string&)>& listening) {
  asio::io_context io;
  auto endpoint = run_endpoint(io, options);
  if (!endpoint) return endpoint.error();
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code&, int) { (*endpoint)->stop(); });
  std::fputs(kWarning, stderr);
  listening((*endpoint)->url());
  io.run();
  return {};
}

void tell(int fd, char first, const std::string& text) {
  const std::string message = first + text;
  // A pipe takes so few bytes at once; and if nobody reads them, nobody waits for them.
  static_cast<void>(!::write(fd, message.data(), message.size()));
}

[[noreturn]] void serve_as_child(const EndpointOptions& options, pid_t parent, env::Fd pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  // Away from the terminal's Ctrl-C: the supervisor ends first, and this process with it.
  ::setpgid(0, 0);
  const auto served = serve_until(options, [&](const std::string& url) {
    tell(pipe.get(), kListening, url);
    pipe.reset();
  });
  if (!served) tell(pipe.get(), 'E', served.error().text);
  ::_exit(served ? 0 : 1);
}

}  // namespace

Result<void> serve(const EndpointOptions& options) {
  return serve_until(options, [](const std::string& url) {
    std::printf("listening on %s\n", url.c_str());
    std::fflush(stdout);
  });
}

Result<std::string> start_bound_endpoint(const EndpointOptions& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return env::system_error(errno, "make", "a pipe");
  env::Fd reading(ends[0]);
  env::Fd writing(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return env::system_error(errno, "fork", "the endpoint");
  if (child == 0) {
    reading.reset();
    serve_as_child(options, parent, std::move(writing));
  }
  writing.reset();
  std::string said;
  char buffer[512];
  for (;;) {
    const ssize_t got = ::read(reading.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    said.append(buffer, static_cast<std::size_t>(got));
  }
  if (!said.empty() && said[0] == kListening) return said.substr(1);
  ::waitpid(child, nullptr, 0);
  return Error{ErrorCode::kUnavailable, said.size() > 1 ? said.substr(1) : "the endpoint ended at its start"};
}

}  // namespace shmconf::dev
