// Place: where a reader finds control page, snapshots and backup, and what time it is there.
//
// The one seam of the reader: FilePlace is the real one; tests put pages and snapshots in memory
// and move the clock. A Place does not change once made; any number of threads may use it.
#ifndef SHMCONF_READER_PLACE_H_
#define SHMCONF_READER_PLACE_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reader/region.h"
#include "shmconf/format.h"
#include "shmconf/result.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::reader {

// The bytes of one snapshot, or of what may become one. Never written.
class Mapping {
 public:
  // While one lives, the region of a mapping that this thread lets go as the last holder goes into
  // `caught` instead of being unmapped. At most one at a time in a thread.
  class Catch {
   public:
    explicit Catch(Region& caught) noexcept { catching_ = &caught; }
    Catch(const Catch&) = delete;
    Catch& operator=(const Catch&) = delete;
    ~Catch() { catching_ = nullptr; }
  };

  // Of no region in tests, whose bytes outlive this object.
  explicit Mapping(Region region) noexcept : region_(std::move(region)) {}

  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (catching_ != nullptr) *catching_ = std::move(region_);
  }

  [[nodiscard]] const Region& region() const noexcept { return region_; }

 private:
  static thread_local Region* catching_;

  Region region_;
};

// A snapshot in a mapping, as its holder has checked it: each holder does so for itself, so that none
// waits for another one.
struct MappedSnapshot {
  std::shared_ptr<const Mapping> mapping;
  SnapshotView view;
};

// What a generation word never is (no page is made in the first second of 1970): the page's file has
// become shorter than a page, or is no longer open.
inline constexpr std::uint64_t kUnreadable = 3;

// A control page that was found sound. Its words change under the reader; its identity does not.
//
// A private page is one whose file somebody may shorten: its words are copied out of the file at each
// look, and its memory serves as the futex's address only, which the kernel looks at without a signal.
class Page {
 public:
  Page(Region region, const format::ControlPage* control) noexcept
      : region_(std::move(region)), control_(control) {}
  // A private page, of an open file.
  Page(Region region, Descriptor file) noexcept
      : region_(std::move(region)),
        control_(static_cast<const format::ControlPage*>(region_.data())),
        file_(std::move(file)) {}

  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  // A number that has become the program's is not to be closed under it.
  ~Page() {
    if (file_.valid() && !has_its_file()) static_cast<void>(file_.release());
  }

  [[nodiscard]] bool is_private() const noexcept { return file_.valid(); }
  // The page in its place. Of a private one, only addresses may be taken.
  [[nodiscard]] const format::ControlPage& control() const noexcept { return *control_; }

  // The generation word now, acquired; or kUnreadable, of a private page.
  [[nodiscard]] std::uint64_t generation() const noexcept;
  // All words now: control() or, of a private page, a copy in `copy`; null where it is unreadable.
  [[nodiscard]] const format::ControlPage* look(std::unique_ptr<format::ControlPage>& copy) const;
  // Whether a private page's descriptor is still this page's: a program may close all of its own, and
  // open others under their numbers.
  [[nodiscard]] bool has_its_file() const noexcept;
  // Of a private page; else -1.
  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

  // What may become the next snapshot, mapped ahead.
  struct Draft {
    std::uint64_t id = 0;  // 0: none
    std::shared_ptr<const Mapping> mapping;
    bool is_populated = false;  // reading it meets no page fault, as far as it was there
  };
  mutable Draft next;  // until it is a generation's that readers hold; guarded by the registry's mutex

  // Of the file, and who owns it; set once, before the page is shared.
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  uid_t owner = 0;

  // The snapshots of this page that the process has mapped; guarded by the registry's mutex.
  struct Mapped {
    std::uint64_t generation;
    std::uint64_t draft_id;
    std::weak_ptr<const Mapping> mapping;
  };
  mutable std::vector<Mapped> mapped;

 private:
  Region region_;
  const format::ControlPage* control_;
  Descriptor file_{-1};
};

// A sound page is of this format and this boot. Errors: kNotReady (its creator is not done),
// kWrongVersion, kDamaged, kAbsent (of another boot, or retired). boot_id may be empty: not known.
Result<void> check_page(const format::ControlPage& page, const std::string& boot_id);

// What to tell of a page that has become unreadable.
std::string unreadable_page(const std::string& directory);

// Whether the file of this id, which was mapped ahead, is this generation's: then `view` is of it. To be
// asked only if the control page names the id, which says that it was published. The file may have
// become shorter, so nothing behind the snapshot's end is touched.
[[gnu::always_inline]] inline bool is_generation(std::span<const std::byte> bytes, std::uint64_t draft_id,
                                                 std::uint64_t generation, SnapshotView& view) noexcept {
  const auto& header = *reinterpret_cast<const format::SnapshotHeader*>(bytes.data());
  const std::uint64_t total_bytes = header.total_bytes;
  return header.generation == generation && header.draft_id == draft_id && total_bytes <= bytes.size() &&
         SnapshotView::open_sound(bytes.first(total_bytes), view);
}

struct Backup {
  MappedSnapshot snapshot;
  std::string file;
};

class Place {
 public:
  virtual ~Place() = default;

  // <root>/<name>, for people; empty when this place has only a backup file.
  [[nodiscard]] virtual const std::string& directory() const = 0;

  // The sound page that is there now. Errors as check_page(), and kDenied, kNoSpace, kSystem.
  [[nodiscard]] virtual Result<std::shared_ptr<const Page>> open_page() const = 0;

  // Whether another page than this has taken its place. False too when there is none now.
  [[nodiscard]] virtual bool is_replaced(const Page& page) const = 0;

  // The snapshot of a generation of this page. Errors: kAbsent, kWrongVersion, kDamaged, kDenied,
  // kNoSpace, kSystem.
  [[nodiscard]] virtual Result<MappedSnapshot> open_snapshot(const Page& page, std::uint64_t generation) const = 0;

  // Maps what watch has ready for the next generation, or answers with the one that this process has
  // prepared; not for a private page. Errors: kNotReady (ask again), others as open_snapshot().
  [[nodiscard]] virtual Result<Page::Draft> open_draft(const Page& page) const = 0;
  // Keeps it, so that open_snapshot() makes no system call should it become a generation. Returns the
  // one to use, as another reader may have been first; null: the publisher has gone on since.
  virtual std::shared_ptr<const Mapping> prepare(const Page& page, Page::Draft draft) const = 0;
  // What was prepared has become a generation, and a reader holds it: open_snapshot() finds it, as long as
  // somebody holds it.
  virtual void share(const Page& page, const MappedSnapshot& snapshot) const = 0;

  // The last good configuration on disk, verified; or the one before it. `page` (may be null) may
  // name the file. Errors: as open_snapshot().
  [[nodiscard]] virtual Result<Backup> open_backup(const Page* page) const = 0;

  // CLOCK_BOOTTIME.
  [[nodiscard]] virtual std::chrono::nanoseconds now() const = 0;

  // Blocks until somebody wakes the low half of word, if it is `expected`, or for the timeout, or
  // for no reason.
  virtual void wait(const std::atomic<std::uint64_t>& word, std::uint32_t expected,
                    std::chrono::nanoseconds timeout) const = 0;
};

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_PLACE_H_
