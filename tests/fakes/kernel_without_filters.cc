// Runs a program as on a kernel, or in a container, that lets nobody have a filter of system calls:
//
//   kernel_without_filters PROGRAM ARGUMENTS...

#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
  const scmp_arg_cmp sets_filter{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_SECCOMP, .datum_b = 0};
  const bool loaded = filter != nullptr &&
                      ::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(seccomp), 0, nullptr) == 0 &&
                      ::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, &sets_filter) == 0 &&
                      ::seccomp_load(filter) == 0;
  if (loaded) ::execvp(argv[1], argv + 1);
  std::perror(argv[1]);
  return 126;
}
