#include "consul/request_target.h"

#include <cctype>

namespace shmconf::consul {
namespace {

bool is_unreserved(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string percent_encode(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  text.reserve(bytes.size());
  for (const char byte : bytes) {
    const auto c = static_cast<unsigned char>(byte);
    if (is_unreserved(c) || c == '/') {
      text += byte;
    } else {
      text += '%';
      text += kHex[c >> 4];
      text += kHex[c & 15];
    }
  }
  return text;
}

std::string duration_text(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + "s" : std::to_string(count) + "ms";
}

std::chrono::milliseconds effective_wait(const Query& query, const settings::Consul& settings) {
  // Zero would mean Consul's own five minutes.
  return query.wait.count() > 0 ? query.wait : settings.wait;
}

std::string request_target(const Query& query, const settings::Consul& settings) {
  std::string target = "/v1/kv/" + percent_encode(query.source.path);
  char separator = '?';
  const auto add = [&](std::string_view name, std::string_view value = {}) {
    target += separator;
    separator = '&';
    target += name;
    if (!value.empty()) target.append("=").append(percent_encode(value));
  };
  if (query.source.kind == settings::Source::Kind::kPrefix) {
    if (query.what == Query::What::kPairs) {
      add("recurse");
    } else {
      add("keys");
      add("separator", "/");
    }
  }
  if (query.blocking()) {
    add("index", std::to_string(query.index));
    add("wait", duration_text(effective_wait(query, settings)));
  }
  if (query.consistency == settings::Consistency::kStale) add("stale");
  if (query.consistency == settings::Consistency::kConsistent) add("consistent");
  if (!settings.datacenter.empty()) add("dc", settings.datacenter);
  if (!settings.name_space.empty()) add("ns", settings.name_space);
  if (!settings.partition.empty()) add("partition", settings.partition);
  return target;
}

}  // namespace shmconf::consul
