#include "http/routes.h"

#include <algorithm>
#include <utility>

#include "http/assets.h"

namespace shmconf::http {
namespace {

constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kEventStream = "text/event-stream; charset=utf-8";

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  return "application/octet-stream";
}

std::string event(std::string_view name, std::string_view data) {
  std::string text = "event: ";
  return text.append(name).append("\ndata: ").append(data).append("\n\n");
}

// On one line, whatever it is made of.
std::string line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

Routes::Routes(View& view, const Shown& shown, const Metrics& metrics, std::function<display::WallTime()> now)
    : view_(view), shown_(shown), metrics_(metrics), now_(std::move(now)) {}

Reply Routes::answer(std::string_view path) {
  if (path == "/healthz") return health();
  if (path == "/readyz") return readiness();
  if (path == "/metrics") return {.content_type = kMetricsType, .body = metrics_.text(view_.look(), now_())};
  if (path == "/api/state") return json(state());
  if (path == "/api/tree") {
    Reply reply = json({});
    reply.shared = tree();
    return reply;
  }
  if (path == "/api/history") return json(Shown::history({history_.begin(), history_.end()}));
  if (path == "/api/events") return {.content_type = kEventStream, .events = true};
  const std::string_view name = path == "/" ? "index.html" : path.substr(1);
  for (const Asset& asset : assets()) {
    if (asset.name == name) return {.content_type = type_of(name), .body = std::string(asset.bytes)};
  }
  return plain(404, "not found");
}

// Made once a generation, however many ask, and however slowly they take it.
std::shared_ptr<const std::string> Routes::tree() {
  const Seen seen = view_.look();
  const std::uint64_t generation = seen.readable() ? seen.snapshot->generation() : 0;
  if (!tree_ || generation != tree_generation_ || generation == 0) {
    tree_ = std::make_shared<const std::string>(shown_.tree(seen));
    tree_generation_ = generation;
  }
  return tree_;
}

// Whether it makes sense to let this go on: Consul may be away, and there may be no configuration yet.
Reply Routes::health() {
  const Seen seen = view_.look();
  if (seen.sidecar_lives()) return plain(200, "ok");
  const std::string why = seen.status && !seen.status->from_file
                              ? "neither watch nor heartbeat is alive: start `shmconf run`"
                              : line(seen.problem.empty() ? "there is no segment, only its backup" : seen.problem);
  return plain(503, why);
}

// Whether what readers have is what Consul has, as `shmconf status` judges it.
Reply Routes::readiness() {
  const Seen seen = view_.look();
  if (!seen.readable()) return plain(503, line("no configuration: " + seen.problem));
  if (seen.status->verdict == Verdict::kLive) return plain(200, "live");
  return plain(503, line(std::string(seen.verdict()) + ": " + shown_.summary(seen, now_())));
}

std::string Routes::state() { return shown_.state(view_.look(), now_()); }

std::string Routes::state_event() { return event("state", state()); }

std::string Routes::met(const Met& met) {
  history_.push_front(Shown::change(met));
  if (history_.size() > kLongestHistory) history_.pop_back();
  return event("change", history_.front()) + state_event();
}

}  // namespace shmconf::http
