// Base64 as Consul writes values: RFC 4648 section 4, padded, without line breaks.
//
// Pure functions.
#ifndef SHMCONF_CONSUL_BASE64_H_
#define SHMCONF_CONSUL_BASE64_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace shmconf::consul {

// Decodes the size characters at data over themselves and returns the length of the result, which
// begins at data too. Absent when they are not strictly base64 (padding or trailing bits wrong
// included); the characters may have been overwritten by then.
[[nodiscard]] std::optional<std::size_t> decode_base64_in_place(char* data, std::size_t size) noexcept;

[[nodiscard]] std::string encode_base64(std::string_view bytes);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_BASE64_H_
