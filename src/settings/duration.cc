#include "settings/duration.h"

#include <array>
#include <cstdint>
#include <limits>

namespace shmconf::settings {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};

// From large to small: the order in which they may follow each other.
constexpr std::array<Unit, 4> kUnits = {{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& rest) {
  std::size_t length = 0;
  while (length < rest.size() && is_digit(rest[length])) ++length;
  const std::string_view digits = rest.substr(0, length);
  rest.remove_prefix(length);
  return digits;
}

std::string_view take_letters(std::string_view& rest) {
  std::size_t length = 0;
  while (length < rest.size() && !is_digit(rest[length])) ++length;
  const std::string_view letters = rest.substr(0, length);
  rest.remove_prefix(length);
  return letters;
}

Complaint not_a_duration(std::string_view text, std::string hint) {
  return {in_quotes(text) + " is not a duration", std::move(hint)};
}

std::string general_hint() { return "write a number with a unit, such as 500ms, 30s, 15m, 1h or 1m30s"; }

std::string unit_hint(std::string_view digits, std::string_view letters) {
  const std::string number(digits);
  if (letters.empty()) return "add a unit, for example " + number + "s";
  for (const Unit& unit : kUnits) {
    const std::string spaced = " " + std::string(unit.name);
    if (letters == spaced) return "leave out the space: " + number + std::string(unit.name);
  }
  // "min" and "sec" are common slips; anything else gets the unit of most settings.
  std::string_view meant = "s";
  if (letters.starts_with("min")) meant = "m";
  if (letters.starts_with("hour") || letters.starts_with("hr")) meant = "h";
  if (letters.starts_with("msec") || letters.starts_with("mil")) meant = "ms";
  return "the units are ms, s, m and h, for example " + number + std::string(meant);
}

// number * unit + sum, or -1 if that does not fit.
std::int64_t add_checked(std::int64_t sum, std::string_view digits, std::int64_t unit) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t number = 0;
  for (const char digit : digits) {
    const int value = digit - '0';
    if (number > (kMost - value) / 10) return -1;
    number = number * 10 + value;
  }
  if (number > (kMost - sum) / unit) return -1;
  return sum + number * unit;
}

}  // namespace

std::variant<std::chrono::milliseconds, Complaint> examine_duration(std::string_view text) {
  if (text.empty()) return not_a_duration(text, general_hint());
  std::string_view rest = text;
  std::int64_t sum = 0;
  std::size_t next_unit = 0;
  while (!rest.empty()) {
    const std::string_view digits = take_digits(rest);
    if (digits.empty()) return not_a_duration(text, general_hint());
    const std::string_view letters = take_letters(rest);
    std::size_t unit = 0;
    while (unit < kUnits.size() && kUnits[unit].name != letters) ++unit;
    if (unit == kUnits.size()) return not_a_duration(text, unit_hint(digits, letters));
    if (unit < next_unit) {
      return not_a_duration(text, "write each unit once, from large to small, such as 1m30s");
    }
    next_unit = unit + 1;
    sum = add_checked(sum, digits, kUnits[unit].milliseconds);
    if (sum < 0) {
      return Complaint{in_quotes(text) + " is too long a duration", "write a shorter one, such as 24h"};
    }
  }
  return std::chrono::milliseconds(sum);
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto examined = examine_duration(text);
  if (const auto* complaint = std::get_if<Complaint>(&examined)) return to_error(*complaint);
  return std::get<std::chrono::milliseconds>(examined);
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t left = duration.count();
  std::string out;
  for (const Unit& unit : kUnits) {
    if (left < unit.milliseconds) continue;
    out += std::to_string(left / unit.milliseconds);
    out += unit.name;
    left %= unit.milliseconds;
  }
  return out.empty() ? "0s" : out;
}

}  // namespace shmconf::settings
