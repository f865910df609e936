#include "sources/last_good.h"

#include <utility>

namespace shmconf::sources {

std::optional<SnapshotView> LastGood::find(PublishTarget& target) {
  auto last_good = target.current();
  if (!last_good && backup_ != nullptr) {
    if (!std::exchange(looked_, true)) {
      auto loaded = backup_->load();
      if (loaded) loaded_.emplace(std::move(*loaded));
    }
    if (loaded_) last_good = loaded_->view();
  }
  if (last_good && last_good->header().sources_hash != sources_hash_) return std::nullopt;
  return last_good;
}

void LastGood::forget() {
  looked_ = false;
  loaded_.reset();
}

}  // namespace shmconf::sources
