#include "watch/watch.h"

#include "watch/follower.h"

namespace shmconf::watch {
namespace {

std::chrono::nanoseconds stale_after(const settings::Settings& settings) {
  const auto& consul = settings.consul;
  return consul.wait + consul.wait / 16 + consul.grace + std::chrono::seconds(1);
}

std::unique_ptr<sources::Activity> make(const sources::Surroundings& surroundings,
                                        const settings::Settings& settings) {
  return std::make_unique<Follower>(surroundings, settings);
}

}  // namespace

Result<void> run(const settings::Settings& settings, const sources::ProcessOptions& options) {
  return sources::run_role({.role = format::Role::kWatch, .stale_after = stale_after, .make = make}, settings, options);
}

}  // namespace shmconf::watch
