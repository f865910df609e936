// An allow list: what Asio, OpenSSL, glibc's resolver and this program's own files, maps, locks and
// threads need. No new program or process, nobody else's process or memory, no listening, no raw
// sockets, no change of identity, mounts or modes by path.

#include "hardening/system_calls.h"

#include <asm/termbits.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "env/env.h"

namespace shmconf::hardening {
namespace {

// By name, since not every architecture has them all, nor every libseccomp knows the newest.
constexpr std::array kAllowed = {
    // files
    "access", "close", "close_range", "dup", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchmod", "fcntl",
    "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents64", "lseek", "lstat", "mkdir",
    "mkdirat", "newfstatat", "open", "openat", "pread64", "pwrite64", "read", "readlink", "readlinkat", "readv", "rename",
    "renameat", "renameat2", "rmdir", "stat", "statfs", "statx", "unlink", "unlinkat", "write", "writev",
    // memory
    "brk", "madvise", "membarrier", "mmap", "mprotect", "mremap", "munmap",
    // threads, locks and signals of this process
    "exit", "exit_group", "futex", "futex_waitv", "getcpu", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
    "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "restart_syscall", "sched_getaffinity", "sched_yield",
    "set_robust_list", "set_tid_address", "sigaltstack",
    // who and where
    "getegid", "geteuid", "getgid", "getgroups", "getpid", "getppid", "getrandom", "getresgid", "getresuid",
    "getrlimit", "getrusage", "gettid", "getuid", "sysinfo", "times", "uname",
    // time
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time", "timerfd_create",
    "timerfd_gettime", "timerfd_settime",
    // waiting
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "pipe",
    "pipe2", "poll", "ppoll", "pselect6", "select",
    // sockets; which ones, see allow_sockets()
    "bind", "connect", "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg",
    "sendmsg", "sendto", "setsockopt", "shutdown",
};

// GCC says it with these macros; clang, before it had them, with features.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHMCONF_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHMCONF_SANITIZED
#endif
#endif

#if defined(SHMCONF_SANITIZED)
// Of the sanitizers' runtimes, which also start a process that looks for leaks at the end.
constexpr std::array kAllowedToRuntimes = {"capget", "clone", "getdents", "kill", "prctl", "process_vm_readv", "ptrace",
                                           "sched_getparam", "sched_getscheduler", "tgkill", "wait4"};
#else
constexpr std::array<const char*, 0> kAllowedToRuntimes = {};
#endif

// An argument's low half is what the kernel takes of an int; the other may hold anything.
scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}
scmp_arg_cmp is_int(unsigned argument, std::uint32_t value) { return masked(argument, UINT32_MAX, value); }
scmp_arg_cmp is_null(unsigned argument) { return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = 0, .datum_b = 0}; }

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM))) {
    if (!context_) {
      failure_ = -ENOMEM;
      return;
    }
    set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));  // calls by another architecture's numbers
    set(SCMP_FLTATR_CTL_NNP, 0);                          // is the caller's
    set(SCMP_FLTATR_CTL_OPTIMIZE, 2);                     // a tree instead of a list of a hundred
    set(SCMP_FLTATR_API_SYSRAWRC, 1);
    // Nothing here runs code that is not trusted, so what older kernels do against speculation beside a
    // filter would only cost time.
    set(SCMP_FLTATR_CTL_SSB, 1);
  }

  void allow(const char* name, std::initializer_list<scmp_arg_cmp> when = {}) { add(SCMP_ACT_ALLOW, name, when); }
  void answer(int error, const char* name) { add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), name, {}); }

  // 0, or a negative errno.
  int load() {
    if (failure_ == 0) fail(::seccomp_load(context_.get()));
    return failure_;
  }

 private:
  struct Release {
    void operator()(scmp_filter_ctx context) const noexcept { ::seccomp_release(context); }
  };

  void fail(int result) {
    if (failure_ == 0 && result < 0) failure_ = result;
  }
  // One that this libseccomp does not know is an improvement that is left out.
  void set(scmp_filter_attr attribute, std::uint32_t value) { ::seccomp_attr_set(context_.get(), attribute, value); }

  void add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> when) {
    if (failure_ != 0) return;
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;
    fail(::seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(when.size()), when.begin()));
  }

  std::unique_ptr<void, Release> context_;
  int failure_ = 0;
};

void allow_threads(Filter& filter) {
  // glibc tries clone3 first, whose flags a filter cannot see, and falls back on this answer alone.
  filter.answer(ENOSYS, "clone3");
  constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                        CLONE_NEWPID | CLONE_NEWNET;
  filter.allow("clone", {masked(0, CLONE_THREAD | kNamespaces, CLONE_THREAD)});
  filter.allow("tgkill", {is_int(0, static_cast<std::uint32_t>(::getpid()))});  // abort() and raise()
}

void allow_sockets(Filter& filter) {
  constexpr std::uint64_t kTypes = 0xf;  // the kernel's SOCK_TYPE_MASK; the rest are flags
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      filter.allow("socket", {is_int(0, static_cast<std::uint32_t>(family)),
                              masked(1, kTypes, static_cast<std::uint64_t>(type))});
    }
  }
  // getaddrinfo() asks which addresses this machine has.
  filter.allow("socket", {is_int(0, AF_NETLINK), masked(1, kTypes, SOCK_RAW), is_int(2, NETLINK_ROUTE)});
}

}  // namespace

Result<void> restrict_system_calls(bool accepts) {
  Filter filter;
  for (const char* name : kAllowed) filter.allow(name);
  for (const char* name : kAllowedToRuntimes) filter.allow(name);
  if (accepts) {
    for (const char* name : {"accept", "accept4"}) filter.allow(name);
  }
  allow_threads(filter);
  allow_sockets(filter);
  for (const unsigned request : {unsigned{FIONBIO}, unsigned{FIONREAD}, unsigned{TCGETS}}) {
    filter.allow("ioctl", {is_int(1, request)});
  }
  filter.allow("fchown", {is_int(1, UINT32_MAX)});              // the group alone
  filter.allow("prlimit64", {is_int(0, 0), is_null(2)});  // one's own, to be read
  if (const int failure = filter.load(); failure != 0) {
    return env::system_error(-failure, "load", "the filter of system calls");
  }
  return {};
}

}  // namespace shmconf::hardening
