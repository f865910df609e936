// The process that serves metrics, health and the page. A reader: it writes nothing that others see.
#ifndef SHMCONF_HTTP_SERVE_H_
#define SHMCONF_HTTP_SERVE_H_

#include <functional>
#include <variant>
#include <vector>

#include "settings/complaint.h"
#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::http {

struct ServeOptions {
  // Reads the settings again, on SIGHUP. Null: SIGHUP is ignored.
  std::function<std::variant<settings::Settings, std::vector<settings::Problem>>()> reload;
  // The process must not outlive its parent.
  bool supervised = false;
};

// Serves at settings.http until SIGTERM or SIGINT, and ends within two seconds of it. Takes over the
// process and confines it: call it from main, once, with one thread. Of what SIGHUP rereads, name,
// places, group, address and whether values are shown stay as they were. Log lines go to spdlog's default logger. Errors:
// kUnavailable when somebody listens there already; kInvalid, kDenied, kSystem.
Result<void> serve(const settings::Settings& settings, const ServeOptions& options);

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_SERVE_H_
