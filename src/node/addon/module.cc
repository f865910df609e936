// The addon's entry: once for each environment that loads it.
#include "addon/js.h"
#include "addon/opening.h"
#include "addon/reader.h"
#include "addon/snapshot.h"
#include "addon/waiter.h"

namespace shmconf::node {
namespace {

napi_ref keep(napi_env env, napi_value value) noexcept {
  napi_ref reference = nullptr;
  napi_create_reference(env, value, 1, &reference);
  return reference;
}

// useError(class): what the addon throws, as new class(code, text).
napi_value use_error(napi_env env, napi_callback_info info) {
  environment_of(env).error_class = keep(env, Arguments(env, info).values[0]);
  return undefined(env);
}

napi_value define(napi_env env, napi_value exports) noexcept {
  auto environment = std::make_unique<Environment>();
  environment->reader_class = keep(env, define_reader_class(env));
  environment->snapshot_class = keep(env, define_snapshot_class(env));
  environment->waiter_class = keep(env, define_waiter_class(env));
  const auto free = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
  if (napi_set_instance_data(env, environment.get(), free, nullptr) != napi_ok) return nullptr;
  environment.release();

  const std::array<napi_property_descriptor, 4> functions{{
      {"useError", nullptr, use_error, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"open", nullptr, open, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"openBackup", nullptr, open_backup, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"launch", nullptr, launch, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  }};
  napi_define_properties(env, exports, functions.size(), functions.data());
  set(env, exports, "version", make_text(env, shmconf_version()));
  return exports;
}

}  // namespace
}  // namespace shmconf::node

NAPI_MODULE_INIT() { return shmconf::node::define(env, exports); }
