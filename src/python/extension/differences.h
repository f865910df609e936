// Differences: which keys two generations disagree about.
#ifndef SHMCONF_PYTHON_EXTENSION_DIFFERENCES_H_
#define SHMCONF_PYTHON_EXTENSION_DIFFERENCES_H_

#include "extension/source.h"

namespace shmconf::python {

// The keys whose value or flags differ, as a list of str: the one that is path and those below
// "path/"; of all keys where path is empty. Stops where bytes are not sound: what follows is not gone.
// New reference.
PyObject* changed_keys(const Generation& before, const Generation& after, const std::string& path);

// Whether the value or flags of one key differ.
bool is_changed(const Generation& before, const Generation& after, const std::string& key);

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_DIFFERENCES_H_
