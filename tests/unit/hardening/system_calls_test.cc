// The filter itself, in a child: what it denies, and what it must let through.
#include "hardening/system_calls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "harness/temp_directory.h"
#include "unit/hardening/in_child.h"

namespace shmconf::hardening {
namespace {

struct Attempt {
  const char* name;
  long (*make)();
};

// Their arguments are such that the kernel itself would answer otherwise: EFAULT, EBADF, success.
// By number, since the sanitizers have wrappers.
const Attempt kDenied[] = {
    {"execve", [] { return ::syscall(SYS_execve, nullptr, nullptr, nullptr); }},
    {"execveat", [] { return ::syscall(SYS_execveat, -1, nullptr, nullptr, nullptr, 0); }},
    {"mount", [] { return ::syscall(SYS_mount, nullptr, nullptr, nullptr, 0UL, nullptr); }},
    {"umount2", [] { return ::syscall(SYS_umount2, nullptr, 0); }},
    {"pivot_root", [] { return ::syscall(SYS_pivot_root, nullptr, nullptr); }},
    {"chroot", [] { return ::syscall(SYS_chroot, nullptr); }},
    {"unshare", [] { return ::syscall(SYS_unshare, 0); }},
    {"setns", [] { return ::syscall(SYS_setns, -1, 0); }},
    {"bpf", [] { return ::syscall(SYS_bpf, -1, nullptr, 0); }},
    {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0UL); }},
    {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 0, nullptr); }},
    {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, -1); }},
    {"keyctl", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
    {"init_module", [] { return ::syscall(SYS_init_module, nullptr, 0UL, nullptr); }},
    {"kexec_load", [] { return ::syscall(SYS_kexec_load, 0UL, 0UL, nullptr, 0UL); }},
    {"seccomp", [] { return ::syscall(SYS_seccomp, 0, 0, nullptr); }},
    {"personality", [] { return ::syscall(SYS_personality, 0xffffffffUL); }},
    {"process_vm_writev", [] { return ::syscall(SYS_process_vm_writev, ::getppid(), nullptr, 0UL, nullptr, 0UL, 0UL); }},
    {"pidfd_open", [] { return ::syscall(SYS_pidfd_open, ::getppid(), 0); }},
    {"prlimit64 of the parent", [] { return ::syscall(SYS_prlimit64, ::getppid(), RLIMIT_CORE, nullptr, nullptr); }},
    {"setuid", [] { return ::syscall(SYS_setuid, ::getuid()); }},
    {"setgid", [] { return ::syscall(SYS_setgid, ::getgid()); }},
    {"setsid", [] { return ::syscall(SYS_setsid); }},
    {"capset", [] { return ::syscall(SYS_capset, nullptr, nullptr); }},
    {"fchown to another user", [] { return ::syscall(SYS_fchown, -1, 0, 0); }},
    {"fchmodat", [] { return ::syscall(SYS_fchmodat, AT_FDCWD, nullptr, 0); }},
    {"mknodat", [] { return ::syscall(SYS_mknodat, AT_FDCWD, nullptr, 0, 0); }},
    {"linkat", [] { return ::syscall(SYS_linkat, AT_FDCWD, nullptr, AT_FDCWD, nullptr, 0); }},
    {"symlinkat", [] { return ::syscall(SYS_symlinkat, nullptr, AT_FDCWD, nullptr); }},
    {"listen", [] { return ::syscall(SYS_listen, -1, 1); }},
    {"accept4", [] { return ::syscall(SYS_accept4, -1, nullptr, nullptr, 0); }},
    {"TIOCSTI", [] { return ::syscall(SYS_ioctl, -1, TIOCSTI, nullptr); }},
    {"a packet socket", [] { return ::syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0); }},
    {"a raw socket", [] { return ::syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
    {"a raw socket, flagged", [] { return ::syscall(SYS_socket, AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 58); }},
    {"a socket of kernel events", [] { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT); }},
    {"a virtual machine's socket", [] { return ::syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    {"fork", [] {
       const long pid = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
       if (pid == 0) ::_exit(0);
       return pid;
     }},
    {"ptrace", [] { return ::syscall(SYS_ptrace, PTRACE_TRACEME, 0, nullptr, nullptr); }},
    {"process_vm_readv", [] { return ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0UL, nullptr, 0UL, 0UL); }},
    {"kill", [] { return ::syscall(SYS_kill, ::getppid(), 0); }},
    {"tgkill of the parent", [] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
    {"to be dumpable again", [] { return ::syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }},
#endif
#if defined(__x86_64__)
    {"execve by its x32 number", [] { return ::syscall(0x40000000 | 520, nullptr, nullptr, nullptr); }},
#endif
};

std::string answer_to(const Attempt& attempt) {
  errno = 0;
  const long result = attempt.make();
  const char* error = result >= 0 ? "done" : ::strerrorname_np(errno);
  return std::string(attempt.name) + ": " + (error != nullptr ? error : "?") + "\n";
}

// A child that has the filter, as confine() sets it, and no other confinement.
std::string under_filter(const std::function<std::string()>& function, bool accepts = false) {
  return in_child([&] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const auto restricted = restrict_system_calls(accepts);
    return restricted ? function() : restricted.error().text;
  });
}

TEST(SystemCalls, WhatIsNotNeededIsRefusedAndKillsNobody) {
  const std::string answers = under_filter([] {
    std::string text;
    for (const Attempt& attempt : kDenied) text += answer_to(attempt);
    return text;
  });
  std::string expected;
  for (const Attempt& attempt : kDenied) expected += std::string(attempt.name) + ": EPERM\n";
  EXPECT_EQ(answers, expected);
}

// The kernel has no such objections of its own, so the refusals above are the filter's.
TEST(SystemCalls, WithoutTheFilterTheKernelAnswersOtherwise) {
  const std::string answers = in_child([] {
    std::string text;
    for (const char* name : {"execve", "unshare", "setuid", "fchown to another user", "listen", "capset"}) {
      for (const Attempt& attempt : kDenied) {
        if (std::strcmp(attempt.name, name) == 0) text += answer_to(attempt);
      }
    }
    return text;
  });
  EXPECT_EQ(answers.find("EPERM"), std::string::npos) << answers;
  EXPECT_NE(answers.find("execve: EFAULT"), std::string::npos) << answers;
}

TEST(SystemCalls, AServerMayAcceptAndStillNotListen) {
  EXPECT_EQ(under_filter(
                [] {
                  return answer_to({"accept4", [] { return ::syscall(SYS_accept4, -1, nullptr, nullptr, 0); }}) +
                         answer_to({"listen", [] { return ::syscall(SYS_listen, -1, 1); }});
                },
                true),
            "accept4: EBADF\nlisten: EPERM\n");
}

TEST(SystemCalls, Clone3IsAbsentSoThatThreadsAreStartedByClone) {
  EXPECT_EQ(under_filter([] {
              return answer_to({"clone3", [] { return ::syscall(SYS_clone3, nullptr, sizeof(clone_args)); }});
            }),
            "clone3: ENOSYS\n");
}

TEST(SystemCalls, ThreadsNamesTimersAndFilesWork) {
  const harness::TempDirectory directory;
  const std::string file = directory / "file";
  EXPECT_EQ(under_filter([&]() -> std::string {
              int from_thread = 0;
              std::thread([&] { from_thread = 7; }).join();
              if (from_thread != 7) return "no thread";
              addrinfo hints{};
              hints.ai_flags = AI_ADDRCONFIG;
              addrinfo* found = nullptr;
              if (const int failed = ::getaddrinfo("localhost", "80", &hints, &found); failed != 0) {
                return ::gai_strerror(failed);
              }
              ::freeaddrinfo(found);
              const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
              const itimerspec soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 1}};
              if (::timerfd_settime(timer, 0, &soon, nullptr) != 0) return "no timer";
              pollfd ready{.fd = timer, .events = POLLIN, .revents = 0};
              if (::poll(&ready, 1, 10'000) != 1) return "no poll";
              const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
              if (::fallocate(made, 0, 0, 100) != 0 && errno != EOPNOTSUPP) return "no allocation";
              if (::fchown(made, static_cast<uid_t>(-1), ::getegid()) != 0) return "no group";
              struct flock lock {};
              lock.l_type = F_WRLCK;
              if (::fcntl(made, F_OFD_SETLK, &lock) != 0) return "no lock";
              if (::rename(file.c_str(), (file + "2").c_str()) != 0) return "no rename";
              rlimit limit{};
              if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return "no limit";
              return "works";
            }),
            "works");
}

TEST(SystemCalls, AbortEndsTheProcessAsEver) {
  EXPECT_EQ(under_filter([]() -> std::string {
              ::signal(SIGABRT, SIG_DFL);
              ::abort();
            }),
            "killed by signal 6 after: ");
}

}  // namespace
}  // namespace shmconf::hardening
