#include "http/rules.h"

#include <algorithm>
#include <string>

namespace shmconf::http {
namespace {

constexpr std::uint16_t kDefaultPort = 80;

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return lower(x) == lower(y);
  });
}

}  // namespace

bool is_own_host(std::string_view host, const settings::ListenAddress& listening) {
  const bool six = listening.host.find(':') != std::string::npos;
  const std::string literal = six ? "[" + listening.host + "]" : listening.host;
  const std::string port = ":" + std::to_string(listening.port);
  for (const std::string_view name : {std::string_view(literal), std::string_view("localhost")}) {
    std::string_view rest = host;
    if (!equal_but_for_case(rest.substr(0, name.size()), name)) continue;
    rest.remove_prefix(name.size());
    if (rest == port || (rest.empty() && listening.port == kDefaultPort)) return true;
  }
  return false;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

std::optional<Reply> refuse(const Request& request, const settings::ListenAddress& listening) {
  if (request.hosts > 1) return plain(400, "more than one Host header", true);
  if (!listening.is_unix() && !is_own_host(request.host, listening)) {
    return plain(421, "this is not the host that the request names: use the address that shmconf listens at", true);
  }
  if (request.method != "GET" && request.method != "HEAD") return plain(405, "only GET and HEAD", true);
  if (request.has_body) return plain(413, "a request here has no body", true);
  if (request.target.size() > kLongestTargetBytes) return plain(414, "the path is too long", true);
  if (!request.target.starts_with('/')) return plain(400, "a path begins with a slash", true);
  return std::nullopt;
}

}  // namespace shmconf::http
