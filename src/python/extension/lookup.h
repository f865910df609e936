// Lookup: what is at a path of one generation.
//
// A path is resolved as a whole, in this order: the key of that name; the folder of that name; a field
// of a JSON document whose key begins the path. So KV wins over documents, and where both have
// something below a path, both are seen.
#ifndef SHMCONF_PYTHON_EXTENSION_LOOKUP_H_
#define SHMCONF_PYTHON_EXTENSION_LOOKUP_H_

#include "extension/source.h"

namespace shmconf::python {

// The value at the path, or a node where there is more below it. New reference; null without an
// exception: there is nothing.
PyObject* look_up(SourceObject* source, const std::string& path);

// The value of the key of that very name. New reference; null without an exception: there is none.
PyObject* key_value(SourceObject* source, const std::string& key);

// The names directly below a prefix ("" or one that ends with '/'), as a tuple of str: those of KV in
// the order of their bytes, then those of documents. New reference.
PyObject* names_below(SourceObject* source, const std::string& prefix);

// A list of a document as its reader gets it: its objects are nodes. New reference.
PyObject* open_list(const Source& source, PyObject* list);
// A list like that once more, since its reader may change it. New reference.
PyObject* copy_list(PyObject* list);

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_LOOKUP_H_
