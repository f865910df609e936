#include "settings/listen_address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <charconv>
#include <variant>

namespace shmconf::settings {
namespace {

using Parsed = std::variant<ListenAddress, Complaint>;

constexpr std::string_view kForms = "write 127.0.0.1:PORT, [::1]:PORT or unix:PATH";

Parsed parse_path(std::string_view text, std::string_view path) {
  if (path.starts_with("//")) path.remove_prefix(2);  // as Consul's addresses are written
  if (path.empty() || path.find('\0') != std::string_view::npos) {
    return Complaint{in_quotes(text) + " names no socket", std::string(kForms)};
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Complaint{in_quotes(text) + " is too long for a unix socket", "the kernel takes 107 bytes at most"};
  }
  return ListenAddress{.path = std::string(path), .host = {}, .port = 0};
}

bool is_loopback(const std::string& host) {
  in6_addr six{};
  if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
  in_addr four{};
  return ::inet_pton(AF_INET, host.c_str(), &four) == 1 && (ntohl(four.s_addr) >> 24) == 127;
}

Parsed parse(std::string_view text) {
  if (text.starts_with(kUnixListener)) return parse_path(text, text.substr(kUnixListener.size()));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Complaint{in_quotes(text) + " has no port", std::string(kForms)};
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Without brackets nobody knows where an IPv6 address ends.
  if (!bracketed && host.find(':') != std::string_view::npos) {
    return Complaint{in_quotes(text) + " is no address with a port", std::string(kForms)};
  }
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || failure != std::errc{} || end != digits.data() + digits.size()) {
    return Complaint{in_quotes(text) + " has no port between 0 and 65535", std::string(kForms)};
  }
  const std::string address = host == "localhost" ? "127.0.0.1" : std::string(host);
  if (!is_loopback(address)) {
    return Complaint{in_quotes(host) + " is no loopback address, and nobody is asked for a password here",
                     std::string(kForms) + ", and put a proxy in front of it for other machines"};
  }
  return ListenAddress{.path = {}, .host = address, .port = port};
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  auto parsed = parse(text);
  if (const auto* complaint = std::get_if<Complaint>(&parsed)) return to_error(*complaint);
  return std::get<ListenAddress>(std::move(parsed));
}

std::optional<Complaint> examine_listen_address(std::string_view text) {
  auto parsed = parse(text);
  if (auto* complaint = std::get_if<Complaint>(&parsed)) return std::move(*complaint);
  return std::nullopt;
}

}  // namespace shmconf::settings
