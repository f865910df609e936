#include "consul/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace shmconf::consul {
namespace {

constexpr std::uint16_t kDefaultPort = 8500;

Error invalid(std::string_view address, const std::string& why) {
  // Somebody's password may stand before an '@'.
  const bool secret = address.find('@') != std::string_view::npos;
  const std::string shown = secret ? "" : " '" + std::string(address) + "'";
  return {ErrorCode::kInvalid,
          "consul.address" + shown + ": " + why +
              "; write http://host:port, https://host:port or unix:///path"};
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool is_ipv6(const std::string& host) {
  in6_addr ignored{};
  const auto zone = host.find('%');
  return ::inet_pton(AF_INET6, host.substr(0, zone).c_str(), &ignored) == 1;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
}

Result<std::uint16_t> parse_port(std::string_view address, std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc{} || end != digits.data() + digits.size() || port == 0) {
    return invalid(address, "the port is not a number from 1 to 65535");
  }
  return port;
}

Result<Address> parse_unix(std::string_view address, std::string_view path) {
  if (!path.starts_with('/')) return invalid(address, "the path of a unix socket begins with '/'");
  if (path.size() >= sizeof(sockaddr_un::sun_path) || path.find('\0') != std::string_view::npos) {
    return invalid(address, "the path of a unix socket has at most " +
                                std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " characters");
  }
  return Address{Address::Scheme::kUnix, {}, kDefaultPort, std::string(path)};
}

Result<Address> parse_host_and_port(std::string_view address, Address::Scheme scheme, std::string_view rest) {
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('@') != std::string_view::npos) {
    return invalid(address, "it holds a user or password, which belongs into consul.http_auth");
  }
  if (rest.find_first_of("/?#") != std::string_view::npos) {
    return invalid(address, "only host and port belong there");
  }

  Address result{scheme, {}, kDefaultPort, {}};
  std::string_view port;
  bool has_port = false;
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return invalid(address, "']' is missing");
    result.host = rest.substr(1, close - 1);
    if (!is_ipv6(result.host)) return invalid(address, "what stands in brackets is not an IPv6 address");
    rest.remove_prefix(close + 1);
    has_port = rest.starts_with(':');
    if (has_port) port = rest.substr(1);
    if (!has_port && !rest.empty()) return invalid(address, "only a port may follow ']'");
  } else {
    const auto colon = rest.find(':');
    has_port = colon != std::string_view::npos;
    if (has_port) port = rest.substr(colon + 1);
    if (port.find(':') != std::string_view::npos) {
      return invalid(address, "an IPv6 address stands in brackets");
    }
    result.host = lower(rest.substr(0, colon));
    // Consul's tools take ":8500" for this machine.
    if (result.host.empty() && has_port) result.host = "127.0.0.1";
    if (!is_host_name(result.host)) return invalid(address, "the host is not a name or IP address");
  }
  if (has_port) {
    auto number = parse_port(address, port);
    if (!number) return std::move(number).error();
    result.port = *number;
  }
  return result;
}

}  // namespace

std::string Address::authority() const {
  if (scheme == Scheme::kUnix) return "localhost";
  // A zone names an interface of this machine and means nothing to the server.
  const bool ipv6 = host.find(':') != std::string::npos;
  const std::string name = ipv6 ? "[" + host.substr(0, host.find('%')) + "]" : host;
  return name + ":" + std::to_string(port);
}

std::string Address::text() const {
  switch (scheme) {
    case Scheme::kHttp: return "http://" + authority();
    case Scheme::kHttps: return "https://" + authority();
    case Scheme::kUnix: return "unix://" + path;
  }
  return {};
}

bool Address::is_local() const {
  if (scheme == Scheme::kUnix || host == "localhost") return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

Result<Address> parse_address(std::string_view text) {
  if (text.empty()) return invalid(text, "it is empty");
  const auto separator = text.find("://");
  if (separator == std::string_view::npos) return parse_host_and_port(text, Address::Scheme::kHttp, text);
  const std::string scheme = lower(text.substr(0, separator));
  const std::string_view rest = text.substr(separator + 3);
  if (scheme == "http") return parse_host_and_port(text, Address::Scheme::kHttp, rest);
  if (scheme == "https") return parse_host_and_port(text, Address::Scheme::kHttps, rest);
  if (scheme == "unix") return parse_unix(text, rest);
  return invalid(text, "the scheme is not http, https or unix");
}

}  // namespace shmconf::consul
