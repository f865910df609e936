// Values: bytes of a snapshot as Python objects, and Python texts as bytes of a key.
#ifndef SHMCONF_PYTHON_EXTENSION_VALUES_H_
#define SHMCONF_PYTHON_EXTENSION_VALUES_H_

#include <optional>

#include "extension/py.h"
#include "shmconf/c.h"

namespace shmconf::python {

// str where the bytes are UTF-8, else bytes. New reference.
PyObject* text_or_bytes(std::string_view bytes);

// A key or a part of one. Bytes that are no UTF-8 become lone surrogates, as in file names.
PyObject* key_text(std::string_view bytes);
// The way back. Nothing: not a str, or it has no such bytes; the exception is set.
std::optional<std::string> key_bytes(PyObject* text);

// The leaf of a JSON document that an entry is, as int, float, bool, None or str. New reference.
PyObject* leaf_value(int kind, std::string_view text);

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_VALUES_H_
