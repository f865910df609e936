// The file descriptors that the caller left to this process. Not thread-safe.
#ifndef SHMCONF_SUPERVISOR_DESCRIPTORS_H_
#define SHMCONF_SUPERVISOR_DESCRIPTORS_H_

#include <vector>

namespace shmconf::supervisor {

// Puts /dev/null, close-on-exec, where descriptor 0, 1 or 2 is closed, so that no file of ours lands
// there; a program that is started still finds it closed. Call before any file is opened.
void occupy_standard_descriptors();

// Descriptors above 2 that a program started now would inherit.
std::vector<int> inheritable_descriptors();

// Once the command has its own: lets go of stdin, stdout and `inherited`, so that what the command
// closes is closed. stderr stays, for the log.
void leave_to_command(const std::vector<int>& inherited);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_DESCRIPTORS_H_
