#include "unit/hardening/in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "env/fd.h"

namespace shmconf::hardening {
namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written <= 0) ::_exit(1);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void write_file(const char* path, const std::string& text) {
  const env::Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  write_all(file.get(), text);
}

}  // namespace

std::string in_child(const std::function<std::string()>& function) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  const env::Fd reading(ends[0]);
  env::Fd writing(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return "no child";
  if (pid == 0) {
    write_all(writing.get(), function());
    ::_exit(0);
  }
  writing.reset();
  std::string text;
  std::array<char, 4096> piece;
  for (ssize_t got = 0; (got = ::read(reading.get(), piece.data(), piece.size())) > 0;) {
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status)) + " after: " + text;
  return text;
}

void become_root() {
  if (::geteuid() == 0) return;
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER) != 0) {
    std::perror("a user namespace");
    ::_exit(2);
  }
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + uid + " 1");
  write_file("/proc/self/gid_map", "0 " + gid + " 1");
}

std::string status_line(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return line.substr(line.find('\t') + 1);
  }
  return "?";
}

}  // namespace shmconf::hardening
