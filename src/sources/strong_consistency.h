// The consistency of the queries whose answers decide something.
#ifndef SHMCONF_SOURCES_STRONG_CONSISTENCY_H_
#define SHMCONF_SOURCES_STRONG_CONSISTENCY_H_

#include "settings/settings.h"

namespace shmconf::sources {

// As the settings say, but never stale: a stale server's answer may lag.
[[nodiscard]] inline settings::Consistency strong(settings::Consistency asked_for) {
  using settings::Consistency;
  return asked_for == Consistency::kStale ? Consistency::kDefault : asked_for;
}

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_STRONG_CONSISTENCY_H_
