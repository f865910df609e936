#include "addon/reader.h"

#include "addon/snapshot.h"
#include "addon/status.h"
#include "addon/waiter.h"

namespace shmconf::node {
namespace {

struct FreeWord {
  void operator()(shmconf_word* word) const noexcept { shmconf_word_free(word); }
};
using WordHandle = std::unique_ptr<shmconf_word, FreeWord>;

struct Reader {
  ReaderHandle handle;           // null: closed
  std::uint64_t taken = 0;       // the generation that take() answered last
  bool page_shown = false;       // page() has answered, with the word at:
  const std::uint64_t* page = nullptr;
};

// Null with an exception where it was closed, or is no reader.
Reader* open_reader(const Arguments& given) noexcept {
  auto* const reader = instance_of<Reader>(given.env, given.self);
  if (reader != nullptr && reader->handle) return reader;
  raise(given.env, SHMCONF_INVALID, "this configuration was closed: open it again, or close it later");
  return nullptr;
}

napi_value take(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Reader* const reader = open_reader(Arguments(env, info));
    if (reader == nullptr) return nullptr;
    if (shmconf_generation(reader->handle.get()) == reader->taken) return undefined(env);
    shmconf_snapshot* taken = nullptr;
    const shmconf_code code = shmconf_snapshot_take(reader->handle.get(), &taken);
    if (code != SHMCONF_OK) return raise(env, code, shmconf_last_error());
    SnapshotHandle snapshot(taken);
    reader->taken = shmconf_snapshot_generation(taken);
    return make_snapshot(env, std::move(snapshot));
  });
}

// The low half of the word, little-endian, as all of this is. Reads only: the page is mapped so.
napi_value view_of(napi_env env, WordHandle word, const std::uint64_t* address) {
  const auto free = [](napi_env, void*, void* hint) { shmconf_word_free(static_cast<shmconf_word*>(hint)); };
  napi_value view = nullptr;
  const napi_status made = napi_create_external_arraybuffer(env, const_cast<std::uint64_t*>(address),
                                                            sizeof(std::uint32_t), free, word.get(), &view);
  if (made != napi_ok) {
    return raise(env, SHMCONF_UNAVAILABLE, "this Node cannot look at memory that is not its own: use another build");
  }
  word.release();
  return view;
}

napi_value page(napi_env env, napi_callback_info info) {
  Reader* const reader = open_reader(Arguments(env, info));
  if (reader == nullptr) return nullptr;
  shmconf_word* taken = nullptr;
  const std::uint64_t* address = nullptr;
  const shmconf_code code = shmconf_word_take(reader->handle.get(), &taken, &address);
  if (code != SHMCONF_OK) return raise(env, code, shmconf_last_error());
  WordHandle word(taken);
  if (reader->page_shown && reader->page == address) return undefined(env);
  reader->page_shown = true;
  reader->page = address;
  return address != nullptr ? view_of(env, std::move(word), address) : null(env);
}

napi_value poll(napi_env env, napi_callback_info info) {
  Reader* const reader = open_reader(Arguments(env, info));
  if (reader == nullptr) return nullptr;
  static_cast<void>(shmconf_poll(reader->handle.get()));
  return undefined(env);
}

napi_value status(napi_env env, napi_callback_info info) {
  Reader* const reader = open_reader(Arguments(env, info));
  return reader != nullptr ? make_status(env, reader->handle.get()) : nullptr;
}

napi_value waiter(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments given(env, info);
    Reader* const reader = open_reader(given);
    if (reader == nullptr) return nullptr;
    shmconf_reader* copy = nullptr;
    const shmconf_code code = shmconf_copy(reader->handle.get(), &copy);
    if (code != SHMCONF_OK) return raise(env, code, shmconf_last_error());
    return make_waiter(env, ReaderHandle(copy), given.values[0], number_of(env, given.values[1]));
  });
}

napi_value close(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  if (auto* const reader = instance_of<Reader>(env, given.self)) reader->handle.reset();
  return undefined(env);
}

napi_value construct(napi_env env, napi_callback_info info) { return Arguments(env, info).self; }

}  // namespace

napi_value make_reader(napi_env env, ReaderHandle handle) {
  auto reader = std::make_unique<Reader>();
  reader->handle = std::move(handle);
  return make_instance(env, environment_of(env).reader_class, std::move(reader));
}

napi_value define_reader_class(napi_env env) {
  const std::array<napi_property_descriptor, 6> methods{{
      {"take", nullptr, take, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"page", nullptr, page, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"poll", nullptr, poll, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"status", nullptr, status, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"waiter", nullptr, waiter, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"close", nullptr, close, nullptr, nullptr, nullptr, napi_default, nullptr},
  }};
  napi_value made = nullptr;
  napi_define_class(env, "Reader", NAPI_AUTO_LENGTH, construct, nullptr, methods.size(), methods.data(), &made);
  return made;
}

}  // namespace shmconf::node
