// Snapshots that are large enough for huge pages: with them, without, and where asking for them fails.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>

#include "fakes/faulty_env.h"
#include "fakes/stamped_content.h"
#include "format/huge_pages.h"
#include "harness/temp_directory.h"
#include "shm/draft.h"
#include "shm/publisher.h"
#include "shmconf/reader.h"

namespace shmconf {
namespace {

using fakes::FaultyEnv;
using fakes::one_stamp;
using fakes::StampedContent;
using format::Role;
using shm::Draft;
using shm::Outcome;
using shm::Publisher;
using shm::Segment;
using namespace std::chrono_literals;

constexpr std::uint64_t kDraftBytes = 2 * kHugePageBytes + 5'000;
constexpr int kKeys = 50;
constexpr int kValueBytes = 100'000;  // 5 MB of snapshot

// Knows whether the kernel gave huge pages to all that asked, and that it gives none to holes alone.
class WatchedEnv final : public FaultyEnv {
 public:
  Result<void> collapse(std::span<std::byte> bytes) override {
    for (std::size_t offset = 0; offset < bytes.size(); offset += kHugePageBytes) {
      unsigned char there = 0;
      EXPECT_EQ(::mincore(&bytes[offset], 1, &there), 0);
      EXPECT_EQ(there & 1, 1) << "a hole at " << offset;
    }
    auto collapsed = FaultyEnv::collapse(bytes);
    asked = true;
    given = given && collapsed.ok();
    return collapsed;
  }
  bool asked = false;
  bool given = true;
};

// A field of /proc/self/smaps, in KiB, of the map that holds the address.
std::uint64_t kibibytes(const std::string& field, const void* address) {
  std::ifstream maps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    if (std::istringstream(line) >> std::hex >> begin >> dash >> end && dash == '-') {
      const auto searched = reinterpret_cast<std::uintptr_t>(address);
      here = begin <= searched && searched < end;
    } else if (here && line.starts_with(field + ":")) {
      return std::stoull(line.substr(field.size() + 1));
    }
  }
  return 0;
}

class HugePages : public ::testing::Test {
 protected:
  void SetUp() override {
    parent_ = ::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_GE(parent_, 0);
  }
  void TearDown() override { ::close(parent_); }

  Result<Draft> draft() { return Draft::make(env_, parent_, Role::kWatch, 1, std::nullopt, kDraftBytes); }
  [[nodiscard]] struct stat draft_file() const {
    struct stat info {};
    EXPECT_EQ(::fstatat(parent_, format::draft_name(Role::kWatch, 1).c_str(), &info, 0), 0);
    return info;
  }
  [[nodiscard]] bool is_empty() const { return std::filesystem::is_empty(directory_.path()); }

  Segment segment() { return Segment::attach(env_, {.root = directory_.path(), .name = "web", .group = {}}).value(); }
  Reader reader() { return Reader::open("web", {.directory = directory_.path()}).value(); }
  static Result<Outcome> put(Publisher& publisher, std::uint64_t stamp, int value_bytes = kValueBytes) {
    StampedContent content(stamp, kKeys, value_bytes);
    std::uint64_t noted = publisher.note();
    return publisher.publish(content.content(), noted, {}, nullptr);
  }
  // Lets a reader do what it does while it waits.
  static void idle(Reader& reader) {
    while (reader.wait_for_change(1ms)) {
    }
  }

  harness::TempDirectory directory_{"/dev/shm"};
  WatchedEnv env_;
  int parent_ = -1;
};

TEST_F(HugePages, AreAskedForInVainAndTheDraftIsWholeNonetheless) {
  std::set<std::string> asking;
  for (int step = 1;; ++step) {
    ASSERT_LT(step, 50);
    env_.arm(step, FaultyEnv::Fault::kFail, ENOSPC);
    {
      auto made = draft();
      const std::string failed = env_.tripped() ? env_.failed() : "";
      const bool is_asking = failed == "write_at" || failed == "collapse";
      ASSERT_EQ(made.ok(), failed.empty() || is_asking) << "step " << step << ": " << failed;
      if (is_asking) asking.insert(failed);
      if (made) {
        ASSERT_EQ(made->bytes().size(), kDraftBytes);
        EXPECT_EQ(draft_file().st_size, static_cast<off_t>(kDraftBytes));
        // Before it is read, which fills holes.
        EXPECT_GE(static_cast<std::uint64_t>(draft_file().st_blocks) * 512, kDraftBytes) << "holes, behind " << failed;
        EXPECT_TRUE(std::ranges::all_of(made->bytes(), [](std::byte byte) { return byte == std::byte{0}; }));
      }
      env_.disarm();
    }
    EXPECT_TRUE(is_empty()) << "step " << step;
    if (!env_.tripped()) break;
  }
  EXPECT_EQ(asking, (std::set<std::string>{"collapse", "write_at"}));
}

TEST_F(HugePages, ADraftBeginsWithOneAndGivesBackWhatItIsNotNeededFor) {
  auto made = draft();
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(made->bytes().data()) % kHugePageBytes, 0u);
  std::ranges::fill(made->bytes(), std::byte{7});
  if (env_.given) {
    EXPECT_EQ(kibibytes("ShmemPmdMapped", made->bytes().data()), 2 * kHugePageBytes / 1024);
  }

  constexpr std::uint64_t kKept = kHugePageBytes + 1;
  ASSERT_TRUE(made->shrink(kKept));
  const std::span<const std::byte> kept = made->bytes();
  ASSERT_EQ(kept.size(), kKept);
  EXPECT_TRUE(std::ranges::all_of(kept, [](std::byte byte) { return byte == std::byte{7}; }));
  EXPECT_EQ(draft_file().st_size, static_cast<off_t>(kKept));
  EXPECT_LE(kibibytes("Size", kept.data()), kHugePageBytes / 1024 + 64) << "its address space is not given back";
  made = Draft();
  EXPECT_EQ(kibibytes("Size", kept.data()), 0u);
}

TEST_F(HugePages, AreTheReadersToo) {
  Segment segment = this->segment();
  Publisher watch = Publisher::attach(env_, segment, Role::kWatch).value();
  ASSERT_EQ(put(watch, 1).value(), Outcome::kPublished);  // a draft of its own
  Reader reader = this->reader();
  for (std::uint64_t stamp = 1; stamp < 4; ++stamp) {
    ASSERT_EQ(one_stamp(reader.snapshot().view(), kKeys), stamp);
    ASSERT_TRUE(env_.asked);
    const void* const first = reader.snapshot().view().bytes().data();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % kHugePageBytes, 0u);
    if (env_.given) {
      EXPECT_GE(kibibytes("ShmemPmdMapped", first), 2 * kHugePageBytes / 1024) << "generation " << stamp;
    }
    env_.asked = false;
    watch.prepare_next();  // a draft that the reader maps ahead
    idle(reader);
    ASSERT_EQ(put(watch, stamp + 1).value(), Outcome::kPublished);
    idle(reader);
  }
}

// The publisher cuts the file in the middle of a huge page that the reader has mapped ahead.
TEST_F(HugePages, AreCutWhereTheNextSnapshotIsSmaller) {
  Segment segment = this->segment();
  Publisher watch = Publisher::attach(env_, segment, Role::kWatch).value();
  ASSERT_EQ(put(watch, 1).value(), Outcome::kPublished);
  Reader reader = this->reader();
  std::uint64_t stamp = 1;
  for (const int value_bytes : {kValueBytes / 2, kValueBytes, 24, kValueBytes}) {
    watch.prepare_next();
    idle(reader);
    ASSERT_EQ(put(watch, ++stamp, value_bytes).value(), Outcome::kPublished);
    EXPECT_EQ(one_stamp(reader.snapshot().view(), kKeys), stamp) << value_bytes << " bytes a value";
    EXPECT_TRUE(reader.snapshot().verify());
  }
}

TEST(HugePageAddress, IsFreeAndOneWhereTheBytesFillOne) {
  EXPECT_EQ(huge_page_address(kHugePageBytes - 1), nullptr);
  for (const std::size_t bytes : {kHugePageBytes, kHugePageBytes + 1, 5 * kHugePageBytes}) {
    const void* const address = huge_page_address(bytes);
    ASSERT_NE(address, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(address) % kHugePageBytes, 0u);
    EXPECT_EQ(kibibytes("Size", address), 0u) << "it is not given back";
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadow memory is beyond any limit
// Room for the map, but not for the search of a better place.
TEST_F(HugePages, AreNotWorthFailingFor) {
  const std::uint64_t used = [] {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    statm >> pages;
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit limited = before;
  limited.rlim_cur = used + kDraftBytes + kHugePageBytes / 2;
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limited), 0);
  const void* const address = huge_page_address(kDraftBytes);
  const auto made = draft();
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(address, nullptr);
  EXPECT_TRUE(made) << made.error().text;
}
#endif

}  // namespace
}  // namespace shmconf
