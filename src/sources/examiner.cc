#include "sources/examiner.h"

#include <chrono>

#include "settings/sources_hash.h"
#include "sources/alignment.h"
#include "sources/documents.h"
#include "sources/rewind.h"

namespace shmconf::sources {

Examiner::Examiner(const settings::Settings& settings, const ReadLimits& limits, const SourceStates& states,
                   backup::Store* backup)
    : settings_(settings),
      hash_(sources_hash(settings.sources, settings.consul)),
      states_(states),
      last_good_(backup, hash_),
      stand_still_(limits.stand_still, limits.longest_stand_still) {}

Result<Evidence> Examiner::examine(PublishTarget& target, const std::optional<SnapshotView>& published,
                                   const shm::Content& content) {
  std::optional<SnapshotView> last_good;
  if (!published) {
    auto found = last_good_.find(target);
    if (!found) return found.error();
    last_good = *found;
  } else if (published->header().sources_hash == hash_) {
    last_good = published;
  }
  const std::vector<SourceKeys> keys = states_.keys();
  Evidence evidence;
  RewindFinder rewind;
  Vanished vanished(settings_.sources, keys);
  const shm::Item* const first = content.keys.data();
  const auto see = [&](const Entry* before, const shm::Item* now) {
    // Here, since the value lies beside the key, which was just looked at.
    if (now != nullptr && may_be_document(now->value)) {
      evidence.documents.push_back(static_cast<std::size_t>(now - first));
    }
    if (published || now != nullptr) evidence.changes.see(published ? before : nullptr, now);
    if (!last_good) return;  // keys of other sources prove nothing
    rewind.see(before, now);
    if (published) vanished.see(before, now);
  };
  align(published ? published : last_good, content.keys, see);

  if (published && evidence.changes.total() != 0) evidence.differs_from = published->header().generation;
  if (!last_good) return evidence;
  evidence.stands = stand_still_.stands(
      rewind.rewind(content.indexes), [this] { return identify_keys(states_.pairs()); },
      std::chrono::steady_clock::now());
  evidence.suspects = vanished.suspects();
  return evidence;
}

void Examiner::believe() {
  stand_still_.forget();
  last_good_.forget();
}

}  // namespace shmconf::sources
