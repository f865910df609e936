#include "sources/last_good.h"

#include <utility>

namespace shmconf::sources {
namespace {

// Whether a second look would find the same: of files that could not be looked at for want of memory or
// descriptors, say, it might not.
bool is_lasting(ErrorCode code) {
  return code == ErrorCode::kAbsent || code == ErrorCode::kDamaged || code == ErrorCode::kWrongVersion ||
         code == ErrorCode::kDenied || code == ErrorCode::kInvalid;
}

}  // namespace

Result<std::optional<SnapshotView>> LastGood::find(PublishTarget& target) {
  auto last_good = target.current();
  if (!last_good && backup_ != nullptr) {
    if (!looked_) {
      auto loaded = backup_->load();
      if (!loaded && !is_lasting(loaded.error().code)) return std::move(loaded).error();
      looked_ = true;
      if (loaded) loaded_.emplace(std::move(*loaded));
    }
    if (loaded_) last_good = loaded_->view();
  }
  if (last_good && last_good->header().sources_hash != sources_hash_) return std::optional<SnapshotView>();
  return last_good;
}

void LastGood::forget() {
  looked_ = false;
  loaded_.reset();
}

}  // namespace shmconf::sources
