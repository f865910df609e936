#include "consul/base64.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace shmconf::consul {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kBad = 0x8000'0000;

using Table = std::array<std::uint32_t, 256>;

// One table for each of the four places of a group: an entry holds the character's six bits where
// they belong in the little-endian word of the three bytes, so that four loads and three ORs decode
// a group, and kBad survives the ORs.
constexpr Table table_for(int place) {
  Table table{};
  table.fill(kBad);
  for (std::uint32_t value = 0; value < 64; ++value) {
    const std::uint32_t bits = value << (18 - 6 * place);
    table[static_cast<unsigned char>(kAlphabet[value])] =
        ((bits >> 16) & 0xff) | (bits & 0xff00) | ((bits & 0xff) << 16);
  }
  return table;
}

constexpr std::array<Table, 4> kTables = {table_for(0), table_for(1), table_for(2), table_for(3)};

std::uint32_t decode_group(const char* group) noexcept {
  const auto at = [group](int place) { return static_cast<unsigned char>(group[place]); };
  return kTables[0][at(0)] | kTables[1][at(1)] | kTables[2][at(2)] | kTables[3][at(3)];
}

void store(char* out, std::uint32_t word, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>((word >> (8 * i)) & 0xff);
}

}  // namespace

std::optional<std::size_t> decode_base64_in_place(char* data, std::size_t size) noexcept {
  if (size == 0) return 0;
  if (size % 4 != 0) return std::nullopt;
  const char* in = data;
  const char* const last = data + size - 4;
  char* out = data;
  std::uint32_t seen = 0;
  for (; in != last; in += 4, out += 3) {
    const std::uint32_t word = decode_group(in);
    seen |= word;
    // The output runs at least one byte behind the input's end, so three bytes always fit.
    store(out, word, 3);
  }
  if ((seen & kBad) != 0) return std::nullopt;

  char tail[4];
  std::memcpy(tail, last, 4);
  std::size_t bytes = 3;
  if (tail[3] == '=') {
    bytes = 2;
    tail[3] = 'A';
    if (tail[2] == '=') {
      bytes = 1;
      tail[2] = 'A';
    }
  }
  const std::uint32_t word = decode_group(tail);
  // Bits beyond the last whole byte must be zero, else two texts would stand for one value.
  if ((word & kBad) != 0 || (bytes < 3 && (word >> (8 * bytes)) != 0)) return std::nullopt;
  store(out, word, bytes);
  return static_cast<std::size_t>(out - data) + bytes;
}

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= left ? kAlphabet[(group >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return text;
}

}  // namespace shmconf::consul
