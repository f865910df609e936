// What all of the addon needs of Node-API: arguments, results, errors, and handles that free themselves.
//
// A function that answers a napi_value answers null where a JavaScript exception is pending. Nothing
// here is shared between environments: the main thread and each worker load the addon for themselves.
#ifndef SHMCONF_NODE_ADDON_JS_H_
#define SHMCONF_NODE_ADDON_JS_H_

#include <node_api.h>

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include "shmconf/c.h"

namespace shmconf::node {

struct CloseReader {
  void operator()(shmconf_reader* reader) const noexcept { shmconf_close(reader); }
};
using ReaderHandle = std::unique_ptr<shmconf_reader, CloseReader>;

struct FreeSnapshot {
  void operator()(shmconf_snapshot* snapshot) const noexcept { shmconf_snapshot_free(snapshot); }
};
using SnapshotHandle = std::unique_ptr<shmconf_snapshot, FreeSnapshot>;

struct FreeIterator {
  void operator()(shmconf_iterator* iterator) const noexcept { shmconf_iterator_free(iterator); }
};
using IteratorHandle = std::unique_ptr<shmconf_iterator, FreeIterator>;

// What one environment keeps: its instance data. Lives as long as the environment.
struct Environment {
  napi_ref error_class = nullptr;  // new error_class(code, text)
  napi_ref reader_class = nullptr;
  napi_ref snapshot_class = nullptr;
  napi_ref waiter_class = nullptr;
};
Environment& environment_of(napi_env env) noexcept;

// The arguments of one call; those that were not given are undefined.
struct Arguments {
  Arguments(napi_env from, napi_callback_info info) noexcept;

  napi_env env;
  napi_value self = nullptr;
  std::array<napi_value, 7> values{};
};

// A pending exception, "SHMCONF_ABSENT" and the like as its code. Always null.
napi_value raise(napi_env env, shmconf_code code, const char* text) noexcept;
napi_value make_error(napi_env env, shmconf_code code, const char* text) noexcept;

// Runs what may throw: only for want of memory.
template <typename Step>
napi_value guarded(napi_env env, Step step) noexcept {
  try {
    return step();
  } catch (const std::bad_alloc&) {
    return raise(env, SHMCONF_NO_SPACE, "no memory");
  } catch (const std::exception& unexpected) {
    return raise(env, SHMCONF_SYSTEM, unexpected.what());
  }
}

// A JavaScript string as UTF-8; nothing where the value is none.
std::optional<std::string> text_of(napi_env env, napi_value value);
std::uint64_t number_of(napi_env env, napi_value bigint) noexcept;
bool truth_of(napi_env env, napi_value value) noexcept;

napi_value undefined(napi_env env) noexcept;
napi_value null(napi_env env) noexcept;
napi_value make_bool(napi_env env, bool value) noexcept;
napi_value make_double(napi_env env, double value) noexcept;
napi_value make_bigint(napi_env env, std::uint64_t value) noexcept;
napi_value make_text(napi_env env, std::string_view utf8) noexcept;
void set(napi_env env, napi_value object, const char* name, napi_value value) noexcept;

// An object of one of the addon's classes, which owns what `own` points to.
template <typename T>
napi_value make_instance(napi_env env, napi_ref of_class, std::unique_ptr<T> own) noexcept {
  napi_value constructor = nullptr;
  napi_value made = nullptr;
  napi_get_reference_value(env, of_class, &constructor);
  if (napi_new_instance(env, constructor, 0, nullptr, &made) != napi_ok) return nullptr;
  const auto free = [](napi_env, void* data, void*) { delete static_cast<T*>(data); };
  if (napi_wrap(env, made, own.get(), free, nullptr, nullptr) != napi_ok) return nullptr;
  own.release();
  return made;
}

// What an object of one of the addon's classes owns; null where it is another kind of object.
template <typename T>
T* instance_of(napi_env env, napi_value object) noexcept {
  void* data = nullptr;
  return napi_unwrap(env, object, &data) == napi_ok ? static_cast<T*>(data) : nullptr;
}

}  // namespace shmconf::node

#endif  // SHMCONF_NODE_ADDON_JS_H_
