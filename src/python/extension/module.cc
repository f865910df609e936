// The module shmconf._reader: what the package shmconf is built on, and nobody else's interface. Its
// types are described in _reader.pyi.
#include "extension/differences.h"
#include "extension/node.h"
#include "extension/opening.h"
#include "extension/source.h"
#include "extension/state.h"
#include "extension/values.h"
#include "extension/waiter.h"

namespace shmconf::python {

State& state_of(PyObject* module) noexcept { return *static_cast<State*>(PyModule_GetState(module)); }

const char* code_name(shmconf_code code) noexcept {
  switch (code) {
    case SHMCONF_OK: return "ok";
    case SHMCONF_ABSENT: return "absent";
    case SHMCONF_NOT_READY: return "not_ready";
    case SHMCONF_WRONG_VERSION: return "wrong_version";
    case SHMCONF_DAMAGED: return "damaged";
    case SHMCONF_DENIED: return "denied";
    case SHMCONF_INVALID: return "invalid";
    case SHMCONF_WRONG_TYPE: return "wrong_type";
    case SHMCONF_TIMEOUT: return "timeout";
    case SHMCONF_UNAVAILABLE: return "unavailable";
    case SHMCONF_NO_SPACE: return "no_space";
    case SHMCONF_SYSTEM: return "system";
  }
  return "system";
}

PyObject* raise_error(const State& state, shmconf_code code, const char* text) {
  const Ref words(text_or_bytes(text));
  const Ref name(PyUnicode_FromString(code_name(code)));
  const Ref error(words ? PyObject_CallFunctionObjArgs(state.error, words.get(), nullptr) : nullptr);
  if (error && name && PyObject_SetAttrString(error.get(), "code", name.get()) == 0) {
    PyErr_SetObject(state.error, error.get());
  }
  return nullptr;
}

namespace {

// The generation that a source holds, where the argument is a source that has one.
GenerationHandle generation_of(PyObject* source) {
  if (is_source(source)) return as_source(source)->source.current();
  PyErr_SetString(PyExc_TypeError, "expected a Source");
  return nullptr;
}

PyObject* find_changed_keys(PyObject*, PyObject* arguments) {
  PyObject* before = nullptr;
  PyObject* after = nullptr;
  PyObject* path = nullptr;
  if (PyArg_ParseTuple(arguments, "OOO:changed_keys", &before, &after, &path) == 0) return nullptr;
  return guarded([&]() -> PyObject* {
    const GenerationHandle older = generation_of(before);
    const GenerationHandle newer = older ? generation_of(after) : nullptr;
    const auto bytes = newer ? key_bytes(path) : std::nullopt;
    return bytes ? changed_keys(*older, *newer, *bytes) : nullptr;
  });
}

PyObject* find_is_changed(PyObject*, PyObject* arguments) {
  PyObject* before = nullptr;
  PyObject* after = nullptr;
  PyObject* key = nullptr;
  if (PyArg_ParseTuple(arguments, "OOO:is_changed", &before, &after, &key) == 0) return nullptr;
  return guarded([&]() -> PyObject* {
    const GenerationHandle older = generation_of(before);
    const GenerationHandle newer = older ? generation_of(after) : nullptr;
    const auto bytes = newer ? key_bytes(key) : std::nullopt;
    return bytes ? PyBool_FromLong(is_changed(*older, *newer, *bytes)) : nullptr;
  });
}

const Node* node_of(PyObject* module, PyObject* object) {
  const int is_node = PyObject_IsInstance(object, state_of(module).node_type);
  if (is_node == 0) PyErr_SetString(PyExc_TypeError, "expected a part of a configuration");
  return is_node == 1 ? &as_node(object) : nullptr;
}

PyObject* source_of(PyObject* module, PyObject* object) {
  const Node* const node = node_of(module, object);
  return node != nullptr ? Ref::share(reinterpret_cast<PyObject*>(node->source)).release() : nullptr;
}

PyObject* prefix_of(PyObject* module, PyObject* object) {
  const Node* const node = node_of(module, object);
  return node != nullptr ? key_text(node->prefix) : nullptr;
}

PyObject* use_types(PyObject* module, PyObject* arguments) {
  State& state = state_of(module);
  PyObject* child = nullptr;
  PyObject* missing = nullptr;
  if (PyArg_ParseTuple(arguments, "OO:use_types", &child, &missing) == 0) return nullptr;
  if (PyObject_IsSubclass(child, state.node_type) != 1 ||
      PyObject_IsSubclass(missing, PyExc_AttributeError) != 1) {
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_TypeError, "expected a Node and an AttributeError");
    return nullptr;
  }
  Ref(std::exchange(state.child_type, Ref::share(child).release()));
  Ref(std::exchange(state.missing_key, Ref::share(missing).release()));
  Py_RETURN_NONE;
}

template <typename Function>
PyCFunction method(Function function) {
  return reinterpret_cast<PyCFunction>(slot(function));
}

PyMethodDef functions[] = {
    {"open", method(open_reader), METH_VARARGS | METH_KEYWORDS, "A Source that reads the segment of a name."},
    {"open_backup", method(open_backup), METH_VARARGS | METH_KEYWORDS, "A Source that reads one backup file."},
    {"launch", method(launch), METH_VARARGS | METH_KEYWORDS, "As open, with a sidecar started where there is none."},
    {"given", method(given), METH_VARARGS | METH_KEYWORDS, "A Source of one dict, which must not change."},
    {"changed_keys", find_changed_keys, METH_VARARGS,
     "changed_keys(before, after, path): the keys at and below path that two sources differ in."},
    {"is_changed", find_is_changed, METH_VARARGS, "is_changed(before, after, key)"},
    {"source_of", source_of, METH_O, "The source of a node."},
    {"prefix_of", prefix_of, METH_O, "The path of a node with a '/' behind it; '' for the root."},
    {"use_types", use_types, METH_VARARGS, "use_types(child, missing_key): the package's own types."},
    {nullptr, nullptr, 0, nullptr},
};

bool fill(PyObject* module) {
  State& state = state_of(module);
  const Ref json(PyImport_ImportModule("json"));
  if (!json) return false;
  state.json_loads = PyObject_GetAttrString(json.get(), "loads");
  state.error = PyErr_NewExceptionWithDoc(
      "shmconf.Error", "No configuration to be had, or not as asked for; str() says what to do, code what it is.",
      nullptr, nullptr);
  state.source_type = make_source_type();
  state.waiter_type = make_waiter_type();
  state.node_type = make_node_type();
  state.child_type = Ref::share(state.node_type).release();
  state.missing_key = Ref::share(PyExc_AttributeError).release();
  const std::pair<const char*, PyObject*> shown[] = {{"Error", state.error},
                                                     {"Source", state.source_type},
                                                     {"Waiter", state.waiter_type},
                                                     {"Node", state.node_type}};
  for (const auto& [name, object] : shown) {
    if (object == nullptr || PyObject_SetAttrString(module, name, object) != 0) return false;
  }
  return state.json_loads != nullptr &&
         PyModule_AddStringConstant(module, "__version__", shmconf_version()) == 0;
}

int execute(PyObject* module) {
  new (&state_of(module)) State();
  return fill(module) ? 0 : -1;
}

using Held = PyObject* State::*;
constexpr Held kHeld[] = {&State::error,      &State::source_type, &State::waiter_type, &State::node_type,
                          &State::child_type, &State::missing_key, &State::json_loads};

int traverse(PyObject* module, visitproc visit, void* arg) {
  State& state = state_of(module);
  for (const Held held : kHeld) Py_VISIT(state.*held);
  return 0;
}

int clear(PyObject* module) {
  State& state = state_of(module);
  for (const Held held : kHeld) Ref(std::exchange(state.*held, nullptr));
  return 0;
}

void release(void* module) { clear(static_cast<PyObject*>(module)); }

PyModuleDef_Slot slots[] = {{Py_mod_exec, slot(execute)}, {0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "shmconf._reader",
                          "The reader's C ABI for the package shmconf.", sizeof(State), functions, slots,
                          traverse, clear, release};

}  // namespace
}  // namespace shmconf::python

PyMODINIT_FUNC PyInit__reader() { return PyModuleDef_Init(&shmconf::python::definition); }
