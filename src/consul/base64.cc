#include "consul/base64.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace shmconf::consul {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kBad = 0x8000'0000;

static_assert(std::endian::native == std::endian::little);

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

constexpr std::size_t kVectorBytes = 32;

// Decodes groups until fewer than `most_left` characters are left, and says how many characters that were.
// Absent: one of them is none of the alphabet.
using Step = std::optional<std::size_t>;

#if defined(__x86_64__)
// 32 characters at a time, as Mula and Lemire describe it (Faster Base64 Encoding and Decoding Using AVX2
// Instructions, ACM TWEB 12/3, 2018): two table lookups by nibble find what is no character, a third the
// distance to its six bits, and two multiply-adds put four of those into three bytes. Each store is as long
// as the load before it, so it never reaches characters that are still to be read.
[[gnu::target("avx2")]] Step decode_by_vectors(std::string_view text, char* out, std::size_t most_left) noexcept {
  const __m256i low_table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13,
                                                0x1a, 0x1b, 0x1b, 0x1b, 0x1a));
  const __m256i high_table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10,
                                                 0x10, 0x10, 0x10, 0x10, 0x10));
  const __m256i distance_table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m256i in_order = _mm256_broadcastsi128_si256(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  const __m256i slash = _mm256_set1_epi8('/');  // also the mask of a nibble: 0x0f in all that counts
  std::size_t at = 0;
  for (; text.size() - at >= kVectorBytes + most_left; at += kVectorBytes, out += 24) {
    __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at));
    const __m256i high = _mm256_and_si256(_mm256_srli_epi32(block, 4), slash);
    const __m256i low = _mm256_and_si256(block, slash);
    if (!_mm256_testz_si256(_mm256_shuffle_epi8(low_table, low), _mm256_shuffle_epi8(high_table, high))) {
      return std::nullopt;
    }
    const __m256i is_slash = _mm256_cmpeq_epi8(block, slash);
    block = _mm256_add_epi8(block, _mm256_shuffle_epi8(distance_table, _mm256_add_epi8(is_slash, high)));
    block = _mm256_maddubs_epi16(block, _mm256_set1_epi32(0x01400140));
    block = _mm256_shuffle_epi8(_mm256_madd_epi16(block, _mm256_set1_epi32(0x00011000)), in_order);
    block = _mm256_permutevar8x32_epi32(block, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, -1, -1));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), block);
  }
  return at;
}

bool has_vectors() noexcept {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#else
Step decode_by_vectors(std::string_view, char*, std::size_t) noexcept { return 0; }
constexpr bool has_vectors() noexcept { return false; }
#endif

Step decode_by_groups(std::string_view text, char* out, std::size_t most_left) noexcept {
  std::uint32_t seen = 0;
  std::size_t at = 0;
  for (; text.size() - at > most_left; at += 4, out += 3) {
    const std::uint32_t word = decode_group(text.data() + at);
    seen |= word;
    std::memcpy(out, &word, 4);  // the fourth byte is overwritten by the next group
  }
  if ((seen & kBad) != 0) return std::nullopt;
  return at;
}

}  // namespace

std::optional<std::size_t> decode_base64(std::string_view text, char* out) noexcept {
  constexpr std::size_t kGroup = 4;  // the last one may be padded
  if (text.empty()) return 0;
  if (text.size() % kGroup != 0) return std::nullopt;
  std::size_t bytes = 0;
  const auto take = [&](Step done) {
    if (!done) return false;
    text.remove_prefix(*done);
    bytes += *done / kGroup * 3;
    return true;
  };
  if (text.size() >= kVectorBytes + kGroup && has_vectors() && !take(decode_by_vectors(text, out, kGroup))) {
    return std::nullopt;
  }
  if (!take(decode_by_groups(text, out + bytes, kGroup))) return std::nullopt;

  char tail[kGroup];
  std::memcpy(tail, text.data(), kGroup);
  std::size_t tail_bytes = 3;
  if (tail[3] == '=') {
    tail_bytes = 2;
    tail[3] = 'A';
    if (tail[2] == '=') {
      tail_bytes = 1;
      tail[2] = 'A';
    }
  }
  const std::uint32_t word = decode_group(tail);
  // Bits beyond the last whole byte must be zero, else two texts would stand for one value.
  if ((word & kBad) != 0 || (tail_bytes < 3 && (word >> (8 * tail_bytes)) != 0)) return std::nullopt;
  std::memcpy(out + bytes, &word, sizeof word);  // of which tail_bytes count; the group was as long
  return bytes + tail_bytes;
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
