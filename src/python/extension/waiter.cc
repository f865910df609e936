#include "extension/waiter.h"

namespace shmconf::python {
namespace {

struct Waiter {
  Reader reader;
  Ref like;           // the source that it was made from
  bool busy = false;  // a thread is in it, without the GIL
};

struct WaiterObject {
  PyObject ob_base;
  Waiter waiter;
};

Waiter& as_waiter(PyObject* object) noexcept { return reinterpret_cast<WaiterObject*>(object)->waiter; }

PyObject* refuse_new(PyTypeObject*, PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "a Waiter comes from Source.waiter()");
  return nullptr;
}

void deallocate(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  as_waiter(self).~Waiter();
  PyObject_Free(self);
  Py_DECREF(type);
}

bool is_free(const Waiter& waiter) {
  if (!waiter.busy) return true;
  PyErr_SetString(PyExc_RuntimeError, "a Waiter belongs to one thread, and one waits in it now");
  return false;
}

// wait(milliseconds, after): at the end of the interpreter, taking the GIL again may end the thread by
// unwinding it, so nothing here is noexcept or has a destructor to run.
PyObject* wait(PyObject* self, PyObject* arguments) {
  long long milliseconds = 0;
  unsigned long long after = 0;
  if (PyArg_ParseTuple(arguments, "LK:wait", &milliseconds, &after) == 0) return nullptr;
  Waiter& waiter = as_waiter(self);
  if (!is_free(waiter)) return nullptr;
  shmconf_reader* const reader = waiter.reader.get();
  waiter.busy = true;
  shmconf_code code = SHMCONF_OK;
  Py_BEGIN_ALLOW_THREADS
  code = shmconf_wait_after(reader, milliseconds, after);
  Py_END_ALLOW_THREADS
  waiter.busy = false;
  if (code == SHMCONF_OK || code == SHMCONF_TIMEOUT) return PyBool_FromLong(code == SHMCONF_OK);
  return raise_error(as_source(waiter.like.get())->source.state(), code, shmconf_last_error());
}

PyObject* freeze(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    Waiter& waiter = as_waiter(self);
    if (!is_free(waiter)) return nullptr;
    GenerationHandle now = take_generation(waiter.reader.get(), nullptr);
    return now ? make_held_source(as_source(waiter.like.get())->source, std::move(now)) : nullptr;
  });
}

PyMethodDef methods[] = {
    {"wait", wait, METH_VARARGS,
     "wait(milliseconds, after): True as soon as the generation is another one than after, False when the "
     "time is over. Lets go of the GIL; signals do not end it."},
    {"freeze", freeze, METH_NOARGS, "A source that stays at the newest generation."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* make_waiter(Source& source) {
  if (source.reader() == nullptr) {
    if (source.current()) PyErr_SetString(PyExc_ValueError, "this configuration never changes");
    return nullptr;
  }
  shmconf_reader* copy = nullptr;
  const shmconf_code code = shmconf_copy(source.reader(), &copy);
  if (code != SHMCONF_OK) return raise_error(source.state(), code, shmconf_last_error());
  Reader reader(copy);
  const Ref like(make_source(source.module().get(), Reader(), source.context().get()));
  auto* const type = reinterpret_cast<PyTypeObject*>(source.state().waiter_type);
  PyObject* const made = like ? PyType_GenericAlloc(type, 0) : nullptr;
  if (made != nullptr) new (&as_waiter(made)) Waiter{std::move(reader), Ref::share(like.get())};
  return made;
}

PyObject* make_waiter_type() {
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("A reader for one thread that waits for changes.")},
      {Py_tp_new, slot(refuse_new)},
      {Py_tp_dealloc, slot(deallocate)},
      {Py_tp_methods, methods},
      {0, nullptr},
  };
  PyType_Spec spec = {"shmconf._reader.Waiter", static_cast<int>(sizeof(WaiterObject)), 0,
                      Py_TPFLAGS_DEFAULT, slots};
  return PyType_FromSpec(&spec);
}

}  // namespace shmconf::python
