// What chaos writes into Consul: three sources, a stamp in each, and values that say who wrote them.
//
// A value is the number of the transaction that wrote it, a dot and some 'x': "17.xxx". Where states
// are compared it is shortened to "17.3"; what is no such value becomes "?".
#ifndef SHMCONF_TESTS_FAULT_CHAOS_VALUE_H_
#define SHMCONF_TESTS_FAULT_CHAOS_VALUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace shmconf::chaos {

inline constexpr const char* kCommon = "config/common/";
inline constexpr const char* kWeb = "config/web/";  // wins over kCommon
inline constexpr const char* kSingle = "chaos-single";
// Each transaction writes its number into one at least; the highest one names the state.
inline constexpr std::array<const char*, 3> kStamps = {"common-stamp", "web-stamp", kSingle};

inline std::string value_of(std::uint64_t stamp, std::size_t padding) {
  return std::to_string(stamp) + "." + std::string(padding, 'x');
}

inline std::string shortened(std::uint64_t stamp, std::size_t padding) {
  return std::to_string(stamp) + "." + std::to_string(padding);
}

inline std::string shortened(std::string_view value) {
  const std::size_t dot = value.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > 20) return "?";
  const std::string_view padding = value.substr(dot + 1);
  if (value.find_first_not_of("0123456789") != dot || padding.find_first_not_of('x') != std::string_view::npos) {
    return "?";
  }
  return std::string(value.substr(0, dot + 1)) + std::to_string(padding.size());
}

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_VALUE_H_
