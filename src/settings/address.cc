#include "settings/address.h"

#include <sys/un.h>

#include <algorithm>

namespace shmconf::settings {
namespace {

constexpr std::string_view kForms = "write host:port, http://host:port, https://host:port or unix:///path";

struct Split {
  std::string_view scheme;  // empty when none was written
  std::string_view rest;
};

Split split_scheme(std::string_view address) {
  const std::size_t at = address.find("://");
  if (at == std::string_view::npos) return {{}, address};
  return {address.substr(0, at), address.substr(at + 3)};
}

struct Authority {
  std::string_view host;  // with its brackets
  std::string_view port;  // empty when none was written
  bool has_colon = false;
};

Authority split_authority(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
    return {authority, {}, false};
  }
  return {authority.substr(0, colon), authority.substr(colon + 1), true};
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
  const int port = std::stoi(std::string(text));
  return port >= 1 && port <= 65535;
}

bool is_host(std::string_view text) {
  if (text.empty()) return false;
  const bool bracketed = text.front() == '[';
  if (bracketed) {
    if (text.size() < 4 || text.back() != ']') return false;
    text = text.substr(1, text.size() - 2);
  }
  return std::all_of(text.begin(), text.end(), [bracketed](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool plain = letter || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    return plain || (bracketed && (c == ':' || c == '%'));
  });
}

std::string_view without_last_slash(std::string_view rest) {
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  return rest;
}

std::optional<Complaint> examine_unix(std::string_view address, std::string_view path) {
  if (path.empty() || path.front() != '/') {
    return Complaint{in_quotes(address) + " names no absolute path",
                     "write three slashes: unix:///run/consul/http.sock"};
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Complaint{in_quotes(address) + " is too long for a unix socket",
                     "the kernel takes 107 bytes at most"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Complaint> examine_address(std::string_view address) {
  const auto [scheme, rest] = split_scheme(address);
  if (scheme == "unix") return examine_unix(address, rest);
  if (!scheme.empty() && scheme != "http" && scheme != "https") {
    return Complaint{in_quotes(scheme) + " is not a scheme that Consul serves", std::string(kForms)};
  }
  // Before anything is quoted: what stands before '@' is a password.
  if (rest.find('@') != std::string_view::npos) {
    return Complaint{"the address holds a user or password",
                     "write host:port, and user:password as http_auth"};
  }
  const std::string_view authority = without_last_slash(rest);
  if (authority.find('/') != std::string_view::npos) {
    return Complaint{in_quotes(address) + " holds a path", "name the agent itself: " + std::string(kForms)};
  }
  const auto [host, port, has_colon] = split_authority(authority);
  if (!is_host(host)) return Complaint{in_quotes(address) + " names no host", std::string(kForms)};
  if (has_colon && !is_port(port)) {
    return Complaint{in_quotes(address) + " has no port between 1 and 65535",
                     "Consul's own is 8500, or 8501 for https"};
  }
  if (!has_colon && scheme.empty()) {
    return Complaint{in_quotes(address) + " names no port",
                     "write " + in_quotes(std::string(host) + ":8500")};
  }
  return std::nullopt;
}

std::string normal_address(std::string_view address, bool https) {
  const auto [scheme, rest] = split_scheme(address);
  if (scheme == "unix") return std::string(address);
  // A URL without a port means the protocol's own port, as it does to Consul's tools.
  const bool secure = https || scheme == "https";
  std::string out = secure ? "https://" : "http://";
  out += without_last_slash(rest);
  if (!split_authority(without_last_slash(rest)).has_colon) out += secure ? ":443" : ":80";
  return out;
}

}  // namespace shmconf::settings
