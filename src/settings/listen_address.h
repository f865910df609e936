// Where `--http` listens: a loopback address and port, or a unix socket.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_SETTINGS_LISTEN_ADDRESS_H_
#define SHMCONF_SETTINGS_LISTEN_ADDRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "settings/complaint.h"
#include "shmconf/result.h"

namespace shmconf::settings {

inline constexpr std::string_view kUnixListener = "unix:";

struct ListenAddress {
  std::string path;        // of a unix socket; empty: TCP
  std::string host;        // "127.0.0.1" or "::1", no name
  std::uint16_t port = 0;  // 0: any that is free

  [[nodiscard]] bool is_unix() const noexcept { return !path.empty(); }
};

// 127.0.0.1:PORT, [::1]:PORT or unix:PATH. Error kInvalid, with what to write instead.
Result<ListenAddress> parse_listen_address(std::string_view text);

// What is wrong with the address, or nothing.
std::optional<Complaint> examine_listen_address(std::string_view text);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_LISTEN_ADDRESS_H_
