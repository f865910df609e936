// in_child(): runs a function in a process of its own, for what a process cannot take back.
#ifndef SHMCONF_TESTS_UNIT_HARDENING_IN_CHILD_H_
#define SHMCONF_TESTS_UNIT_HARDENING_IN_CHILD_H_

#include <functional>
#include <string>

namespace shmconf::hardening {

// What the function returns. Requires a process with one thread. "killed by signal N" when it did not
// come to its end.
std::string in_child(const std::function<std::string()>& function);

// In a child: all capabilities, where this user may have them in a user namespace of its own.
void become_root();

// In a child: /proc/self/status from the line with this name on: "CapEff: 0000..." and so on.
std::string status_line(const std::string& name);

}  // namespace shmconf::hardening

#endif  // SHMCONF_TESTS_UNIT_HARDENING_IN_CHILD_H_
