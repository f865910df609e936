#include "sources/report.h"

#include <spdlog/spdlog.h>

#include <cstdint>

#include "log/fields.h"

namespace shmconf::sources {
namespace {

void log_change(std::uint32_t generation, const ChangeList& changes) {
  const log::Fields fields(log::Fields::Json{{"generation", generation},
                                             {"added", changes.added},
                                             {"changed", changes.changed},
                                             {"deleted", changes.deleted},
                                             {"keys", changes.names}});
  spdlog::info("generation {}: {}", generation, changes.text());
}

}  // namespace

namespace {

format::Comparison comparison_of(const Result<Published>& step) {
  if (!step) return format::Comparison::kFailed;
  switch (step->outcome) {
    case shm::Outcome::kPublished: return format::Comparison::kPublished;
    case shm::Outcome::kUnchanged: return format::Comparison::kUnchanged;
    case shm::Outcome::kMoved: return format::Comparison::kOvertaken;
    case shm::Outcome::kEmpty: return format::Comparison::kEmpty;
    case shm::Outcome::kOccupied: break;  // of a restore alone
  }
  return format::Comparison::kFailed;
}

}  // namespace

bool report(const Result<Published>& step, PublishTarget& target, Liveness& liveness) {
  liveness.compared(comparison_of(step));
  if (!step) {
    liveness.failed(step.error());
    return false;
  }
  if (step->outcome == shm::Outcome::kEmpty) {
    liveness.failed({ErrorCode::kUnavailable,
                     "Consul's answer is empty, which is not published: put keys under the sources, or set "
                     "allow_empty"});
    return false;
  }
  if (step->outcome == shm::Outcome::kPublished) {
    const auto current = target.current();
    log_change(current ? static_cast<std::uint32_t>(current->header().generation) : 0, step->changes);
    for (const std::string& warning : step->warnings) spdlog::warn("{}", warning);
  } else {
    spdlog::debug("compared with Consul: nothing to publish");
  }
  liveness.succeeded();
  return true;
}

}  // namespace shmconf::sources
