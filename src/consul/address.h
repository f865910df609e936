// Address: where Consul's HTTP API is, taken apart.
//
// A plain value. Accepts what Consul's own tools accept: host:port, http://, https://, unix:///path.
#ifndef SHMCONF_CONSUL_ADDRESS_H_
#define SHMCONF_CONSUL_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "shmconf/result.h"

namespace shmconf::consul {

struct Address {
  enum class Scheme : std::uint8_t { kHttp, kHttps, kUnix };

  Scheme scheme = Scheme::kHttp;
  std::string host;           // name or IP address, without brackets; empty for kUnix
  std::uint16_t port = 8500;  // without meaning for kUnix
  std::string path;           // of the socket; empty unless kUnix

  // The Host header's value.
  [[nodiscard]] std::string authority() const;
  // For people, without secrets: "http://127.0.0.1:8500".
  [[nodiscard]] std::string text() const;
  // On this machine for certain: a unix socket, localhost or a loopback address.
  [[nodiscard]] bool is_local() const;
};

// Fails with kInvalid and says what is wrong; never repeats a password.
Result<Address> parse_address(std::string_view text);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_ADDRESS_H_
