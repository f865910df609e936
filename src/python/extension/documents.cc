#include "extension/documents.h"

#include "extension/values.h"

namespace shmconf::python {
namespace {

// The parse of these very bytes that a dict of documents holds; empty: it has none.
Ref known(PyObject* documents, PyObject* key, PyObject* bytes) {
  if (documents == nullptr) return {};
  const Ref pair = Ref::share(PyDict_GetItemWithError(documents, key));
  if (!pair) return {};
  const int same = PyObject_RichCompareBool(PyTuple_GetItem(pair.get(), 0), bytes, Py_EQ);
  return same == 1 ? Ref::share(PyTuple_GetItem(pair.get(), 1)) : Ref();
}

Ref parse(const State& state, std::string_view text) {
  const Ref decoded(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
  Ref parsed(decoded ? PyObject_CallFunctionObjArgs(state.json_loads, decoded.get(), nullptr) : nullptr);
  // The publisher's parser took it for a document; one that Python's does not take stays a text.
  const bool refused = !parsed && (PyErr_ExceptionMatches(PyExc_ValueError) != 0 ||
                                   PyErr_ExceptionMatches(PyExc_RecursionError) != 0);
  if (refused) PyErr_Clear();
  return parsed;
}

// What a document holds at a path below it. The names of its fields may hold '/', so the path is taken
// apart in every way; each field is visited at most once, since one way leads to it. Borrowed.
PyObject* descend(PyObject* document, std::string_view path) {
  if (!PyDict_Check(document)) return nullptr;
  for (std::size_t end = path.size();; end = path.rfind('/', end - 1)) {
    if (end == std::string_view::npos) return nullptr;
    const Ref name(key_text(path.substr(0, end)));
    PyObject* const field = name ? PyDict_GetItemWithError(document, name.get()) : nullptr;
    if (field == nullptr && PyErr_Occurred() != nullptr) return nullptr;
    if (field != nullptr) {
      if (end == path.size()) return field;
      PyObject* const found = descend(field, path.substr(end + 1));
      if (found != nullptr || PyErr_Occurred() != nullptr) return found;
    }
    if (end == 0) return nullptr;
  }
}

bool is_done(const Ref& value, const std::function<bool(const Ref&)>& visit, bool& failed) {
  if (value) return visit(value);
  failed = PyErr_Occurred() != nullptr;
  return failed;
}

}  // namespace

Ref parsed_document(const State& state, const Generation& generation, const shmconf_entry& entry) {
  const Ref key(PyBytes_FromStringAndSize(entry.key, static_cast<Py_ssize_t>(entry.key_bytes)));
  const Ref bytes(PyBytes_FromStringAndSize(entry.value, static_cast<Py_ssize_t>(entry.value_bytes)));
  if (!key || !bytes) return {};
  PyObject* const documents = generation.documents.get();
  Ref parsed = known(documents, key.get(), bytes.get());
  if (parsed || PyErr_Occurred() != nullptr) return parsed;
  parsed = known(generation.older_documents.get(), key.get(), bytes.get());
  if (!parsed && PyErr_Occurred() == nullptr) parsed = parse(state, {entry.value, entry.value_bytes});
  if (!parsed) return parsed;
  const Ref pair(PyTuple_Pack(2, bytes.get(), parsed.get()));
  if (!pair || PyDict_SetItem(documents, key.get(), pair.get()) != 0) return {};
  return parsed;
}

bool each_in_documents(const State& state, const Generation& generation, const std::string& path,
                       const std::function<bool(const Ref&)>& visit) {
  const std::string_view whole = path;
  bool failed = false;
  if (generation.given) {
    const Ref found =
        Ref::share(path.empty() ? generation.given.get() : descend(generation.given.get(), whole));
    is_done(found, visit, failed);
    return !failed;
  }
  for (std::size_t end = whole.size(); end != 0 && end != std::string_view::npos; end = whole.rfind('/', end - 1)) {
    shmconf_entry entry = SHMCONF_ENTRY_INIT;
    const auto code = shmconf_snapshot_entry(generation.snapshot.get(), whole.data(), end, &entry);
    if (code != SHMCONF_OK || entry.kind != SHMCONF_KIND_DOCUMENT) continue;
    Ref document = parsed_document(state, generation, entry);
    if (document && end < whole.size()) {
      document = Ref::share(descend(document.get(), whole.substr(end + 1)));
    }
    if (is_done(document, visit, failed)) break;
  }
  return !failed;
}

}  // namespace shmconf::python
