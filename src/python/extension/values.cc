#include "extension/values.h"

namespace shmconf::python {
namespace {

Py_ssize_t size_of(std::string_view bytes) noexcept { return static_cast<Py_ssize_t>(bytes.size()); }

}  // namespace

PyObject* text_or_bytes(std::string_view bytes) {
  PyObject* text = PyUnicode_DecodeUTF8(bytes.data(), size_of(bytes), nullptr);
  if (text != nullptr || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) return text;
  PyErr_Clear();
  return PyBytes_FromStringAndSize(bytes.data(), size_of(bytes));
}

PyObject* key_text(std::string_view bytes) {
  return PyUnicode_DecodeUTF8(bytes.data(), size_of(bytes), "surrogateescape");
}

std::optional<std::string> key_bytes(PyObject* text) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "a key is a str, like \"redis/host\", not %R", Py_TYPE(text));
    return std::nullopt;
  }
  const Ref encoded(PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape"));
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (!encoded || PyBytes_AsStringAndSize(encoded.get(), &data, &size) != 0) return std::nullopt;
  return std::string(data, static_cast<std::size_t>(size));
}

PyObject* leaf_value(int kind, std::string_view text) {
  switch (kind) {
    case SHMCONF_KIND_INTEGER: return PyLong_FromString(std::string(text).c_str(), nullptr, 10);
    case SHMCONF_KIND_DOUBLE: {
      const double number = PyOS_string_to_double(std::string(text).c_str(), nullptr, nullptr);
      return PyErr_Occurred() != nullptr ? nullptr : PyFloat_FromDouble(number);
    }
    case SHMCONF_KIND_BOOL: return PyBool_FromLong(text == "true");
    case SHMCONF_KIND_NULL: Py_RETURN_NONE;
    default: return text_or_bytes(text);
  }
}

}  // namespace shmconf::python
