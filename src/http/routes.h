// Routes: which path answers what.
//
// Belongs to the thread of its io_context, as everything that it is made of.
#ifndef SHMCONF_HTTP_ROUTES_H_
#define SHMCONF_HTTP_ROUTES_H_

#include <deque>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/server.h"
#include "http/metrics.h"
#include "http/shown.h"
#include "http/view.h"

namespace shmconf::http {

// So many generations are remembered.
inline constexpr std::size_t kLongestHistory = 50;

class Routes final : public Site {
 public:
  // These outlive it. now: the wall clock.
  Routes(View& view, const Shown& shown, const Metrics& metrics, std::function<display::WallTime()> now);

  Reply answer(std::string_view path) override;
  std::string first_events() override { return state_event(); }

  // Remembers a generation, and returns the events that tell of it.
  std::string met(const Met& met);
  std::string state_event();
  // How things are shown has changed.
  void show_anew() { tree_.reset(); }

 private:
  std::shared_ptr<const std::string> tree();
  Reply health();
  Reply readiness();
  std::string state();

  View& view_;
  const Shown& shown_;
  const Metrics& metrics_;
  const std::function<display::WallTime()> now_;
  std::deque<std::string> history_;  // JSON objects, newest first
  std::shared_ptr<const std::string> tree_;
  std::uint64_t tree_generation_ = 0;
};

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_ROUTES_H_
