#include "extension/lookup.h"

#include "extension/documents.h"
#include "extension/node.h"
#include "extension/values.h"

namespace shmconf::python {
namespace {

struct FreeIterator {
  void operator()(shmconf_iterator* iterator) const noexcept { shmconf_iterator_free(iterator); }
};
using Iterator = std::unique_ptr<shmconf_iterator, FreeIterator>;

// The keys below a prefix. Null with an exception.
Iterator iterate(const State& state, const Generation& generation, const std::string& prefix) {
  shmconf_iterator* made = nullptr;
  const auto code =
      shmconf_iterate(generation.snapshot.get(), prefix.data(), prefix.size(), SHMCONF_KEYS, &made);
  if (code != SHMCONF_OK) raise_error(state, code, shmconf_last_error());
  return Iterator(made);
}

// 1: there are keys below the prefix; 0: none; -1: an exception is set.
int is_folder(const State& state, const Generation& generation, const std::string& prefix) {
  if (!generation.snapshot) return 0;
  const Iterator keys = iterate(state, generation, prefix);
  if (!keys) return -1;
  shmconf_entry entry = SHMCONF_ENTRY_INIT;
  return shmconf_next(keys.get(), &entry) == SHMCONF_OK ? 1 : 0;
}

// What was found in a document at a path.
PyObject* open_up(SourceObject* source, PyObject* value, const std::string& path) {
  if (PyDict_Check(value)) return make_node(source, path + "/");
  if (PyList_Check(value)) return open_list(source->source, value);
  Py_INCREF(value);
  return value;
}

PyObject* entry_value(SourceObject* source, const Generation& generation, const shmconf_entry& entry,
                      const std::string& path) {
  const std::string_view value(entry.value, entry.value_bytes);
  if (entry.kind == SHMCONF_KIND_BYTES) return text_or_bytes(value);
  if (entry.kind != SHMCONF_KIND_DOCUMENT) return leaf_value(entry.kind, value);
  const Ref document = parsed_document(source->source.state(), generation, entry);
  if (document) return open_up(source, document.get(), path);
  return PyErr_Occurred() != nullptr ? nullptr : text_or_bytes(value);
}

// Adds name to an ordered set.
bool add(PyObject* names, PyObject* name) {
  return name != nullptr && PyDict_SetItem(names, name, Py_None) == 0;
}

bool add_keys(const State& state, const Generation& generation, const std::string& prefix, PyObject* names) {
  if (!generation.snapshot) return true;
  const Iterator keys = iterate(state, generation, prefix);
  if (!keys) return false;
  std::string_view last;  // the keys of one folder follow one another, but for those like "a-b" in "a/"
  bool any = false;
  for (;;) {
    shmconf_entry entry = SHMCONF_ENTRY_INIT;
    const shmconf_code code = shmconf_next(keys.get(), &entry);
    if (code == SHMCONF_ABSENT) return true;
    if (code != SHMCONF_OK) return raise_error(state, code, shmconf_last_error()) != nullptr;
    const auto rest = std::string_view(entry.key, entry.key_bytes).substr(prefix.size());
    if (rest.empty()) continue;  // the folder's own key
    const std::string_view name = rest.substr(0, rest.find('/'));
    if (any && name == last) continue;
    any = true;
    last = name;
    if (!add(names, Ref(key_text(name)).get())) return false;
  }
}

bool add_fields(PyObject* names, PyObject* document) {
  PyObject* field = nullptr;
  PyObject* value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(document, &at, &field, &value) != 0;) {
    if (!add(names, field)) return false;
  }
  return true;
}

}  // namespace

PyObject* key_value(SourceObject* source, const std::string& key) {
  const GenerationHandle now = source->source.current();
  if (!now || !now->snapshot) return nullptr;
  shmconf_entry entry = SHMCONF_ENTRY_INIT;
  const auto code = shmconf_snapshot_entry(now->snapshot.get(), key.data(), key.size(), &entry);
  if (code == SHMCONF_OK) return entry_value(source, *now, entry, key);
  return code == SHMCONF_ABSENT ? nullptr : raise_error(source->source.state(), code, shmconf_last_error());
}

PyObject* look_up(SourceObject* source, const std::string& path) {
  const State& state = source->source.state();
  PyObject* found = key_value(source, path);
  if (found != nullptr || PyErr_Occurred() != nullptr) return found;
  const GenerationHandle now = source->source.current();
  if (!now) return nullptr;
  int folder = is_folder(state, *now, path + "/");
  if (folder == 1) return make_node(source, path + "/");
  // "redis/" is the folder even where there is a key "redis".
  if (folder == 0 && path.ends_with('/')) folder = is_folder(state, *now, path);
  if (folder != 0) return folder == 1 ? make_node(source, path) : nullptr;
  static_cast<void>(each_in_documents(state, *now, path, [&](const Ref& value) {
    found = open_up(source, value.get(), path);
    return true;
  }));
  return found;
}

PyObject* names_below(SourceObject* source, const std::string& prefix) {
  const State& state = source->source.state();
  const GenerationHandle now = source->source.current();
  const Ref names(PyDict_New());
  if (!now || !names || !add_keys(state, *now, prefix, names.get())) return nullptr;
  bool added = true;
  const std::string path = prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1);
  const bool read = each_in_documents(state, *now, path, [&](const Ref& value) {
    if (PyDict_Check(value.get())) added = add_fields(names.get(), value.get());
    return !added;
  });
  const Ref list(read && added ? PyDict_Keys(names.get()) : nullptr);
  return list ? PyList_AsTuple(list.get()) : nullptr;
}

PyObject* open_list(const Source& source, PyObject* list) {
  const Py_ssize_t size = PyList_Size(list);
  Ref made(PyList_New(size));
  for (Py_ssize_t i = 0; made && i < size; ++i) {
    PyObject* const element = PyList_GetItem(list, i);
    Ref opened;
    if (PyList_Check(element)) {
      opened = Ref(open_list(source, element));
    } else if (PyDict_Check(element)) {
      const Ref own(make_given_source(source, element));
      if (own) opened = Ref(make_node(as_source(own.get()), ""));
    } else {
      opened = Ref::share(element);
    }
    if (!opened || PyList_SetItem(made.get(), i, opened.release()) != 0) return nullptr;
  }
  return made.release();
}

PyObject* copy_list(PyObject* list) {
  const Py_ssize_t size = PyList_Size(list);
  Ref made(PyList_New(size));
  for (Py_ssize_t i = 0; made && i < size; ++i) {
    PyObject* const element = PyList_GetItem(list, i);
    Ref copied = PyList_Check(element) ? Ref(copy_list(element)) : Ref::share(element);
    if (!copied || PyList_SetItem(made.get(), i, copied.release()) != 0) return nullptr;
  }
  return made.release();
}

}  // namespace shmconf::python
