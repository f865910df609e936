// Status: what shmconf_get_status() tells, as a dict for the Python side.
#ifndef SHMCONF_PYTHON_EXTENSION_STATUS_H_
#define SHMCONF_PYTHON_EXTENSION_STATUS_H_

#include "extension/source.h"

namespace shmconf::python {

// Names as in shmconf_status and shmconf_role; ages in seconds, None where there is none. Of a source
// that holds one generation, only its number. New reference.
PyObject* status_of(Source& source);

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_STATUS_H_
