#include "shmconf/parse.h"

#include <charconv>
#include <cmath>
#include <system_error>

namespace shmconf::parse_detail {
namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// All of the text as a number. from_chars knows no '+', and must not see "+-1".
template <typename T>
bool number(std::string_view text, T& value) {
  text = trimmed(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  T parsed{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (problem != std::errc() || end != text.data() + text.size()) return false;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(parsed)) return false;
  }
  value = parsed;
  return true;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
// Longest first where one begins another.
constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};

// Takes "digits[.digits]unit" off the front and adds it to total, the fraction cut to milliseconds.
// No value where a unit is missing or unknown, or where the total leaves its range.
bool take_part(std::string_view& text, std::int64_t& total) {
  std::int64_t whole = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (problem != std::errc() || text[0] == '-') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));

  std::int64_t fraction = 0;  // in millionths
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (text.empty() || text[0] < '0' || text[0] > '9') return false;
    for (std::int64_t scale = 100'000; !text.empty() && text[0] >= '0' && text[0] <= '9'; scale /= 10) {
      fraction += scale * (text[0] - '0');
      text.remove_prefix(1);
    }
  }
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    std::int64_t part = 0;
    return !__builtin_mul_overflow(whole, unit.milliseconds, &part) &&
           !__builtin_add_overflow(part, fraction * unit.milliseconds / 1'000'000, &part) &&
           !__builtin_add_overflow(total, part, &total);
  }
  return false;
}

}  // namespace

bool to_signed(std::string_view text, std::int64_t& value) noexcept { return number(text, value); }
bool to_unsigned(std::string_view text, std::uint64_t& value) noexcept { return number(text, value); }
bool to_float(std::string_view text, float& value) noexcept { return number(text, value); }
bool to_double(std::string_view text, double& value) noexcept { return number(text, value); }

bool to_bool(std::string_view text, bool& value) noexcept {
  text = trimmed(text);
  for (const std::string_view word : {"true", "yes", "on", "1"}) {
    if (equals_ignoring_case(text, word)) return value = true, true;
  }
  for (const std::string_view word : {"false", "no", "off", "0"}) {
    if (equals_ignoring_case(text, word)) return value = false, true;
  }
  return false;
}

bool to_milliseconds(std::string_view text, std::int64_t& value) noexcept {
  if (number(text, value)) return true;
  text = trimmed(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return false;
  std::int64_t total = 0;
  while (!text.empty()) {
    if (!take_part(text, total)) return false;
  }
  value = negative ? -total : total;
  return true;
}

}  // namespace shmconf::parse_detail
