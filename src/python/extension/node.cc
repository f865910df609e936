#include "extension/node.h"

#include "extension/lookup.h"
#include "extension/values.h"

namespace shmconf::python {
namespace {

PyObject* allocate(PyTypeObject* type, SourceObject* source, std::string prefix) {
  const auto make = reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc));
  PyObject* const made = make(type, 0);
  if (made != nullptr) new (&as_node(made)) Node(source, std::move(prefix));
  return made;
}

// Node(source): the root of what the source holds.
PyObject* make_root(PyTypeObject* type, PyObject* arguments, PyObject*) {
  PyObject* const source = PyTuple_Size(arguments) > 0 ? PyTuple_GetItem(arguments, 0) : nullptr;
  if (source == nullptr || !is_source(source)) {
    PyErr_SetString(PyExc_TypeError, "a configuration comes from shmconf.open(), launch() or from_dict()");
    return nullptr;
  }
  return guarded([&] { return allocate(type, as_source(source), ""); });
}

void deallocate(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  as_node(self).~Node();
  reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

bool is_current(const Node& node) noexcept { return node.generation == node.source->source.newest(); }

// Starts what is kept over where the generation has moved. False: an exception is set.
bool refresh(Node& node) {
  const GenerationHandle now = node.source->source.current();
  if (!now) return false;
  if (node.generation == now->number) return true;
  // New ones: a thread that is in the middle of a read goes on to fill the old ones.
  Ref attributes(PyDict_New());
  Ref items(PyDict_New());
  if (!attributes || !items) return false;
  node.generation = now->number;
  node.older_attributes = std::exchange(node.attributes, std::move(attributes));
  node.items = std::move(items);
  node.names = Ref();
  return true;
}

PyObject* handed_out(PyObject* kept) {
  if (PyList_CheckExact(kept)) [[unlikely]] return copy_list(kept);
  Py_INCREF(kept);
  return kept;
}

// What is kept of the generation that is still the newest. New reference; null: it has to be read.
// Looking an exact str up among others like it runs no code and raises nothing.
PyObject* known(const Node& node, Ref Node::*kept, PyObject* name) {
  if (!is_current(node) || !PyUnicode_CheckExact(name)) [[unlikely]] return nullptr;
  PyObject* const found = PyDict_GetItemWithError((node.*kept).get(), name);
  return found != nullptr ? handed_out(found) : nullptr;
}

// The node that this place had in the generation before, if found is one again: it follows too, and what
// it keeps is let go when it is read next, instead of with that of all other nodes at once.
Ref of_before(const Node& node, PyObject* name, Ref found) {
  PyObject* const before =
      node.older_attributes ? PyDict_GetItemWithError(node.older_attributes.get(), name) : nullptr;
  const bool both = before != nullptr && PyType_IsSubtype(Py_TYPE(before), reinterpret_cast<PyTypeObject*>(
                                             node.source->source.state().node_type)) != 0 &&
                    Py_TYPE(before) == Py_TYPE(found.get());
  return both && as_node(before).prefix == as_node(found.get()).prefix ? Ref::share(before) : std::move(found);
}

// Reads what lies at name and keeps it in one of the node's dicts. New reference; null without an
// exception: there is nothing.
PyObject* read(Node& node, Ref Node::*kept, PyObject* name) {
  if (!refresh(node)) return nullptr;
  const Ref keep = Ref::share((node.*kept).get());
  const auto bytes = key_bytes(name);
  if (!bytes) {
    // A text that no key can be spelled as.
    if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) != 0) PyErr_Clear();
    return nullptr;
  }
  Ref found(look_up(node.source, node.prefix + *bytes));
  if (!found || PyUnicode_CheckExact(name) == 0) return found.release();
  if (kept == &Node::attributes) found = of_before(node, name, std::move(found));
  if (PyDict_SetItem(keep.get(), name, found.get()) != 0) return nullptr;
  return handed_out(found.get());
}

PyObject* raise_missing(const Node& node, PyObject* self, PyObject* name) {
  const Ref arguments(PyTuple_Pack(2, self, name));
  if (arguments) PyErr_SetObject(node.source->source.state().missing_key, arguments.get());
  return nullptr;
}

bool is_special(PyObject* name) {
  return PyUnicode_Check(name) && PyUnicode_GetLength(name) > 4 && PyUnicode_ReadChar(name, 0) == '_' &&
         PyUnicode_ReadChar(name, 1) == '_';
}

PyObject* read_attribute(PyObject* self, PyObject* name) {
  PyObject* const own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return own;
  // Python probes objects for names like __deepcopy__; keys like that are read as items.
  if (is_special(name)) return nullptr;
  PyErr_Clear();
  Node& node = as_node(self);
  PyObject* const found = read(node, &Node::attributes, name);
  if (found != nullptr || PyErr_Occurred() != nullptr) return found;
  return raise_missing(node, self, name);
}

PyObject* get_attribute(PyObject* self, PyObject* name) {
  PyObject* const found = known(as_node(self), &Node::attributes, name);
  if (found != nullptr) [[likely]] return found;
  return guarded([&] { return read_attribute(self, name); });
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  // Names with an underscore are the Python side's own state.
  if (PyUnicode_Check(name) && PyUnicode_GetLength(name) > 0 && PyUnicode_ReadChar(name, 0) == '_') {
    return PyObject_GenericSetAttr(self, name, value);
  }
  PyErr_Format(PyExc_AttributeError, "cannot set %R: a configuration is read-only; change it in Consul", name);
  return -1;
}

PyObject* get_item(PyObject* self, PyObject* key) {
  Node& node = as_node(self);
  PyObject* const kept = known(node, &Node::items, key);
  if (kept != nullptr) [[likely]] return kept;
  return guarded([&]() -> PyObject* {
    PyObject* const found = read(node, &Node::items, key);
    if (found != nullptr || PyErr_Occurred() != nullptr) return found;
    return raise_missing(node, self, key);
  });
}

PyObject* get(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* names[] = {"key", "default", nullptr};
  PyObject* key = nullptr;
  PyObject* fallback = Py_None;
  // The quicker way without keywords.
  const int parsed = keywords == nullptr ? PyArg_UnpackTuple(arguments, "get", 1, 2, &key, &fallback)
                                         : PyArg_ParseTupleAndKeywords(arguments, keywords, "O|O:get",
                                                                       const_cast<char**>(names), &key, &fallback);
  if (parsed == 0) return nullptr;
  Node& node = as_node(self);
  PyObject* const kept = known(node, &Node::items, key);
  if (kept != nullptr) [[likely]] return kept;
  return guarded([&]() -> PyObject* {
    PyObject* const found = read(node, &Node::items, key);
    if (found != nullptr || PyErr_Occurred() != nullptr) return found;
    Py_INCREF(fallback);
    return fallback;
  });
}

int contains(PyObject* self, PyObject* key) {
  if (!PyUnicode_Check(key)) return 0;
  Node& node = as_node(self);
  Ref found(known(node, &Node::items, key));
  if (!found) found = Ref(guarded([&] { return read(node, &Node::items, key); }));
  if (found) return 1;
  return PyErr_Occurred() != nullptr ? -1 : 0;
}

// Borrowed from the node; null with an exception.
Ref names_of(PyObject* self) {
  return guarded([&]() -> Ref {
    Node& node = as_node(self);
    if (!refresh(node)) return {};
    if (node.names) return Ref::share(node.names.get());
    const std::uint64_t generation = node.generation;
    Ref names(names_below(node.source, node.prefix));
    if (names && node.generation == generation) node.names = Ref::share(names.get());
    return names;
  });
}

PyObject* iterate(PyObject* self) {
  const Ref names = names_of(self);
  return names ? PyObject_GetIter(names.get()) : nullptr;
}

Py_ssize_t length(PyObject* self) {
  const Ref names = names_of(self);
  return names ? PyTuple_Size(names.get()) : -1;
}

PyMethodDef methods[] = {
    {"get", reinterpret_cast<PyCFunction>(slot(get)), METH_VARARGS | METH_KEYWORDS,
     "get(key, default=None): the value at a path below this place, or the default."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* make_node(SourceObject* source, std::string prefix) {
  auto* const type = reinterpret_cast<PyTypeObject*>(source->source.state().child_type);
  return allocate(type, source, std::move(prefix));
}

PyObject* make_node_type() {
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("One place of the configuration.")},
      {Py_tp_new, slot(make_root)},
      {Py_tp_dealloc, slot(deallocate)},
      {Py_tp_getattro, slot(get_attribute)},
      {Py_tp_setattro, slot(set_attribute)},
      {Py_tp_iter, slot(iterate)},
      {Py_tp_methods, methods},
      {Py_mp_subscript, slot(get_item)},
      {Py_mp_length, slot(length)},
      {Py_sq_contains, slot(contains)},
      {0, nullptr},
  };
  PyType_Spec spec = {"shmconf._reader.Node", static_cast<int>(sizeof(NodeObject)), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  return PyType_FromSpec(&spec);
}

}  // namespace shmconf::python
