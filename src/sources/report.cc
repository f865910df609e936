#include "sources/report.h"

#include <spdlog/spdlog.h>

#include <cstdint>

namespace shmconf::sources {

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
    spdlog::info("generation {}: {}", current ? static_cast<std::uint32_t>(current->header().generation) : 0,
                 step->changes);
    for (const std::string& warning : step->warnings) spdlog::warn("{}", warning);
  }
  liveness.succeeded();
  return true;
}

}  // namespace shmconf::sources
