#include "addon/names.h"

#include <vector>

namespace shmconf::node {

shmconf_code visit_names(const shmconf_snapshot* snapshot, const std::string& prefix,
                         const std::function<void(std::string_view)>& visit) {
  shmconf_iterator* made = nullptr;
  const shmconf_code begun = shmconf_iterate(snapshot, prefix.data(), prefix.size(), SHMCONF_KEYS, &made);
  if (begun != SHMCONF_OK) return begun;
  const IteratorHandle keys(made);
  // Keys of one name may lie apart: "a", "a-b", "a/c". What lies between begins with that name, so it is
  // enough to remember the names that the present one begins with.
  std::vector<std::string_view> open;
  for (;;) {
    shmconf_entry entry = SHMCONF_ENTRY_INIT;
    const shmconf_code code = shmconf_next(keys.get(), &entry);
    if (code == SHMCONF_ABSENT) return SHMCONF_OK;
    if (code != SHMCONF_OK) return code;
    const auto rest = std::string_view(entry.key, entry.key_bytes).substr(prefix.size());
    if (rest.empty()) continue;  // the folder's own key
    const std::string_view name = rest.substr(0, rest.find('/'));
    while (!open.empty() && !name.starts_with(open.back())) open.pop_back();
    if (!open.empty() && open.back() == name) continue;
    open.push_back(name);
    visit(name);
  }
}

}  // namespace shmconf::node
