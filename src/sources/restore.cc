#include "sources/restore.h"

namespace shmconf::sources {

Result<std::string> restore_if_empty(PublishTarget& target, backup::Store& backup, std::uint64_t sources_hash) {
  if (target.publisher() == nullptr || target.current()) return std::string();
  auto loaded = backup.load();
  if (!loaded) return std::move(loaded).error();
  const SnapshotView& view = loaded->view();
  const std::uint64_t made_from = view.header().sources_hash;
  if (made_from != 0 && made_from != sources_hash) {
    return Error{ErrorCode::kInvalid, "the backup '" + loaded->path() +
                                          "' is of other sources, or of another datacenter, and is not served: wait "
                                          "for Consul, or supply one with 'shmconf pack'"};
  }
  auto outcome = target.publisher()->restore(view);
  if (!outcome) return std::move(outcome).error();
  if (*outcome != shm::Outcome::kPublished) return std::string();
  std::string text = "Consul did not supply a configuration: serving the backup '" + loaded->path() + "' with " +
                     std::to_string(view.header().key_count) + " keys";
  if (!loaded->warning().empty()) text += "; " + loaded->warning();
  return text;
}

}  // namespace shmconf::sources
