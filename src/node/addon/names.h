// Names: what lies directly below a prefix of a snapshot's keys.
#ifndef SHMCONF_NODE_ADDON_NAMES_H_
#define SHMCONF_NODE_ADDON_NAMES_H_

#include <functional>

#include "addon/js.h"

namespace shmconf::node {

// Calls visit(name) once for each name, "a" for the keys "a" and "a/b/c" below "", in the order in
// which their first keys come. The views live as long as the snapshot. Answers SHMCONF_OK, or why it
// did not get to the end.
shmconf_code visit_names(const shmconf_snapshot* snapshot, const std::string& prefix,
                         const std::function<void(std::string_view name)>& visit);

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_NAMES_H_
