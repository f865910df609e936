// A Place in memory: pages and snapshots that threads share by address, and a clock that only the
// test moves.
#ifndef SHMCONF_TESTS_UNIT_READER_MEMORY_PLACE_H_
#define SHMCONF_TESTS_UNIT_READER_MEMORY_PLACE_H_

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "reader/place.h"
#include "shmconf/format.h"
#include "unit/reader/plain_snapshot.h"

namespace shmconf::testing {

class MemoryPlace : public reader::Place {
 public:
  MemoryPlace() { new_page(1000); }

  // --- what a sidecar would do ---

  // Another page takes the place of the one before, whose readers keep it.
  void new_page(std::uint64_t created_s) {
    const std::lock_guard lock(mutex_);
    auto& made = controls_.emplace_back();
    made.magic = format::kControlMagic;
    made.page_bytes = format::kControlPageBytes;
    made.snapshot_version = format::kSnapshotVersion;
    made.generation.store(created_s << 32);
    made.version.store(format::kControlVersion, std::memory_order_release);
    page_ = std::make_shared<const reader::Page>(reader::Region(), &made);
  }
  void remove_page() {
    const std::lock_guard lock(mutex_);
    page_.reset();
  }
  format::ControlPage& control() { return controls_.back(); }

  // Puts a snapshot there without showing it.
  std::uint64_t put(PlainContent content) {
    content.generation = control().generation.load() + 1;
    auto snapshot = std::make_unique<PlainSnapshot>(std::move(content));
    const auto view = SnapshotView::open(std::as_const(*snapshot).bytes());
    const std::uint64_t generation = view.value().header().generation;
    const std::lock_guard lock(mutex_);
    mappings_[generation] = mapped(*view);
    snapshots_.push_back(std::move(snapshot));
    return generation;
  }
  std::uint64_t publish(PlainContent content) {
    const std::uint64_t generation = put(std::move(content));
    show(generation);
    return generation;
  }
  void show(std::uint64_t generation) {
    control().generation.store(generation, std::memory_order_release);
    control().generation.notify_all();
  }
  // Shows bytes that outlive this place, and that open as a snapshot, as the next generation.
  std::uint64_t publish_view(const SnapshotView& view) {
    const std::uint64_t generation = control().generation.load() + 1;
    {
      const std::lock_guard lock(mutex_);
      mappings_[generation] = mapped(view);
    }
    show(generation);
    return generation;
  }
  void remove_snapshot(std::uint64_t generation) {
    const std::lock_guard lock(mutex_);
    mappings_.erase(generation);
  }
  // Makes the size of the second key's value of a snapshot that was just put there absurd. Requires
  // keys and values of few bytes.
  void damage_second_record(std::uint64_t generation) {
    const std::lock_guard lock(mutex_);
    PlainSnapshot& snapshot = *snapshots_.back();
    const auto records =
        static_cast<std::size_t>(snapshot.get64(offsetof(format::SnapshotHeader, records_offset)));
    snapshot.put32(records + 32 + 4, 0x7fffffff);
    const auto view = SnapshotView::open(std::as_const(snapshot).bytes());
    mappings_[generation] = mapped(view.value());
  }
  void set_backup(PlainContent content) {
    backup_bytes_ = std::make_unique<PlainSnapshot>(std::move(content));
    backup_ = mapped(SnapshotView::open(std::as_const(*backup_bytes_).bytes()).value());
  }

  // --- the clock, and what was asked of this place ---

  std::atomic<std::int64_t> now_ns{1'000'000'000'000};
  void pass(std::chrono::nanoseconds time) { now_ns += time.count(); }
  mutable std::atomic<int> snapshots_asked{0};
  mutable std::atomic<int> pages_asked{0};
  mutable std::atomic<int> waits{0};
  // Called in each wait, so that a test may change things while a reader sleeps.
  std::function<void()> while_waiting = [] {};

  // --- Place ---

  [[nodiscard]] const std::string& directory() const override { return directory_; }

  [[nodiscard]] Result<std::shared_ptr<const reader::Page>> open_page() const override {
    ++pages_asked;
    const std::lock_guard lock(mutex_);
    if (!page_) return Error{ErrorCode::kAbsent, "no page"};
    if (auto sound = reader::check_page(page_->control(), ""); !sound) return sound.error();
    return page_;
  }
  [[nodiscard]] bool is_replaced(const reader::Page& page) const override {
    const std::lock_guard lock(mutex_);
    return page_ && page_.get() != &page;
  }
  [[nodiscard]] Result<reader::MappedSnapshot> open_snapshot(const reader::Page&,
                                                             std::uint64_t generation) const override {
    ++snapshots_asked;
    const std::lock_guard lock(mutex_);
    const auto found = mappings_.find(generation);
    if (found == mappings_.end()) return Error{ErrorCode::kAbsent, "no snapshot"};
    return found->second;
  }
  [[nodiscard]] Result<reader::Page::Draft> open_draft(const reader::Page&) const override {
    return Error{ErrorCode::kAbsent, ""};
  }
  std::shared_ptr<const reader::Mapping> prepare(const reader::Page&, reader::Page::Draft draft) const override {
    return draft.mapping;
  }
  void share(const reader::Page&, const reader::MappedSnapshot&) const override {}
  [[nodiscard]] Result<reader::Backup> open_backup(const reader::Page*) const override {
    if (!backup_) return Error{ErrorCode::kAbsent, "no backup"};
    return reader::Backup{*backup_, "memory.snapshot"};
  }
  [[nodiscard]] std::chrono::nanoseconds now() const override { return std::chrono::nanoseconds(now_ns.load()); }

  // Passes the whole timeout at once where the word stays, so that no test waits.
  void wait(const std::atomic<std::uint64_t>& word, std::uint32_t expected,
            std::chrono::nanoseconds timeout) const override {
    ++waits;
    last_wait_ns = timeout.count();
    while_waiting();
    if (static_cast<std::uint32_t>(word.load()) == expected) {
      const_cast<MemoryPlace*>(this)->now_ns += timeout.count();
    }
  }
  mutable std::atomic<std::int64_t> last_wait_ns{0};

 private:
  // A snapshot in bytes of this place.
  static reader::MappedSnapshot mapped(const SnapshotView& view) {
    return {std::make_shared<const reader::Mapping>(reader::Region()), view};
  }

  std::string directory_ = "memory/web";
  mutable std::mutex mutex_;
  std::deque<format::ControlPage> controls_;
  std::shared_ptr<const reader::Page> page_;
  std::map<std::uint64_t, reader::MappedSnapshot> mappings_;
  std::deque<std::unique_ptr<PlainSnapshot>> snapshots_;
  std::unique_ptr<PlainSnapshot> backup_bytes_;
  std::optional<reader::MappedSnapshot> backup_;
};

}  // namespace shmconf::testing

#endif  // SHMCONF_TESTS_UNIT_READER_MEMORY_PLACE_H_
