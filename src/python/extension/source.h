// Source: where nodes read from: a reader that follows the newest generation, one generation held, or
// a document that was given (from_dict). The type `_reader.Source`.
//
// Used under the GIL only, and never lets go of it while it uses its reader, so one Source serves all
// threads. What it calls may run Python code, though, and so may let another thread move the source
// on: whoever reads holds a Generation meanwhile.
#ifndef SHMCONF_PYTHON_EXTENSION_SOURCE_H_
#define SHMCONF_PYTHON_EXTENSION_SOURCE_H_

#include <cstdint>
#include <memory>

#include "extension/py.h"
#include "extension/state.h"
#include "shmconf/c.h"

namespace shmconf::python {

struct CloseReader {
  void operator()(shmconf_reader* reader) const noexcept { shmconf_close(reader); }
};
using Reader = std::unique_ptr<shmconf_reader, CloseReader>;

struct FreeSnapshot {
  void operator()(shmconf_snapshot* snapshot) const noexcept { shmconf_snapshot_free(snapshot); }
};
using SnapshotHandle = std::unique_ptr<shmconf_snapshot, FreeSnapshot>;

// One generation, and the JSON documents of it that have been read so far.
struct Generation {
  SnapshotHandle snapshot;  // null: a given document
  std::uint64_t number = 0;
  Ref given;                // dict; the document of a source without a snapshot
  Ref documents;            // dict: key's bytes -> (value's bytes, parsed)
  Ref older_documents;      // those of the generation before, whose values may be the same; or empty
};
using GenerationHandle = std::shared_ptr<const Generation>;

class Source {
 public:
  // What no generation of a segment is ever called: they begin in the first seconds of 1970.
  static constexpr std::uint64_t kClosed = 1;
  static constexpr std::uint64_t kGiven = 2;

  Source(Ref module, Ref context) noexcept : module_(std::move(module)), context_(std::move(context)) {}

  // The number of the generation that a read would see now.
  [[nodiscard]] std::uint64_t newest() const noexcept {
    return reader_ ? shmconf_generation(reader_.get()) : number_;
  }

  // The newest generation. Null: closed, or no memory; the exception is set.
  GenerationHandle current();

  void follow(Reader reader) noexcept { reader_ = std::move(reader); }
  void hold(GenerationHandle generation) noexcept;
  void close() noexcept;

  [[nodiscard]] shmconf_reader* reader() const noexcept { return reader_.get(); }
  [[nodiscard]] State& state() const noexcept { return state_of(module_.get()); }
  [[nodiscard]] const Ref& module() const noexcept { return module_; }
  // Whatever the Python side keeps with a source; handed on to the sources made from it.
  [[nodiscard]] const Ref& context() const noexcept { return context_; }

 private:
  Ref module_;
  Ref context_;
  Reader reader_;  // null: one generation for ever, or closed
  std::uint64_t number_ = kClosed;
  GenerationHandle held_;
};

struct SourceObject {
  PyObject ob_base;
  Source source;
};

// Whether an object is one.
bool is_source(PyObject* object) noexcept;
inline SourceObject* as_source(PyObject* object) noexcept { return reinterpret_cast<SourceObject*>(object); }

// New references; null with an exception.
PyObject* make_source(PyObject* module, Reader reader, PyObject* context);
PyObject* make_held_source(const Source& like, GenerationHandle generation);
PyObject* make_given_source(const Source& like, PyObject* document);
PyObject* make_given_source(PyObject* module, PyObject* document, PyObject* context);

// The newest generation of a reader, with the documents that an older one has parsed. Null with an
// exception.
GenerationHandle take_generation(shmconf_reader* reader, const Generation* older);

// Makes the type. New reference.
PyObject* make_source_type();

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_SOURCE_H_
