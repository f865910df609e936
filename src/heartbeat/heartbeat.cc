#include "heartbeat/heartbeat.h"

#include "heartbeat/beat.h"

namespace shmconf::heartbeat {
namespace {

std::chrono::nanoseconds stale_after(const settings::Settings& settings) {
  // A read may take as long as Consul is given for its answer.
  constexpr std::chrono::seconds kRead{10};
  const auto interval = settings.heartbeat_interval;
  return interval + interval / 8 + settings.consul.grace + kRead;
}

std::unique_ptr<sources::Activity> make(const sources::Surroundings& surroundings,
                                        const settings::Settings& settings) {
  return std::make_unique<Beat>(surroundings, settings);
}

}  // namespace

Result<void> run(const settings::Settings& settings, const sources::ProcessOptions& options) {
  return sources::run_role({.role = format::Role::kHeartbeat, .stale_after = stale_after, .make = make}, settings,
                           options);
}

}  // namespace shmconf::heartbeat
