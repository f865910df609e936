#include "display/status_text.h"

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "display/text.h"

namespace shmconf::display {
namespace {

using std::chrono::nanoseconds;
using Json = nlohmann::ordered_json;

constexpr std::size_t kNameColumn = 15;

void add_line(std::string& text, std::string_view name, std::string_view value) {
  text += name;
  text.append(name.size() < kNameColumn ? kNameColumn - name.size() : 1, ' ');
  text += value;
  text += '\n';
}

std::string ago(WallTime time, WallTime now) {
  return utc_text(time) + " (" + age_text(now - time) + " ago)";
}

// Since when there has been no good answer of Consul: the last one. Empty: there never was one, or
// the configuration is live.
std::optional<WallTime> since(const Status& status, WallTime now) {
  if (status.verdict == Verdict::kLive || !status.contact_age) return std::nullopt;
  return now - *status.contact_age;
}

void add_role(std::string& text, std::string_view name, const RoleStatus& role) {
  add_line(text, name, role_line(role));
  if (role.failing_for) add_line(text, "  failing", "for " + age_text(*role.failing_for));
  if (const std::string error = role_error(role); !error.empty()) add_line(text, "  last error", error);
}

Json seconds_or_null(const std::optional<nanoseconds>& age) {
  if (!age) return nullptr;
  const std::int64_t milliseconds = age->count() / 1'000'000;
  return static_cast<double>(milliseconds) / 1e3;
}

Json time_or_null(const std::optional<WallTime>& time) {
  if (!time) return nullptr;
  return utc_text(*time);
}

Json role_json(const RoleStatus& role, WallTime now) {
  std::optional<WallTime> failing_since;
  if (role.failing_for) failing_since = now - *role.failing_for;
  return Json{{"alive", role.alive},
              {"stamp_age_s", seconds_or_null(role.stamp_age)},
              {"contact_age_s", seconds_or_null(role.contact_age)},
              {"stale_after_s", seconds_or_null(role.stale_after)},
              {"failing_since", time_or_null(failing_since)},
              {"failing_for_s", seconds_or_null(role.failing_for)},
              {"last_error", role.last_error},
              {"failures", role.failures},
              {"queries", role.queries},
              {"publishes", role.publishes},
              {"starts", role.starts}};
}

// Text from shared memory may be no UTF-8.
std::string printed(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

const char* error_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kAbsent: return "absent";
    case ErrorCode::kNotReady: return "not ready";
    case ErrorCode::kWrongVersion: return "wrong version";
    case ErrorCode::kDamaged: return "damaged";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kWrongType: return "wrong type";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kNoSpace: return "no space";
    case ErrorCode::kSystem: return "system";
  }
  return "unknown";
}

std::string utc_text(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time - whole);
  const std::time_t seconds = whole.time_since_epoch().count();
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "unknown";
  std::array<char, 64> date{};
  const std::size_t length = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(milliseconds.count()));
  return std::string(date.data(), length) + fraction.data();
}

std::string age_text(nanoseconds age) {
  // Clocks of two sorts are behind an age; a hair below zero is now.
  const std::int64_t milliseconds = age.count() < 0 ? 0 : age.count() / 1'000'000;
  const std::int64_t seconds = milliseconds / 1000;
  const auto two = [](std::int64_t large, const char* between, std::int64_t small, const char* unit) {
    return std::to_string(large) + between + std::to_string(small) + unit;
  };
  if (milliseconds < 1000) return std::to_string(milliseconds) + " ms";
  if (seconds < 60) return two(seconds, ".", milliseconds % 1000 / 100, " s");
  if (seconds < 3600) return two(seconds / 60, " min ", seconds % 60, " s");
  if (seconds < 86400) return two(seconds / 3600, " h ", seconds % 3600 / 60, " min");
  return two(seconds / 86400, " d ", seconds % 86400 / 3600, " h");
}

std::string verdict_line(const Status& status, WallTime now) {
  std::string line = verdict_name(status.verdict);
  if (const auto start = since(status, now)) {
    line += (status.verdict == Verdict::kDead ? ", last contact with Consul " : " since ") + ago(*start, now);
  } else if (status.verdict == Verdict::kStale) {
    line += ": no contact with Consul yet";
  }
  if (status.from_file) line += "; read from the backup file, there is no sidecar";
  if (status.retired) line += "; the segment was given up, and no other one is there yet";
  return line;
}

std::string index_list(const Status& status) {
  std::string text;
  for (const std::uint64_t index : status.indexes) text += (text.empty() ? "" : ", ") + std::to_string(index);
  return text.empty() ? "none" : text;
}

std::string role_line(const RoleStatus& role) {
  if (role.starts == 0) return "never started";
  std::string line = role.alive ? "alive" : "dead";
  if (!role.alive && role.stamp_age) line += ", last seen " + age_text(*role.stamp_age) + " ago";
  if (!role.alive && !role.stamp_age) line = "ended";
  if (role.contact_age) line += ", last contact " + age_text(*role.contact_age) + " ago";
  line += ", " + counted(role.queries, "answer") + ", " + std::to_string(role.publishes) + " published, " +
          counted(role.failures, "failure") + ", " + counted(role.starts, "start");
  return line;
}

std::string role_error(const RoleStatus& role) {
  if (role.last_error.empty()) return {};
  // What concerns the backup may last, though Consul answers.
  const char* now = role.failing_for ? "" : role.contact_age ? " (Consul answers)" : " (recovered)";
  // Bytes of another process, on the way to a terminal.
  return escaped(role.last_error) + now;
}

std::string status_text(const Status& status, const std::string& name, WallTime now) {
  std::string text;
  add_line(text, "name", name);
  if (!status.directory.empty()) add_line(text, "directory", status.directory);
  add_line(text, "verdict", verdict_line(status, now));
  add_line(text, "generation", std::to_string(status.generation));
  add_line(text, "keys", std::to_string(status.key_count) + ", and " +
                             counted(status.pointer_count, "pointer") + " into JSON documents");
  add_line(text, "bytes", std::to_string(status.key_value_bytes) + " in keys and values, " +
                              std::to_string(status.snapshot_bytes) + " in all");
  add_line(text, "source", origin_name(status.origin));
  add_line(text, "consul index", index_list(status));
  add_line(text, "published", ago(status.published, now));
  add_line(text, "read", ago(status.read, now));
  add_line(text, "last contact", status.contact_age ? age_text(*status.contact_age) + " ago" : "none");
  add_line(text, "comparisons", std::to_string(status.sync_count) + " with Consul");
  if (status.settled_rounds_exceeded != 0) {
    add_line(text, "unsettled", counted(status.settled_rounds_exceeded, "generation") +
                                    " published while the sources never stood still");
  }
  add_line(text, "backup file", status.backup_file.empty() ? "none" : escaped(status.backup_file));
  for (std::size_t i = 0; i < kRoleNames.size(); ++i) add_role(text, kRoleNames[i], status.roles[i]);
  return text;
}

std::string status_json(const Status& status, const std::string& name, WallTime now) {
  Json indexes = Json::array();
  for (const std::uint64_t index : status.indexes) indexes.push_back(std::to_string(index));
  Json roles = Json::object();
  for (std::size_t i = 0; i < kRoleNames.size(); ++i) roles[kRoleNames[i]] = role_json(status.roles[i], now);
  return printed(Json{{"name", name},
                      {"directory", status.directory},
                      {"verdict", verdict_name(status.verdict)},
                      {"since", time_or_null(since(status, now))},
                      {"generation", std::to_string(status.generation)},
                      {"keys", status.key_count},
                      {"pointers", status.pointer_count},
                      {"bytes", status.key_value_bytes},
                      {"snapshot_bytes", status.snapshot_bytes},
                      {"source", origin_name(status.origin)},
                      {"consul_indexes", std::move(indexes)},
                      {"published", utc_text(status.published)},
                      {"read", utc_text(status.read)},
                      {"contact_age_s", seconds_or_null(status.contact_age)},
                      {"sync_count", status.sync_count},
                      {"settled_rounds_exceeded", status.settled_rounds_exceeded},
                      {"backup_file", status.backup_file},
                      {"from_backup_file", status.from_file},
                      {"retired", status.retired},
                      {"roles", std::move(roles)}});
}

std::string no_status_json(const Error& error, const std::string& name) {
  return printed(Json{{"name", name},
                      {"verdict", nullptr},
                      {"error", Json{{"code", error_name(error.code)}, {"text", error.text}}}});
}

}  // namespace shmconf::display
