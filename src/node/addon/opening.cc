#include "addon/opening.h"

#include "addon/reader.h"

namespace shmconf::node {
namespace {

const char* c_text(const std::optional<std::string>& text) noexcept { return text ? text->c_str() : nullptr; }

napi_value handed_over(napi_env env, shmconf_code code, shmconf_reader* opened) {
  ReaderHandle reader(opened);
  return code == SHMCONF_OK ? make_reader(env, std::move(reader)) : raise(env, code, shmconf_last_error());
}

}  // namespace

napi_value open(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Arguments given(env, info);
    const auto name = text_of(env, given.values[0]);
    const auto directory = text_of(env, given.values[1]);
    const auto backup = text_of(env, given.values[2]);
    shmconf_options options = SHMCONF_OPTIONS_INIT;
    options.directory = c_text(directory);
    options.backup_file = c_text(backup);
    options.verify = truth_of(env, given.values[3]);
    options.deny_backup = truth_of(env, given.values[4]);
    options.private_copy = truth_of(env, given.values[5]);
    shmconf_reader* reader = nullptr;
    const shmconf_code code = shmconf_open(c_text(name), &options, &reader);
    return handed_over(env, code, reader);
  });
}

napi_value open_backup(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const auto file = text_of(env, Arguments(env, info).values[0]);
    shmconf_reader* reader = nullptr;
    const shmconf_code code = shmconf_open_backup(file ? file->c_str() : "", &reader);
    return handed_over(env, code, reader);
  });
}

}  // namespace shmconf::node
