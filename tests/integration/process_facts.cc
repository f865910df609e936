// Prints what a program inherits of its parent's confinement, for the tests of exec.

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <string>

int main() {
  std::printf("dumpable %d\n", ::prctl(PR_GET_DUMPABLE));
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  std::printf("core %llu %llu\n", static_cast<unsigned long long>(core.rlim_cur),
              static_cast<unsigned long long>(core.rlim_max));
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    for (const char* name : {"Cap", "NoNewPrivs", "Seccomp", "Groups"}) {
      if (line.starts_with(name)) std::printf("%s\n", line.c_str());
    }
  }
}
