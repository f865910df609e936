// State: what the module holds for one interpreter.
#ifndef SHMCONF_PYTHON_EXTENSION_STATE_H_
#define SHMCONF_PYTHON_EXTENSION_STATE_H_

#include "extension/py.h"
#include "shmconf/c.h"

namespace shmconf::python {

struct State {
  PyObject* error = nullptr;        // shmconf.Error
  PyObject* source_type = nullptr;
  PyObject* waiter_type = nullptr;
  PyObject* node_type = nullptr;    // the extension's own
  PyObject* child_type = nullptr;   // what children are: shmconf.Node
  PyObject* missing_key = nullptr;  // raised with (node, name)
  PyObject* json_loads = nullptr;
};

State& state_of(PyObject* module) noexcept;

// Raises shmconf.Error with the library's text for the code; answers nullptr.
PyObject* raise_error(const State& state, shmconf_code code, const char* text);

// "absent", "not_ready", ...; an attribute of shmconf.Error.
const char* code_name(shmconf_code code) noexcept;

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_STATE_H_
