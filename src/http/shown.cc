#include "http/shown.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "consul/base64.h"
#include "display/status_text.h"

namespace shmconf::http {
namespace {

using std::chrono::nanoseconds;
using Json = nlohmann::ordered_json;

Json milliseconds_or_null(const std::optional<nanoseconds>& age) {
  if (!age) return nullptr;
  return age->count() / 1'000'000;
}

// Whole microseconds: the clocks say no more.
Json exact_milliseconds(const std::optional<nanoseconds>& span) {
  if (!span) return nullptr;
  const std::int64_t microseconds = span->count() / 1000;
  return static_cast<double>(microseconds) / 1e3;
}

std::string printed(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_utf8(std::string_view bytes) {
  try {
    static_cast<void>(Json(bytes).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

Json process(const char* name, const RoleStatus& role) {
  return Json{{"role", name},
              {"alive", role.alive},
              {"alive_age_ms", milliseconds_or_null(role.stamp_age)},
              {"contact_age_ms", milliseconds_or_null(role.contact_age)},
              {"failing_for_ms", milliseconds_or_null(role.failing_for)},
              {"restarts", role.starts == 0 ? 0 : role.starts - 1},
              {"last_error", role.last_error}};
}

Json text_or_null(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return *text;
}

}  // namespace

Shown::Shown(const settings::Settings& settings, bool show_values)
    : name_(settings.name),
      consul_address_(settings.consul.address),
      datacenter_(settings.consul.datacenter),
      sources_(settings.sources),
      show_values_(show_values) {}

std::string Shown::summary(const Seen& seen, display::WallTime now) {
  if (!seen.readable()) return "There is no configuration: " + seen.problem;
  const Status& status = *seen.status;
  const std::string since =
      status.contact_age ? ", as it was " + display::age_text(*status.contact_age) + " ago" : "";
  const std::string read = display::age_text(now - status.read);
  switch (status.verdict) {
    case Verdict::kLive: return "Readers have the configuration that Consul has.";
    case Verdict::kStale: return "Consul does not answer: readers have the last good configuration" + since + ".";
    case Verdict::kBackup:
      return "Consul has not answered since the start: readers have the backup, read from Consul " + read + " ago.";
    case Verdict::kDead:
      return "No process of the sidecar is alive: readers keep the last configuration, and nothing renews it.";
  }
  return {};
}

std::string Shown::state(const Seen& seen, display::WallTime now) const {
  Json state{{"name", name_}, {"verdict", seen.verdict()}, {"summary", summary(seen, now)}};
  const Status status = seen.status.value_or(Status{});
  const bool readable = seen.readable();
  state["generation"] = std::to_string(status.generation);
  state["keys"] = status.key_count;
  state["bytes"] = status.key_value_bytes;
  state["published_at"] = readable ? Json(display::utc_text(status.published)) : Json();
  state["contact_age_ms"] = milliseconds_or_null(status.contact_age);
  state["data_age_ms"] = readable ? milliseconds_or_null(now - status.read) : Json();
  state["origin"] = readable ? Json(origin_name(status.origin)) : Json();

  Json sources = Json::array();
  // Without settings of their own a reader knows the indexes alone, and not whose they are.
  for (std::size_t i = 0; i < std::max(sources_.size(), status.indexes.size()); ++i) {
    Json source = Json::object();
    if (i < sources_.size()) {
      source[sources_[i].kind == settings::Source::Kind::kPrefix ? "prefix" : "key"] = sources_[i].path;
      if (!datacenter_.empty()) source["datacenter"] = datacenter_;
    }
    source["index"] = i < status.indexes.size() ? Json(std::to_string(status.indexes[i])) : Json();
    sources.push_back(std::move(source));
  }
  state["consul"] = Json{{"address", consul_address_}, {"sources", std::move(sources)}};

  Json processes = Json::array();
  for (std::size_t i = 0; i < display::kRoleNames.size(); ++i) processes.push_back(process(display::kRoleNames[i], status.roles[i]));
  // This very one, where the sidecar has it.
  if (status.server_starts != 0) {
    RoleStatus server;
    server.alive = true;
    server.stamp_age = nanoseconds::zero();
    server.starts = status.server_starts;
    processes.push_back(process("serve", server));
  }
  state["processes"] = std::move(processes);
  state["problem"] = seen.problem.empty() ? Json(status.problem) : Json(seen.problem);
  state["values_shown"] = show_values_;
  return printed(state);
}

Shown::Value Shown::value_of(const Entry& entry, std::size_t largest_bytes) const {
  Value value;
  auto masked = secrets_.masked(entry.key, entry.value);
  value.secret = masked.has_value();
  if (!show_values_) return value;
  std::string text = masked ? std::move(*masked) : std::string(entry.value);
  value.cut = text.size() > largest_bytes;
  if (value.cut) return value;
  value.base64 = !is_utf8(text);
  value.text = value.base64 ? consul::encode_base64(text) : std::move(text);
  return value;
}

// Entry by entry: a document of all of them takes ten times the memory of its text.
std::string Shown::tree(const Seen& seen) const {
  std::string entries;
  std::uint64_t left_out = 0;
  if (seen.readable()) {
    auto walk = seen.snapshot->view().walk();
    Entry entry;
    while (walk.next(entry)) {
      if (entries.size() > kLargestTreeBytes) {
        ++left_out;
        continue;
      }
      const Value value = value_of(entry, kLargestTreeValueBytes);
      entries += (entries.empty() ? "" : ",") + printed(Json{{"key", entry.key},
                                                             {"bytes", entry.value.size()},
                                                             {"flags", std::to_string(entry.flags())},
                                                             {"modify_index", std::to_string(entry.modify_index())},
                                                             {"secret", value.secret},
                                                             {"value", text_or_null(value.text)},
                                                             {"encoding", value.base64 ? "base64" : "utf-8"},
                                                             {"too_large", value.cut}});
    }
  }
  const std::uint64_t generation = seen.readable() ? seen.snapshot->generation() : 0;
  std::string text = printed(
      Json{{"generation", std::to_string(generation)}, {"values_shown", show_values_}, {"left_out", left_out}});
  text.pop_back();
  return text + ",\"entries\":[" + entries + "]}";
}

ChangedKey Shown::changed(const Change& change) const {
  ChangedKey changed{.key = std::string(change.key),
                     .change = !change.before ? "added" : !change.after ? "removed" : "changed"};
  const auto take = [&](const std::optional<Entry>& entry, std::optional<std::string>& text) {
    if (!entry) return;
    Value value = value_of(*entry, kLargestHistoryValueBytes);
    changed.secret |= value.secret;
    if (!show_values_) return;
    const std::string size = std::to_string(entry->value.size()) + " bytes";
    text = value.cut ? "(" + size + ")" : value.base64 ? "(" + size + " that are no text)" : std::move(value.text);
  };
  take(change.before, changed.before);
  take(change.after, changed.after);
  return changed;
}

std::string Shown::change(const Met& met) {
  Json keys = Json::array();
  for (const ChangedKey& key : met.keys) {
    keys.push_back(Json{{"key", key.key},
                        {"change", key.change},
                        {"before", text_or_null(key.before)},
                        {"after", text_or_null(key.after)},
                        {"secret", key.secret}});
  }
  return printed(Json{{"generation", std::to_string(met.generation)},
                      {"at", display::utc_text(met.published)},
                      {"latency_ms", exact_milliseconds(met.latency)},
                      {"origin", origin_name(met.origin)},
                      {"first", met.first},
                      {"keys", std::move(keys)},
                      {"keys_left_out", met.keys_left_out}});
}

std::string Shown::history(const std::vector<std::string>& changes) {
  std::string text = R"({"changes":[)";
  for (const std::string& change : changes) {
    if (text.size() + change.size() > kLargestHistoryBytes) break;  // the older ones
    text += (text.back() == '[' ? "" : ",") + change;
  }
  return text + "]}";
}

Met met(const Snapshot& snapshot) {
  const format::SnapshotHeader& header = snapshot.view().header();
  const auto wall = [](std::uint64_t ns) { return display::WallTime(nanoseconds(static_cast<std::int64_t>(ns))); };
  Met met{.generation = header.generation, .published = wall(header.published_wall_ns), .origin = header.origin};
  // The clock may have been set back in between, and of a backup it says nothing.
  const nanoseconds latency = met.published - wall(header.read_wall_ns);
  if (header.origin != format::Origin::kBackup && latency >= nanoseconds::zero()) met.latency = latency;
  return met;
}

}  // namespace shmconf::http
