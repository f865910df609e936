// View: the configuration and the sidecar as a reader sees them, also while there is none to read.
//
// Belongs to one thread. Looking makes a few system calls and never blocks.
#ifndef SHMCONF_HTTP_VIEW_H_
#define SHMCONF_HTTP_VIEW_H_

#include <optional>
#include <string>

#include "shmconf/reader.h"

namespace shmconf::http {

struct Seen {
  std::optional<Status> status;      // empty: there is not even a control page to be read
  std::optional<Snapshot> snapshot;  // empty: readers have no configuration
  std::string problem;               // why one of these is missing; empty: neither is

  [[nodiscard]] bool readable() const noexcept { return snapshot.has_value(); }
  // Whether watch or heartbeat of a segment is at work.
  [[nodiscard]] bool sidecar_lives() const;
  // The word of `shmconf status`, or "none" where there is no configuration.
  [[nodiscard]] const char* verdict() const;
};

class View {
 public:
  View(std::string name, OpenOptions where);

  Seen look();

 private:
  const std::string name_;
  const OpenOptions where_;
  std::optional<Reader> reader_;
};

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_VIEW_H_
