// How the input of the segment target is divided: options, the bytes of a control page, and two
// snapshots, of which the second one follows the first.
//
//   u16 options, u16 page_bytes, u32 first_bytes, page, first snapshot, second snapshot
//
// A control page shorter than the real one stands for one with zeros behind, to keep corpus files small.
#ifndef SHMCONF_TESTS_FUZZ_SEGMENT_INPUT_H_
#define SHMCONF_TESTS_FUZZ_SEGMENT_INPUT_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "shmconf/format.h"

namespace shmconf::fuzz {

struct SegmentInput {
  enum Option : std::uint16_t {
    kVerify = 1,       // open(verify)
    kShortPage = 2,    // the file of the control page ends where its bytes do
    kDraft = 4,        // the second snapshot is there as a draft before it is published
    kBackup = 8,       // the first snapshot is the backup file too
    kDenyBackup = 16,
  };

  std::uint16_t options = 0;
  std::string page;
  std::string first;
  std::string second;

  static constexpr std::size_t kHeadBytes = 8;

  static SegmentInput parse(std::string_view input) {
    SegmentInput parts;
    if (input.size() < kHeadBytes) return parts;
    std::uint16_t page_bytes = 0;
    std::uint32_t first_bytes = 0;
    std::memcpy(&parts.options, input.data(), 2);
    std::memcpy(&page_bytes, input.data() + 2, 2);
    std::memcpy(&first_bytes, input.data() + 4, 4);
    input.remove_prefix(kHeadBytes);
    const auto cut = [&input](std::size_t bytes) {
      const std::string_view part = input.substr(0, bytes);
      input.remove_prefix(part.size());
      return std::string(part);
    };
    parts.page = cut(std::min<std::size_t>(page_bytes, format::kControlPageBytes));
    parts.first = cut(first_bytes);
    parts.second = cut(input.size());
    return parts;
  }

  [[nodiscard]] std::string string() const {
    const auto page_bytes = static_cast<std::uint16_t>(page.size());
    const auto first_bytes = static_cast<std::uint32_t>(first.size());
    std::string out(kHeadBytes, '\0');
    std::memcpy(out.data(), &options, 2);
    std::memcpy(out.data() + 2, &page_bytes, 2);
    std::memcpy(out.data() + 4, &first_bytes, 4);
    return out + page + first + second;
  }
};

}  // namespace shmconf::fuzz

#endif  // SHMCONF_TESTS_FUZZ_SEGMENT_INPUT_H_
