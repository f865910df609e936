#include "extension/source.h"

#include "extension/lookup.h"
#include "extension/status.h"
#include "extension/values.h"
#include "extension/waiter.h"

namespace shmconf::python {
namespace {

SourceObject* allocate(PyObject* module, PyObject* context) {
  auto* const type = reinterpret_cast<PyTypeObject*>(state_of(module).source_type);
  PyObject* const made = PyType_GenericAlloc(type, 0);
  if (made == nullptr) return nullptr;
  new (&as_source(made)->source) Source(Ref::share(module), Ref::share(context));
  return as_source(made);
}

PyObject* refuse_new(PyTypeObject*, PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "a Source comes from open(), open_backup(), launch() or given()");
  return nullptr;
}

void deallocate(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  as_source(self)->source.~Source();
  PyObject_Free(self);
  Py_DECREF(type);
}

PyObject* generation(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(as_source(self)->source.newest());
}

PyObject* value(PyObject* self, PyObject* key) {
  return guarded([&]() -> PyObject* {
    const auto bytes = key_bytes(key);
    PyObject* const found = bytes ? key_value(as_source(self), *bytes) : nullptr;
    if (found != nullptr || PyErr_Occurred() != nullptr) return found;
    Py_RETURN_NONE;
  });
}

PyObject* freeze(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    Source& source = as_source(self)->source;
    GenerationHandle now = source.current();
    return now ? make_held_source(source, std::move(now)) : nullptr;
  });
}

PyObject* look(PyObject* self, PyObject*) {
  shmconf_reader* const reader = as_source(self)->source.reader();
  if (reader != nullptr) static_cast<void>(shmconf_poll(reader));
  Py_RETURN_NONE;
}

PyObject* waiter(PyObject* self, PyObject*) {
  return guarded([&] { return make_waiter(as_source(self)->source); });
}

PyObject* status(PyObject* self, PyObject*) {
  return guarded([&] { return status_of(as_source(self)->source); });
}

PyObject* close(PyObject* self, PyObject*) {
  as_source(self)->source.close();
  Py_RETURN_NONE;
}

PyObject* context(PyObject* self, void*) { return as_source(self)->source.context().new_reference(); }

PyObject* follows(PyObject* self, void*) {
  return PyBool_FromLong(as_source(self)->source.reader() != nullptr);
}

PyMethodDef methods[] = {
    {"generation", generation, METH_NOARGS, "The number of the generation that a read would see now."},
    {"value", value, METH_O, "The value of the key of that very name, or None."},
    {"freeze", freeze, METH_NOARGS, "A source that stays at the newest generation."},
    {"look", look, METH_NOARGS, "Looks whether there is another segment in the place of this one."},
    {"waiter", waiter, METH_NOARGS, "A Waiter for this source's segment."},
    {"status", status, METH_NOARGS, "What is known of the sidecar, as a dict."},
    {"close", close, METH_NOARGS, "Lets the segment go; what reads from here fails from now on."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"context", context, nullptr, "Whatever it was opened with.", nullptr},
    {"follows", follows, nullptr, "Whether it moves on to newer generations.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

bool is_source(PyObject* object) noexcept {
  PyTypeObject* const type = Py_TYPE(object);
  if ((PyType_GetFlags(type) & Py_TPFLAGS_HEAPTYPE) == 0) return false;
  return PyType_GetSlot(type, Py_tp_dealloc) == slot(deallocate);
}

GenerationHandle take_generation(shmconf_reader* reader, const Generation* older) {
  shmconf_snapshot* taken = nullptr;
  if (shmconf_snapshot_take(reader, &taken) != SHMCONF_OK) {
    PyErr_NoMemory();
    return nullptr;
  }
  auto made = std::make_shared<Generation>();
  made->snapshot.reset(taken);
  made->number = shmconf_snapshot_generation(taken);
  made->documents = Ref(PyDict_New());
  if (older != nullptr) made->older_documents = Ref::share(older->documents.get());
  if (!made->documents) return nullptr;
  return made;
}

GenerationHandle Source::current() {
  if (!reader_) {
    if (!held_) {
      raise_error(state(), SHMCONF_INVALID, "this configuration was closed: open it again, or close it later");
    }
    return held_;
  }
  if (!held_ || held_->number != newest()) {
    GenerationHandle taken = take_generation(reader_.get(), held_.get());
    if (!taken) return nullptr;
    held_.swap(taken);
  }
  return held_;
}

void Source::hold(GenerationHandle generation) noexcept {
  number_ = generation->number;
  held_ = std::move(generation);
}

void Source::close() noexcept {
  number_ = kClosed;
  reader_.reset();
  held_.reset();
}

PyObject* make_source(PyObject* module, Reader reader, PyObject* context) {
  SourceObject* const made = allocate(module, context);
  if (made != nullptr) made->source.follow(std::move(reader));
  return reinterpret_cast<PyObject*>(made);
}

PyObject* make_held_source(const Source& like, GenerationHandle generation) {
  SourceObject* const made = allocate(like.module().get(), like.context().get());
  if (made != nullptr) made->source.hold(std::move(generation));
  return reinterpret_cast<PyObject*>(made);
}

PyObject* make_given_source(PyObject* module, PyObject* document, PyObject* context) {
  auto generation = std::make_shared<Generation>();
  generation->number = Source::kGiven;
  generation->given = Ref::share(document);
  SourceObject* const made = allocate(module, context);
  if (made != nullptr) made->source.hold(std::move(generation));
  return reinterpret_cast<PyObject*>(made);
}

PyObject* make_given_source(const Source& like, PyObject* document) {
  return make_given_source(like.module().get(), document, like.context().get());
}

PyObject* make_source_type() {
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("Where nodes read from. One serves all threads.")},
      {Py_tp_new, slot(refuse_new)},
      {Py_tp_dealloc, slot(deallocate)},
      {Py_tp_methods, methods},
      {Py_tp_getset, properties},
      {0, nullptr},
  };
  PyType_Spec spec = {"shmconf._reader.Source", static_cast<int>(sizeof(SourceObject)), 0,
                      Py_TPFLAGS_DEFAULT, slots};
  return PyType_FromSpec(&spec);
}

}  // namespace shmconf::python
