// Publication: brings what is held of the sources into the segment, unless another process was faster.
//
// The segment counts comparisons with Consul (Publisher::note()): what was asked for after one note may
// be published while the count is still that one. Not thread-safe.
#ifndef SHMCONF_SOURCES_PUBLICATION_H_
#define SHMCONF_SOURCES_PUBLICATION_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "settings/settings.h"
#include "shm/content.h"
#include "shm/publisher.h"
#include "shmconf/result.h"
#include "sources/change_list.h"
#include "sources/examiner.h"
#include "sources/publish_target.h"
#include "sources/source_states.h"

namespace shmconf::sources {

// What publishing did.
struct Published {
  shm::Outcome outcome = shm::Outcome::kUnchanged;
  ChangeList changes;                 // of kPublished
  std::vector<std::string> warnings;  // of kPublished: documents that stay plain bytes

  // The segment holds what was to be published.
  [[nodiscard]] bool is_shown() const noexcept {
    return outcome == shm::Outcome::kPublished || outcome == shm::Outcome::kUnchanged;
  }
};

// Nothing: another process was faster (kMoved).
[[nodiscard]] Published moved_meanwhile();

class Publication {
 public:
  // Both outlive it.
  Publication(const settings::Settings& settings, SourceStates& states);

  // Before anything is asked for that is to be published. Error: the segment is not attached.
  Result<void> note(PublishTarget& target);
  // Whether another process has compared with Consul since the note, or the segment is another one. Error: as
  // note().
  [[nodiscard]] Result<bool> overtaken(PublishTarget& target) const;
  // What the states make together; views into them.
  [[nodiscard]] shm::Content content() const;
  // Publishes content(), unless overtaken (kMoved). settled: it is counted when it is not known to be one
  // state. Errors: as note(), Publisher::publish(); the segment is as it was.
  Result<Published> show(PublishTarget& target, shm::Content& content, Evidence evidence, bool settled);

 private:
  void count_publish(PublishTarget& target, std::chrono::steady_clock::time_point began) const;
  void shown(PublishTarget& target);

  const settings::Settings& settings_;
  const std::uint64_t hash_;
  SourceStates& states_;
  std::uint64_t noted_ = 0;        // sync count before anything that is held was asked for
  std::uint64_t noted_epoch_ = 0;  // of the target then
  std::uint64_t shown_generation_ = 0;  // what the lists made together, as published or compared last
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_PUBLICATION_H_
