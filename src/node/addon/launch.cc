#include <vector>

#include "addon/opening.h"
#include "addon/reader.h"

namespace shmconf::node {
namespace {

// One launch under way: made on the event loop, run in a thread of the pool, ended on the event loop.
struct Launch {
  std::optional<std::string> name, directory, backup, settings, binary;
  std::vector<std::string> flags;

  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  ReaderHandle reader;
  shmconf_code code = SHMCONF_SYSTEM;
  std::string error;
};

const char* c_text(const std::optional<std::string>& text) noexcept { return text ? text->c_str() : nullptr; }

void run(napi_env, void* data) {
  auto& launch = *static_cast<Launch*>(data);
  try {
    std::vector<const char*> flags;
    for (const std::string& flag : launch.flags) flags.push_back(flag.c_str());
    flags.push_back(nullptr);
    shmconf_launch_options options = SHMCONF_LAUNCH_OPTIONS_INIT;
    options.directory = c_text(launch.directory);
    options.backup_file = c_text(launch.backup);
    options.settings_file = c_text(launch.settings);
    options.arguments = flags.data();
    options.binary = c_text(launch.binary);
    shmconf_reader* opened = nullptr;
    launch.code = shmconf_launch(c_text(launch.name), &options, &opened);
    launch.reader.reset(opened);
    // The text is this thread's own.
    if (launch.code != SHMCONF_OK) launch.error = shmconf_last_error();
  } catch (const std::bad_alloc&) {
    launch.code = SHMCONF_NO_SPACE;
  }
}

void settle(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Launch> launch(static_cast<Launch*>(data));
  napi_delete_async_work(env, launch->work);
  if (launch->code != SHMCONF_OK) {
    napi_reject_deferred(env, launch->deferred, make_error(env, launch->code, launch->error.c_str()));
    return;
  }
  napi_value reader = guarded(env, [&] { return make_reader(env, std::move(launch->reader)); });
  if (reader != nullptr) {
    napi_resolve_deferred(env, launch->deferred, reader);
    return;
  }
  napi_value pending = nullptr;
  napi_get_and_clear_last_exception(env, &pending);
  napi_reject_deferred(env, launch->deferred, pending);
}

std::vector<std::string> texts_of(napi_env env, napi_value array) {
  std::vector<std::string> texts;
  std::uint32_t count = 0;
  napi_get_array_length(env, array, &count);
  for (std::uint32_t i = 0; i < count; ++i) {
    napi_value element = nullptr;
    napi_get_element(env, array, i, &element);
    texts.push_back(text_of(env, element).value_or(""));
  }
  return texts;
}

}  // namespace

napi_value launch(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments given(env, info);
    auto launch = std::make_unique<Launch>();
    launch->name = text_of(env, given.values[0]);
    launch->directory = text_of(env, given.values[1]);
    launch->backup = text_of(env, given.values[2]);
    launch->settings = text_of(env, given.values[3]);
    launch->binary = text_of(env, given.values[4]);
    launch->flags = texts_of(env, given.values[5]);
    napi_value promise = nullptr;
    if (napi_create_promise(env, &launch->deferred, &promise) != napi_ok) return nullptr;
    napi_create_async_work(env, nullptr, make_text(env, "shmconf launch"), run, settle, launch.get(), &launch->work);
    if (napi_queue_async_work(env, launch->work) != napi_ok) {
      return raise(env, SHMCONF_SYSTEM, "cannot launch: the environment is ending");
    }
    launch.release();
    return promise;
  });
}

}  // namespace shmconf::node
