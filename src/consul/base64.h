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

// Decodes text to out, which may be text's own beginning or any place before it, and returns the length of
// the result. Absent when text is not strictly base64 (padding or trailing bits wrong included). As many
// bytes at out as text has may have been overwritten by then, either way.
[[nodiscard]] std::optional<std::size_t> decode_base64(std::string_view text, char* out) noexcept;

[[nodiscard]] std::string encode_base64(std::string_view bytes);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_BASE64_H_
