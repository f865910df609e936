// Values: bytes of a snapshot as JavaScript values.
#ifndef SHMCONF_NODE_ADDON_VALUES_H_
#define SHMCONF_NODE_ADDON_VALUES_H_

#include "addon/js.h"

namespace shmconf::node {

bool is_utf8(std::string_view bytes) noexcept;

// A string where the bytes are UTF-8, else a Buffer.
napi_value text_or_buffer(napi_env env, std::string_view bytes) noexcept;

// An entry's value: text_or_buffer; the number, boolean, null or string that a leaf of a document is;
// or {document: text} for a whole document.
napi_value entry_value(napi_env env, const shmconf_entry& entry) noexcept;

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_VALUES_H_
