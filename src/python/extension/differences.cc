#include "extension/differences.h"

#include "extension/values.h"

namespace shmconf::python {
namespace {

// A walk through the keys below a prefix that holds its present entry.
class Walk {
 public:
  Walk(const Generation& generation, const std::string& prefix) {
    const auto code = shmconf_iterate(generation.snapshot.get(), prefix.data(), prefix.size(), SHMCONF_KEYS, &keys_);
    if (code != SHMCONF_OK) throw std::bad_alloc();
    step();
  }
  Walk(const Walk&) = delete;
  ~Walk() { shmconf_iterator_free(keys_); }

  void step() { code_ = shmconf_next(keys_, &entry_); }
  [[nodiscard]] bool there() const { return code_ == SHMCONF_OK; }
  [[nodiscard]] bool damaged() const { return code_ != SHMCONF_OK && code_ != SHMCONF_ABSENT; }
  [[nodiscard]] const shmconf_entry& entry() const { return entry_; }
  [[nodiscard]] std::string_view key() const { return {entry_.key, entry_.key_bytes}; }

 private:
  shmconf_iterator* keys_ = nullptr;
  shmconf_entry entry_ = SHMCONF_ENTRY_INIT;
  shmconf_code code_ = SHMCONF_ABSENT;
};

bool is_same(const shmconf_entry& before, const shmconf_entry& after) {
  return before.flags == after.flags && std::string_view(before.value, before.value_bytes) ==
                                            std::string_view(after.value, after.value_bytes);
}

bool add_changed(const Generation& before, const Generation& after, const std::string& prefix, PyObject* list) {
  Walk older(before, prefix);
  Walk newer(after, prefix);
  while (older.there() || newer.there()) {
    if (older.damaged() || newer.damaged()) return true;
    const int order = !older.there() ? 1 : !newer.there() ? -1 : older.key().compare(newer.key());
    if (order != 0 || !is_same(older.entry(), newer.entry())) {
      const Ref key(key_text(order <= 0 ? older.key() : newer.key()));
      if (!key || PyList_Append(list, key.get()) != 0) return false;
    }
    if (order <= 0) older.step();
    if (order >= 0) newer.step();
  }
  return true;
}

}  // namespace

bool is_changed(const Generation& before, const Generation& after, const std::string& key) {
  if (!before.snapshot || !after.snapshot) return false;
  shmconf_entry older = SHMCONF_ENTRY_INIT;
  shmconf_entry newer = SHMCONF_ENTRY_INIT;
  const auto was = shmconf_snapshot_entry(before.snapshot.get(), key.data(), key.size(), &older);
  const auto is = shmconf_snapshot_entry(after.snapshot.get(), key.data(), key.size(), &newer);
  if (was == SHMCONF_OK && is == SHMCONF_OK) return !is_same(older, newer);
  return (was == SHMCONF_OK && is == SHMCONF_ABSENT) || (was == SHMCONF_ABSENT && is == SHMCONF_OK);
}

PyObject* changed_keys(const Generation& before, const Generation& after, const std::string& path) {
  Ref list(PyList_New(0));
  if (!list || !before.snapshot || !after.snapshot) return list.release();
  if (!path.empty() && is_changed(before, after, path)) {
    const Ref key(key_text(path));
    if (!key || PyList_Append(list.get(), key.get()) != 0) return nullptr;
  }
  return add_changed(before, after, path.empty() ? "" : path + "/", list.get()) ? list.release() : nullptr;
}

}  // namespace shmconf::python
