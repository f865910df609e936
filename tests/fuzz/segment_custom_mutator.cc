// The mutator of the segment target: changes one part of its input, and mostly leaves page and
// snapshots agreed on generation and draft, since a reader looks at nothing else where they do not.
#include <algorithm>
#include <vector>

#include "fuzz/segment_input.h"
#include "fuzz/snapshot_mutator.h"

namespace shmconf::fuzz {
namespace {

constexpr std::size_t kMostSnapshotBytes = 16 * 1024;

void change_bytes(std::string& bytes, std::size_t most) {
  std::vector<std::uint8_t> room(std::max(most, bytes.size()));
  std::copy(bytes.begin(), bytes.end(), room.begin());
  bytes.assign(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(LLVMFuzzerMutate(room.data(), bytes.size(), room.size())));
}

void change_snapshot(std::string& bytes, std::minstd_rand& random) {
  std::vector<std::uint8_t> room(std::max(kMostSnapshotBytes, bytes.size()));
  std::copy(bytes.begin(), bytes.end(), room.begin());
  const std::size_t size = mutate_snapshot(room.data(), bytes.size(), room.size(), random);
  bytes.assign(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
}

void change_page(std::string& page, std::minstd_rand& random) {
  if (random() % 8 == 0 || page.size() < 8) return change_bytes(page, format::kControlPageBytes);
  const std::size_t at = random() % (page.size() / 8) * 8;
  const std::uint64_t word = awkward_number(reinterpret_cast<const std::uint8_t*>(page.data()), page.size(), random);
  std::memcpy(page.data() + at, &word, 8);
}

void set_names(std::string& snapshot, std::uint64_t generation, std::uint64_t draft_id) {
  if (snapshot.size() < format::kSnapshotHeaderBytes) return;
  format::SnapshotHeader header;
  std::memcpy(&header, snapshot.data(), sizeof header);
  header.generation = generation;
  header.draft_id = draft_id;
  header.header_checksum = format::header_checksum(header);
  std::memcpy(snapshot.data(), &header, sizeof header);
}

void agree(SegmentInput& parts) {
  using format::ControlPage;
  if (parts.page.size() < offsetof(ControlPage, draft_id) + 8) return;
  std::uint64_t word = 0;
  std::uint64_t draft_id = 0;
  std::memcpy(&word, parts.page.data() + offsetof(ControlPage, generation), 8);
  std::memcpy(&draft_id, parts.page.data() + offsetof(ControlPage, draft_id), 8);
  set_names(parts.first, word, 0);
  set_names(parts.second, word + 1, draft_id);
}

}  // namespace
}  // namespace shmconf::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  using namespace shmconf::fuzz;
  std::minstd_rand random(seed);
  if (random() % 32 == 0) return LLVMFuzzerMutate(data, size, max_size);
  SegmentInput parts = SegmentInput::parse({reinterpret_cast<const char*>(data), size});
  switch (random() % 8) {
    case 0: parts.options = static_cast<std::uint16_t>(parts.options ^ 1u << random() % 5); break;
    case 1:
    case 2:
    case 3: change_page(parts.page, random); break;
    case 4:
    case 5: change_snapshot(parts.first, random); break;
    default: change_snapshot(parts.second, random); break;
  }
  if (random() % 16 != 0) agree(parts);
  const std::string out = parts.string();
  const std::size_t taken = std::min(out.size(), max_size);
  std::copy_n(out.begin(), taken, data);
  return taken;
}
