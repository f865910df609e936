#include "dev/request.h"

#include <array>
#include <cstdint>
#include <limits>

namespace shmconf::dev {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> unescaped(std::string_view text, bool plus_is_blank) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      if (hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return std::nullopt;
      result += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      result += text[i] == '+' && plus_is_blank ? ' ' : text[i];
    }
  }
  return result;
}

// Splits off and returns what is before the first separator.
std::string_view cut(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto front = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return front;
}

struct Unit {
  std::string_view name;
  double nanoseconds;
};
// Longer names first: "ms" begins with "m".
constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                      {"us", 1e3},
                                      {"\xc2\xb5s", 1e3},  // the micro sign
                                      {"\xce\xbcs", 1e3},  // Greek mu
                                      {"ms", 1e6},
                                      {"s", 1e9},
                                      {"m", 60e9},
                                      {"h", 3600e9}}};

// Reads digits with at most one point; nothing when there is no digit.
std::optional<double> cut_number(std::string_view& text) {
  // As in Go, what follows in a fraction does not count; and the quotient stays a number.
  constexpr double kLargestScale = 1e18;
  double value = 0, scale = 1;
  bool digits = false, point = false;
  while (!text.empty()) {
    const char c = text.front();
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      digits = true;
      if (!point || scale < kLargestScale) {
        value = value * 10 + (c - '0');
        if (point) scale *= 10;
      }
    } else {
      break;
    }
    text.remove_prefix(1);
  }
  return digits ? std::optional(value / scale) : std::nullopt;
}

}  // namespace

std::optional<std::string> Target::value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<Target> parse_target(std::string_view target) {
  Target result;
  const auto path = unescaped(cut(target, '?'), false);
  if (!path || !path->starts_with('/')) return std::nullopt;
  result.path = *path;
  result.raw_query = target;
  while (!target.empty()) {
    std::string_view pair = cut(target, '&');
    const auto name = unescaped(cut(pair, '='), true);
    const auto value = unescaped(pair, true);
    // Consul skips broken ones.
    if (name && value && !name->empty()) result.query.emplace_back(*name, *value);
  }
  return result;
}

std::string cleaned_path(std::string_view path) {
  std::vector<std::string_view> parts;
  const bool directory = path.ends_with('/');
  while (!path.empty()) {
    const auto part = cut(path, '/');
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string result;
  for (const auto part : parts) result.append("/").append(part);
  if (directory || result.empty()) result += '/';
  return result;
}

std::string escaped_path(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~/$&+,:;=@";
  std::string result;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alphanumeric || kPlain.find(c) != std::string_view::npos) {
      result += c;
    } else {
      result += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return result;
}

bool printable(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto byte = static_cast<unsigned char>(path[i]);
    const bool second_control_block = byte == 0xc2 && i + 1 < path.size() &&
                                      static_cast<unsigned char>(path[i + 1]) >= 0x80 &&
                                      static_cast<unsigned char>(path[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || second_control_block) return false;
  }
  return true;
}

std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto number = cut_number(text);
    if (!number) return std::nullopt;
    const Unit* found = nullptr;
    for (const auto& unit : kUnits) {
      if (found == nullptr && text.starts_with(unit.name)) found = &unit;
    }
    if (found == nullptr) return std::nullopt;
    text.remove_prefix(found->name.size());
    total += *number * found->nanoseconds;
  }
  if (total >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  const auto count = static_cast<std::int64_t>(total);
  return std::chrono::nanoseconds(negative ? -count : count);
}

}  // namespace shmconf::dev
