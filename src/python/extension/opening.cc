#include "extension/opening.h"

#include <vector>

#include "extension/source.h"

namespace shmconf::python {
namespace {

// The result of a call that opened a reader, or its error.
PyObject* handed_over(PyObject* module, shmconf_code code, shmconf_reader* opened, PyObject* context) {
  Reader reader(opened);
  if (code != SHMCONF_OK) return raise_error(state_of(module), code, shmconf_last_error());
  return make_source(module, std::move(reader), context);
}

// A path or text argument that may be None, as the C ABI takes it. Lives as long as the object.
class Text {
 public:
  // For PyArg_Parse...'s "O&".
  static int convert(PyObject* object, void* target) {
    if (object == Py_None) return 1;
    PyObject* bytes = nullptr;
    if (PyUnicode_FSConverter(object, &bytes) == 0) return 0;
    static_cast<Text*>(target)->bytes_ = Ref(bytes);
    return 1;
  }
  [[nodiscard]] const char* get() const { return bytes_ ? PyBytes_AsString(bytes_.get()) : nullptr; }

 private:
  Ref bytes_;
};

}  // namespace

PyObject* open_reader(PyObject* module, PyObject* arguments, PyObject* keywords) {
  static const char* names[] = {"context", "name", "directory", "backup", "verify", "allow_backup", "private_copy",
                                nullptr};
  PyObject* context = nullptr;
  Text name, directory, backup;
  int verify = 0;
  int allow_backup = 1;
  int private_copy = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O|O&O&O&ppp:open", const_cast<char**>(names), &context,
                                  Text::convert, &name, Text::convert, &directory, Text::convert, &backup,
                                  &verify, &allow_backup, &private_copy) == 0) {
    return nullptr;
  }
  shmconf_options options = SHMCONF_OPTIONS_INIT;
  options.directory = directory.get();
  options.backup_file = backup.get();
  options.verify = verify;
  options.deny_backup = allow_backup == 0;
  options.private_copy = private_copy;
  shmconf_reader* reader = nullptr;
  const shmconf_code code = shmconf_open(name.get(), &options, &reader);
  return handed_over(module, code, reader, context);
}

PyObject* open_backup(PyObject* module, PyObject* arguments, PyObject* keywords) {
  static const char* names[] = {"context", "file", nullptr};
  PyObject* context = nullptr;
  Text file;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "OO&:open_backup", const_cast<char**>(names), &context,
                                  Text::convert, &file) == 0) {
    return nullptr;
  }
  shmconf_reader* reader = nullptr;
  const shmconf_code code = shmconf_open_backup(file.get(), &reader);
  return handed_over(module, code, reader, context);
}

PyObject* launch(PyObject* module, PyObject* arguments, PyObject* keywords) {
  static const char* names[] = {"context", "name",   "directory", "backup",
                                "settings", "flags", "binary",    nullptr};
  PyObject* context = nullptr;
  PyObject* flags = nullptr;
  Text name, directory, backup, settings, binary;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "OO&O&O&O&O!O&:launch", const_cast<char**>(names), &context,
                                  Text::convert, &name, Text::convert, &directory, Text::convert, &backup,
                                  Text::convert, &settings, &PyTuple_Type, &flags, Text::convert,
                                  &binary) == 0) {
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    std::vector<Text> texts(static_cast<std::size_t>(PyTuple_Size(flags)));
    std::vector<const char*> words;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      PyObject* const flag = PyTuple_GetItem(flags, static_cast<Py_ssize_t>(i));
      if (Text::convert(flag, &texts[i]) == 0) return nullptr;
      words.push_back(texts[i].get());
    }
    words.push_back(nullptr);
    shmconf_launch_options options = SHMCONF_LAUNCH_OPTIONS_INIT;
    options.directory = directory.get();
    options.backup_file = backup.get();
    options.settings_file = settings.get();
    options.arguments = words.data();
    options.binary = binary.get();
    const char* const service = name.get();
    shmconf_reader* reader = nullptr;
    shmconf_code code = SHMCONF_OK;
    Py_BEGIN_ALLOW_THREADS
    code = shmconf_launch(service, &options, &reader);
    Py_END_ALLOW_THREADS
    return handed_over(module, code, reader, context);
  });
}

PyObject* given(PyObject* module, PyObject* arguments, PyObject* keywords) {
  static const char* names[] = {"context", "document", nullptr};
  PyObject* context = nullptr;
  PyObject* document = nullptr;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "OO!:given", const_cast<char**>(names), &context,
                                  &PyDict_Type, &document) == 0) {
    return nullptr;
  }
  return guarded([&] { return make_given_source(module, document, context); });
}

}  // namespace shmconf::python
