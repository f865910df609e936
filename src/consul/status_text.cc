#include "consul/status_text.h"

namespace shmconf::consul {
namespace {

// As an ACL rule writes it.
std::string quoted(std::string_view path) {
  std::string text = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') text += '\\';
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return text + '"';
}

std::string named(const settings::Source& source) {
  return (source.kind == settings::Source::Kind::kPrefix ? "prefix " : "key ") + quoted(source.path);
}

// In Consul's own syntax.
std::string rule_for(const settings::Source& source, Asked asked) {
  if (source.kind == settings::Source::Kind::kKey) return "key " + quoted(source.path) + " { policy = \"read\" }";
  // Consul hides what may not be read from a list instead of refusing it, unless
  // acl.enable_key_list_policy asks for one right more.
  const char* const right = asked == Asked::kSource ? "list" : "read";
  return "key_prefix " + quoted(source.path) + " { policy = \"" + right + "\" }";
}

Error denied(const Answer& answer, const settings::Source& source, Asked asked) {
  const std::string rule = rule_for(source, asked);
  if (answer.error_body.find("ACL not found") != std::string::npos) {
    return {ErrorCode::kDenied,
            "permission denied: Consul does not know the token (ACL not found), which was revoked or belongs to "
            "another datacenter: put one with " + rule + " into consul.token_file"};
  }
  if (!answer.with_token) {
    return {ErrorCode::kDenied, "permission denied without a token: put one with " + rule + " into consul.token_file"};
  }
  return {ErrorCode::kDenied, "permission denied: the token needs " + rule};
}

}  // namespace

std::optional<Error> status_error(const Answer& answer, const settings::Source& source, Asked asked) {
  const unsigned status = answer.status;
  if (status == 200 || (status == 404 && answer.index)) return std::nullopt;
  const std::string words = answer.error_body.empty() ? "" : ": " + answer.error_body;
  const std::string number = std::to_string(status);
  if (status == 403) return denied(answer, source, asked);
  if (status == 404) {
    return Error{ErrorCode::kUnavailable, "404 without X-Consul-Index for " + named(source) +
                                              ": check that consul.address is Consul's own HTTP address"};
  }
  if (status >= 300 && status < 400) {
    return Error{ErrorCode::kInvalid, "Consul redirects (" + number + ") for " + named(source) +
                                          ": its HTTP API cannot serve paths with '//', '.' or '..': rename "
                                          "it or check the scheme of consul.address"};
  }
  // In the words of Go's server and of nginx.
  if (status == 400 && (words.find("HTTP request to an HTTPS server") != std::string::npos ||
                        words.find("plain HTTP request was sent to HTTPS port") != std::string::npos)) {
    return Error{ErrorCode::kInvalid, "Consul speaks TLS at consul.address: write https:// there"};
  }
  if (status == 400) {
    return Error{ErrorCode::kInvalid, "Consul refuses the request (400) for " + named(source) + words};
  }
  if (status == 401 || status == 407) {
    return Error{ErrorCode::kDenied,
                 "a proxy before Consul wants credentials (" + number + "): set consul.http_auth"};
  }
  if (status == 429) {
    return Error{ErrorCode::kUnavailable, "Consul limits requests (429)" + words +
                                              ": raise limits.rpc_rate or run fewer sidecars on the agent"};
  }
  return Error{ErrorCode::kUnavailable, "Consul answered " + number + " for " + named(source) + words};
}

std::string printable_line(std::string_view words) {
  constexpr std::size_t kLongest = 200;
  std::string line;
  for (const char c : words) {
    if (line.size() == kLongest) break;
    if (c > ' ' && c <= '~') {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace shmconf::consul
