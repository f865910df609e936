// Opening: the module's functions that make a Source.
#ifndef SHMCONF_PYTHON_EXTENSION_OPENING_H_
#define SHMCONF_PYTHON_EXTENSION_OPENING_H_

#include "extension/py.h"

namespace shmconf::python {

// Each: keywords as the table in module.cc says. New reference; null with an exception.
PyObject* open_reader(PyObject* module, PyObject* arguments, PyObject* keywords);
PyObject* open_backup(PyObject* module, PyObject* arguments, PyObject* keywords);
PyObject* launch(PyObject* module, PyObject* arguments, PyObject* keywords);
PyObject* given(PyObject* module, PyObject* arguments, PyObject* keywords);

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_OPENING_H_
