// parse: a configuration value's text as a typed value.
//
// Free functions without state; thread-safe. Nothing here allocates except for std::string.
//
// What is accepted, after spaces, tabs and line ends on both sides are dropped (std::string: as is):
//   integers      decimal digits, with '-' or '+' before them; out of T's range is no value
//   float, double decimal or scientific, finite and in range
//   bool          true false yes no on off 1 0, in any case
//   milliseconds  a whole number of milliseconds, or numbers with h, m, s, ms: "30s" "1h30m" "1.5s"
#ifndef SHMCONF_PARSE_H_
#define SHMCONF_PARSE_H_

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "shmconf/export.h"
#include "shmconf/result.h"

namespace shmconf {

template <typename T, typename... Types>
concept OneOf = (std::same_as<T, Types> || ...);

// Integers that hold numbers: not bool, not the character types.
template <typename T>
concept ReadableInteger =
    std::integral<T> && !OneOf<T, bool, char, wchar_t, char8_t, char16_t, char32_t> && sizeof(T) <= 8;

// The types that a value can be read as.
template <typename T>
concept Readable =
    ReadableInteger<T> || OneOf<T, bool, float, double, std::string, std::chrono::milliseconds>;

namespace parse_detail {

SHMCONF_EXPORT bool to_signed(std::string_view text, std::int64_t& value) noexcept;
SHMCONF_EXPORT bool to_unsigned(std::string_view text, std::uint64_t& value) noexcept;
SHMCONF_EXPORT bool to_float(std::string_view text, float& value) noexcept;
SHMCONF_EXPORT bool to_double(std::string_view text, double& value) noexcept;
SHMCONF_EXPORT bool to_bool(std::string_view text, bool& value) noexcept;
SHMCONF_EXPORT bool to_milliseconds(std::string_view text, std::int64_t& value) noexcept;

// The name of T in an error's text.
template <Readable T>
constexpr const char* type_name() {
  if constexpr (std::same_as<T, bool>) return "a bool (true or false)";
  else if constexpr (std::same_as<T, std::string>) return "a string";
  else if constexpr (std::same_as<T, std::chrono::milliseconds>) return "a duration, like 30s or 15m";
  else if constexpr (std::floating_point<T>) return "a number in range";
  else return "an integer in range";
}

}  // namespace parse_detail

// True: text is a T, now in value. False: it is not, and value is as it was.
template <Readable T>
[[nodiscard]] bool parse(std::string_view text, T& value) {
  using namespace parse_detail;
  if constexpr (std::same_as<T, std::string>) {
    value.assign(text);
    return true;
  } else if constexpr (std::same_as<T, bool>) {
    return to_bool(text, value);
  } else if constexpr (std::same_as<T, float>) {
    return to_float(text, value);
  } else if constexpr (std::same_as<T, double>) {
    return to_double(text, value);
  } else if constexpr (std::same_as<T, std::chrono::milliseconds>) {
    std::int64_t count = 0;
    if (!to_milliseconds(text, count)) return false;
    value = std::chrono::milliseconds(count);
    return true;
  } else if constexpr (std::signed_integral<T>) {
    std::int64_t wide = 0;
    if (!to_signed(text, wide)) return false;
    if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max()) return false;
    value = static_cast<T>(wide);
    return true;
  } else {
    std::uint64_t wide = 0;
    if (!to_unsigned(text, wide) || wide > std::numeric_limits<T>::max()) return false;
    value = static_cast<T>(wide);
    return true;
  }
}

}  // namespace shmconf

#endif  // SHMCONF_PARSE_H_
