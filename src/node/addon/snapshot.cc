#include "addon/snapshot.h"

#include "addon/differences.h"
#include "addon/names.h"
#include "addon/values.h"

namespace shmconf::node {
namespace {

// What a held snapshot weighs to the garbage collector, which else sees but a few bytes: enough that it
// comes by long before a process has as many maps as it may.
constexpr std::int64_t kWeightBytes = 64 * 1024;

class Snapshot {
 public:
  Snapshot(napi_env env, SnapshotHandle handle) noexcept : env_(env), handle_(std::move(handle)) { weigh(kWeightBytes); }
  Snapshot(const Snapshot&) = delete;
  ~Snapshot() { free(); }

  void free() noexcept {
    if (handle_) weigh(-kWeightBytes);
    handle_.reset();
  }
  [[nodiscard]] const shmconf_snapshot* get() const noexcept { return handle_.get(); }

 private:
  void weigh(std::int64_t bytes) const noexcept {
    std::int64_t whole = 0;
    napi_adjust_external_memory(env_, bytes, &whole);
  }

  napi_env env_;
  SnapshotHandle handle_;
};

// What an object holds. Null with an exception where it was freed, or is no snapshot.
const shmconf_snapshot* held_by(napi_env env, napi_value object) noexcept {
  const auto* const snapshot = instance_of<Snapshot>(env, object);
  if (snapshot != nullptr && snapshot->get() != nullptr) return snapshot->get();
  raise(env, SHMCONF_INVALID, "this snapshot was let go");
  return nullptr;
}

// Runs use(snapshot, text): for functions that take one text first.
template <typename Use>
napi_value with_text(const Arguments& given, Use use) noexcept {
  return guarded(given.env, [&]() -> napi_value {
    const shmconf_snapshot* const snapshot = held_by(given.env, given.self);
    if (snapshot == nullptr) return nullptr;
    const auto text = text_of(given.env, given.values[0]);
    if (!text) return raise(given.env, SHMCONF_INVALID, "a key is a string, like 'redis/host'");
    return use(snapshot, *text);
  });
}

napi_value generation(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  const shmconf_snapshot* const snapshot = held_by(env, given.self);
  return snapshot != nullptr ? make_bigint(env, shmconf_snapshot_generation(snapshot)) : nullptr;
}

napi_value entry(napi_env env, napi_callback_info info) {
  return with_text(Arguments(env, info), [&](const shmconf_snapshot* snapshot, const std::string& key) {
    shmconf_entry found = SHMCONF_ENTRY_INIT;
    const shmconf_code code = shmconf_snapshot_entry(snapshot, key.data(), key.size(), &found);
    if (code == SHMCONF_OK) return entry_value(env, found);
    return code == SHMCONF_ABSENT ? undefined(env) : raise(env, code, shmconf_last_error());
  });
}

napi_value has_below(napi_env env, napi_callback_info info) {
  return with_text(Arguments(env, info), [&](const shmconf_snapshot* snapshot, const std::string& prefix) {
    shmconf_iterator* made = nullptr;
    shmconf_code code = shmconf_iterate(snapshot, prefix.data(), prefix.size(), SHMCONF_KEYS, &made);
    const IteratorHandle keys(made);
    shmconf_entry first = SHMCONF_ENTRY_INIT;
    if (code == SHMCONF_OK) code = shmconf_next(keys.get(), &first);
    if (code == SHMCONF_OK || code == SHMCONF_ABSENT) return make_bool(env, code == SHMCONF_OK);
    return raise(env, code, shmconf_last_error());
  });
}

napi_value names_below(napi_env env, napi_callback_info info) {
  return with_text(Arguments(env, info), [&](const shmconf_snapshot* snapshot, const std::string& prefix) {
    napi_value names = nullptr;
    std::uint32_t count = 0;
    napi_create_array(env, &names);
    const shmconf_code code = visit_names(snapshot, prefix, [&](std::string_view name) {
      napi_set_element(env, names, count++, make_text(env, name));
    });
    return code == SHMCONF_OK ? names : raise(env, code, shmconf_last_error());
  });
}

napi_value fingerprint_below(napi_env env, napi_callback_info info) {
  return with_text(Arguments(env, info), [&](const shmconf_snapshot* snapshot, const std::string& prefix) {
    // FNV-1a over the names, each with an end that no key holds.
    std::uint64_t hash = 0xCBF29CE484222325U;
    const auto mix = [&](unsigned byte) { hash = (hash ^ byte) * 0x100000001B3U; };
    const shmconf_code code = visit_names(snapshot, prefix, [&](std::string_view name) {
      for (const char byte : name) mix(static_cast<unsigned char>(byte));
      mix(0x100);
    });
    return code == SHMCONF_OK ? make_bigint(env, hash) : raise(env, code, shmconf_last_error());
  });
}

napi_value changed_keys(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  return with_text(given, [&](const shmconf_snapshot* before, const std::string& path) {
    const shmconf_snapshot* const after = held_by(env, given.values[1]);
    return after != nullptr ? node::changed_keys(env, before, after, path) : nullptr;
  });
}

napi_value is_changed(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  return with_text(given, [&](const shmconf_snapshot* before, const std::string& key) {
    const shmconf_snapshot* const after = held_by(env, given.values[1]);
    return after != nullptr ? make_bool(env, node::is_changed(before, after, key)) : nullptr;
  });
}

napi_value free(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  if (auto* const snapshot = instance_of<Snapshot>(env, given.self)) snapshot->free();
  return undefined(env);
}

napi_value construct(napi_env env, napi_callback_info info) { return Arguments(env, info).self; }

}  // namespace

napi_value make_snapshot(napi_env env, SnapshotHandle handle) {
  return make_instance(env, environment_of(env).snapshot_class, std::make_unique<Snapshot>(env, std::move(handle)));
}

napi_value define_snapshot_class(napi_env env) {
  const std::array<napi_property_descriptor, 8> methods{{
      {"generation", nullptr, generation, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"entry", nullptr, entry, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"hasBelow", nullptr, has_below, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"namesBelow", nullptr, names_below, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"fingerprintBelow", nullptr, fingerprint_below, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"changedKeys", nullptr, changed_keys, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"isChanged", nullptr, is_changed, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"free", nullptr, free, nullptr, nullptr, nullptr, napi_default, nullptr},
  }};
  napi_value made = nullptr;
  napi_define_class(env, "Snapshot", NAPI_AUTO_LENGTH, construct, nullptr, methods.size(), methods.data(), &made);
  return made;
}

}  // namespace shmconf::node
