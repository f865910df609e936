#include "addon/differences.h"

namespace shmconf::node {
namespace {

// A walk through the keys below a prefix that holds its present entry.
class Walk {
 public:
  Walk(const shmconf_snapshot* snapshot, const std::string& prefix) {
    shmconf_iterator* made = nullptr;
    code_ = shmconf_iterate(snapshot, prefix.data(), prefix.size(), SHMCONF_KEYS, &made);
    keys_.reset(made);
    if (made != nullptr) step();
  }

  void step() noexcept { code_ = shmconf_next(keys_.get(), &entry_); }
  [[nodiscard]] bool there() const noexcept { return code_ == SHMCONF_OK; }
  [[nodiscard]] bool failed() const noexcept { return code_ != SHMCONF_OK && code_ != SHMCONF_ABSENT; }
  [[nodiscard]] const shmconf_entry& entry() const noexcept { return entry_; }
  [[nodiscard]] std::string_view key() const noexcept { return {entry_.key, entry_.key_bytes}; }

 private:
  IteratorHandle keys_;
  shmconf_entry entry_ = SHMCONF_ENTRY_INIT;
  shmconf_code code_ = SHMCONF_ABSENT;
};

bool is_same(const shmconf_entry& before, const shmconf_entry& after) noexcept {
  return before.flags == after.flags && std::string_view(before.value, before.value_bytes) ==
                                            std::string_view(after.value, after.value_bytes);
}

}  // namespace

napi_value changed_keys(napi_env env, const shmconf_snapshot* before, const shmconf_snapshot* after,
                        const std::string& path) {
  napi_value keys = nullptr;
  std::uint32_t count = 0;
  if (napi_create_array(env, &keys) != napi_ok) return nullptr;
  const auto add = [&](std::string_view key) { napi_set_element(env, keys, count++, make_text(env, key)); };
  if (!path.empty() && is_changed(before, after, path)) add(path);
  const std::string prefix = path.empty() ? "" : path + "/";
  Walk older(before, prefix);
  Walk newer(after, prefix);
  while ((older.there() || newer.there()) && !older.failed() && !newer.failed()) {
    const int order = !older.there() ? 1 : !newer.there() ? -1 : older.key().compare(newer.key());
    if (order != 0 || !is_same(older.entry(), newer.entry())) add(order <= 0 ? older.key() : newer.key());
    if (order <= 0) older.step();
    if (order >= 0) newer.step();
  }
  return keys;
}

bool is_changed(const shmconf_snapshot* before, const shmconf_snapshot* after, const std::string& key) noexcept {
  shmconf_entry older = SHMCONF_ENTRY_INIT;
  shmconf_entry newer = SHMCONF_ENTRY_INIT;
  const shmconf_code was = shmconf_snapshot_entry(before, key.data(), key.size(), &older);
  const shmconf_code is = shmconf_snapshot_entry(after, key.data(), key.size(), &newer);
  if (was == SHMCONF_OK && is == SHMCONF_OK) return !is_same(older, newer);
  return (was == SHMCONF_OK && is == SHMCONF_ABSENT) || (was == SHMCONF_ABSENT && is == SHMCONF_OK);
}

}  // namespace shmconf::node
