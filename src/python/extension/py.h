// Python's stable ABI of 3.9, and an owned reference.
//
// Everything here requires the GIL.
#ifndef SHMCONF_PYTHON_EXTENSION_PY_H_
#define SHMCONF_PYTHON_EXTENSION_PY_H_

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace shmconf::python {

// One reference, released with the object. Empty after a failed call: the exception is set.
class Ref {
 public:
  Ref() = default;
  // Takes over a new reference.
  explicit Ref(PyObject* fresh) noexcept : object_(fresh) {}
  static Ref share(PyObject* borrowed) noexcept {
    Py_XINCREF(borrowed);
    return Ref(borrowed);
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    // The old object goes last: its end may run Python code that comes back here.
    const Ref old(std::exchange(object_, std::exchange(other.object_, nullptr)));
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }

  [[nodiscard]] PyObject* get() const noexcept { return object_; }
  [[nodiscard]] PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  [[nodiscard]] PyObject* new_reference() const noexcept {
    Py_XINCREF(object_);
    return object_;
  }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

// Runs what may throw for want of memory. Catches no more than that: the end of a thread at the
// interpreter's end unwinds through here as well.
template <typename Step>
auto guarded(Step step) -> decltype(step()) {
  try {
    return step();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& unexpected) {
    PyErr_SetString(PyExc_SystemError, unexpected.what());
  }
  return {};
}

// A PyType_Slot's or a method's function as the untyped pointer that the tables hold.
template <typename Function>
void* slot(Function function) noexcept {
  return reinterpret_cast<void*>(function);
}

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_PY_H_
