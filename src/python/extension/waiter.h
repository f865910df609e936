// Waiter: a reader of a source's segment for one thread that waits for changes without the GIL. The
// type `_reader.Waiter`.
#ifndef SHMCONF_PYTHON_EXTENSION_WAITER_H_
#define SHMCONF_PYTHON_EXTENSION_WAITER_H_

#include "extension/source.h"

namespace shmconf::python {

// New reference; null with an exception, also where the source follows nothing.
PyObject* make_waiter(Source& source);

// Makes the type. New reference.
PyObject* make_waiter_type();

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_WAITER_H_
