// What a process of the sidecar gives up once it knows its settings: capabilities, new privileges,
// the system calls that it has no use for, and core dumps of what it holds.
//
// Irrevocable, for the calling thread and what it starts: call from main, before there are others. A
// program that is executed later keeps no_new_privs, the filter and the bounds, so nothing is executed
// by what is confined (the filter denies it, too). Nothing here throws.
#ifndef SHMCONF_HARDENING_CONFINE_H_
#define SHMCONF_HARDENING_CONFINE_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shmconf::hardening {

// A path that the process has to reach as long as it runs.
struct Need {
  enum class Access : std::uint8_t {
    kRead,
    kMakeFiles,  // in this directory, or, while it is missing, in the nearest one above it
    kConnect,    // to this socket, which may not be there yet
  };
  std::string what;  // for the log: "the token file"
  std::string path;  // absolute
  Access access = Access::kRead;
};

struct Needs {
  std::vector<Need> paths;
  std::optional<gid_t> group;  // files are given to it
  bool accepts = false;        // connections, on a socket that listens already
};

struct Note {
  enum class Kind : std::uint8_t {
    kKept,     // a right that the needs ask for
    kRefused,  // the kernel takes no part of it away: the process goes on with more than it needs
  };
  Kind kind = Kind::kKept;
  std::string text;
};

// Gives up all that the needs do not ask for. What the kernel refuses is left out, and noted.
[[nodiscard]] std::vector<Note> confine(const Needs& needs);

}  // namespace shmconf::hardening

#endif  // SHMCONF_HARDENING_CONFINE_H_
