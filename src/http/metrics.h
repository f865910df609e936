// Metrics: what a reader sees, in Prometheus's text format.
//
// The counters are the sidecar's own, on the control page, so they outlive this process; they begin
// again with a new page. Immutable; thread-safe.
#ifndef SHMCONF_HTTP_METRICS_H_
#define SHMCONF_HTTP_METRICS_H_

#include <string>
#include <vector>

#include "display/status_text.h"
#include "http/view.h"
#include "settings/settings.h"

namespace shmconf::http {

class Metrics {
 public:
  explicit Metrics(const settings::Settings& settings);

  [[nodiscard]] std::string text(const Seen& seen, display::WallTime now) const;

 private:
  std::string name_;
  std::vector<settings::Source> sources_;
};

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_METRICS_H_
