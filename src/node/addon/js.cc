#include "addon/js.h"

namespace shmconf::node {
namespace {

const char* name_of(shmconf_code code) noexcept {
  switch (code) {
    case SHMCONF_OK: break;
    case SHMCONF_ABSENT: return "SHMCONF_ABSENT";
    case SHMCONF_NOT_READY: return "SHMCONF_NOT_READY";
    case SHMCONF_WRONG_VERSION: return "SHMCONF_WRONG_VERSION";
    case SHMCONF_DAMAGED: return "SHMCONF_DAMAGED";
    case SHMCONF_DENIED: return "SHMCONF_DENIED";
    case SHMCONF_INVALID: return "SHMCONF_INVALID";
    case SHMCONF_WRONG_TYPE: return "SHMCONF_WRONG_TYPE";
    case SHMCONF_TIMEOUT: return "SHMCONF_TIMEOUT";
    case SHMCONF_UNAVAILABLE: return "SHMCONF_UNAVAILABLE";
    case SHMCONF_NO_SPACE: return "SHMCONF_NO_SPACE";
    case SHMCONF_SYSTEM: return "SHMCONF_SYSTEM";
  }
  return "SHMCONF_SYSTEM";
}

}  // namespace

Environment& environment_of(napi_env env) noexcept {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

Arguments::Arguments(napi_env from, napi_callback_info info) noexcept : env(from) {
  std::size_t count = values.size();
  napi_get_cb_info(env, info, &count, values.data(), &self, nullptr);
}

napi_value make_error(napi_env env, shmconf_code code, const char* text) noexcept {
  napi_value constructor = nullptr;
  napi_value made = nullptr;
  napi_get_reference_value(env, environment_of(env).error_class, &constructor);
  const std::array<napi_value, 2> arguments{make_text(env, name_of(code)), make_text(env, text)};
  napi_new_instance(env, constructor, arguments.size(), arguments.data(), &made);
  return made;
}

napi_value raise(napi_env env, shmconf_code code, const char* text) noexcept {
  napi_value error = make_error(env, code, text);
  if (error != nullptr) napi_throw(env, error);
  return nullptr;
}

std::optional<std::string> text_of(napi_env env, napi_value value) {
  std::size_t size = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &size) != napi_ok) return std::nullopt;
  std::string text(size, '\0');
  napi_get_value_string_utf8(env, value, text.data(), size + 1, &size);
  return text;
}

std::uint64_t number_of(napi_env env, napi_value bigint) noexcept {
  std::uint64_t number = 0;
  bool lossless = false;
  napi_get_value_bigint_uint64(env, bigint, &number, &lossless);
  return number;
}

bool truth_of(napi_env env, napi_value value) noexcept {
  bool truth = false;
  napi_get_value_bool(env, value, &truth);
  return truth;
}

napi_value undefined(napi_env env) noexcept {
  napi_value made = nullptr;
  napi_get_undefined(env, &made);
  return made;
}

napi_value null(napi_env env) noexcept {
  napi_value made = nullptr;
  napi_get_null(env, &made);
  return made;
}

napi_value make_bool(napi_env env, bool value) noexcept {
  napi_value made = nullptr;
  napi_get_boolean(env, value, &made);
  return made;
}

napi_value make_double(napi_env env, double value) noexcept {
  napi_value made = nullptr;
  napi_create_double(env, value, &made);
  return made;
}

napi_value make_bigint(napi_env env, std::uint64_t value) noexcept {
  napi_value made = nullptr;
  napi_create_bigint_uint64(env, value, &made);
  return made;
}

napi_value make_text(napi_env env, std::string_view utf8) noexcept {
  napi_value made = nullptr;
  napi_create_string_utf8(env, utf8.data(), utf8.size(), &made);
  return made;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) noexcept {
  napi_set_named_property(env, object, name, value);
}

}  // namespace shmconf::node
