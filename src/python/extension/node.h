// Node: one place of the configuration, as an object whose attributes and items are what lies below.
// The type `_reader.Node`, from which the Python side derives its own.
//
// Follows its source: each read sees the newest generation. What was read is kept for as long as the
// generation stays, so that the next read of it costs one look at the generation and one at a dict.
#ifndef SHMCONF_PYTHON_EXTENSION_NODE_H_
#define SHMCONF_PYTHON_EXTENSION_NODE_H_

#include "extension/source.h"

namespace shmconf::python {

struct Node {
  explicit Node(SourceObject* from, std::string below) : source(from), prefix(std::move(below)) {
    Py_INCREF(reinterpret_cast<PyObject*>(source));
  }
  Node(const Node&) = delete;
  ~Node() { Py_DECREF(reinterpret_cast<PyObject*>(source)); }

  SourceObject* source;
  std::uint64_t generation = 0;  // that of what follows; 0: none
  Ref attributes;                // dict: read as attributes, so never a name that the type has
  Ref items;                     // dict: read as items
  Ref names;                     // tuple, or empty: not asked for yet
  Ref older_attributes;          // those of the generation before, for its nodes
  std::string prefix;            // "", or a path that ends with '/'
};

struct NodeObject {
  PyObject ob_base;
  Node node;
};

inline Node& as_node(PyObject* object) noexcept { return reinterpret_cast<NodeObject*>(object)->node; }

// A child as State::child_type. New reference; null with an exception.
PyObject* make_node(SourceObject* source, std::string prefix);

// Makes the type. New reference.
PyObject* make_node_type();

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_NODE_H_
