// Documents: the JSON documents of one generation as Python objects, parsed when they are first read.
#ifndef SHMCONF_PYTHON_EXTENSION_DOCUMENTS_H_
#define SHMCONF_PYTHON_EXTENSION_DOCUMENTS_H_

#include <functional>

#include "extension/source.h"

namespace shmconf::python {

// The document that an entry of this generation is. Empty: Python's parser refuses it (no exception),
// or an exception is set.
Ref parsed_document(const State& state, const Generation& generation, const shmconf_entry& entry);

// What documents hold at the path, from the document with the longest key to that with the shortest;
// visit answers true when it has seen enough. False: an exception is set.
bool each_in_documents(const State& state, const Generation& generation, const std::string& path,
                       const std::function<bool(const Ref& value)>& visit);

}  // namespace shmconf::python

#endif  // SHMCONF_PYTHON_EXTENSION_DOCUMENTS_H_
