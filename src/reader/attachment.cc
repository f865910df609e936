#include "reader/attachment.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <limits>
#include <utility>

namespace shmconf::reader {
namespace {

// No page is made in the first second of 1970, so no generation word is ever one of these.
constexpr std::uint64_t kNoWord = 1;
constexpr std::uint64_t kUnseen = 2;

// There is no snapshot to be had from here: look for another page.
bool is_over(std::uint64_t word) { return word == format::kRetired || word == kUnreadable; }

// How often the publisher may overtake one move of a reader: snapshots but two are removed.
constexpr int kMaxOvertakes = 8;

// Unmapping costs 40 ns or more for each page that was read, milliseconds for a large map. So it is
// given back over the next reads: a slice costs each of them a few microseconds. Then the next one is
// made ready in the same way.
constexpr std::size_t kSliceBytes = 64 * 1024;
// Whoever was waiting for a change reads a few keys at once; those reads are left alone.
constexpr int kReadsBeforeTidying = 16;
// How many reads, or waits, look whether the next snapshot can be mapped ahead. One that is never
// ready must not cost for ever; a large one takes its publisher about 10 ms, a read 10 ns.
constexpr int kReadsForNext = 1 << 20;
constexpr int kWaitsForNext = 2;
// Finish the move, give back, open, populate, prepare.
constexpr int kTidyingSteps = 5;
constexpr std::size_t kAtOnce = std::numeric_limits<std::size_t>::max();

constexpr std::size_t kLineBytes = 64;  // of the processor's caches

constexpr std::chrono::milliseconds kRetryInterval{100};
// A publisher killed between its store and its wake owes a wake; the path may be replaced meanwhile.
constexpr std::chrono::seconds kWaitSlice{1};

bool is_alive(const format::ControlPage& page, std::chrono::nanoseconds now) {
  return std::any_of(page.roles.begin(), page.roles.end(), [now](const format::RoleState& role) {
    // Pairs with the role's stamping.
    const std::uint64_t stamp = role.alive_ns.load(std::memory_order_acquire);
    return stamp != 0 && stamp + format::kDeadAfterNs >= static_cast<std::uint64_t>(now.count());
  });
}

}  // namespace

Attachment::Attachment(std::shared_ptr<const Place> place) : place_(std::move(place)), no_word_(kNoWord) {
  taken_word_ = kNoWord;
  word = &no_word_;
  seen = kNoWord;
}

Attachment::Attachment(const Attachment& other)
    : Cursor(other),
      next_(other.next_),
      mapping_(other.mapping_),
      taken_word_(other.taken_word_),
      failed_word_(other.failed_word_),
      place_(other.place_),
      page_(other.page_),
      backup_file_(other.backup_file_),
      no_word_(kNoWord),
      retry_at_(other.retry_at_),
      problem_(other.problem_),
      reported_generation_(other.generation()) {
  if (word == &other.no_word_) word = &no_word_;
}

Attachment::~Attachment() {
  if (left_) finish_move();
}

Result<std::shared_ptr<Attachment>> Attachment::open(std::shared_ptr<const Place> place,
                                                     const OpenOptions& options) {
  std::shared_ptr<Attachment> attachment(new Attachment(std::move(place)));
  if (auto taken = attachment->take_first(options); !taken) return taken.error();
  if (options.verify) {
    if (auto sound = attachment->view.verify(); !sound) return sound.error();
  }
  attachment->tidy(0);
  attachment->reported_generation_ = attachment->generation();
  return attachment;
}

std::shared_ptr<Attachment> Attachment::of_backup(Backup backup) {
  std::shared_ptr<Attachment> attachment(new Attachment(nullptr));
  attachment->backup_file_ = std::move(backup.file);
  attachment->take(std::move(backup.snapshot));
  attachment->tidy(0);
  attachment->reported_generation_ = attachment->generation();
  return attachment;
}

Result<void> Attachment::take_first(const OpenOptions& options) {
  Error why{ErrorCode::kAbsent, ""};
  for (int attempt = 0; attempt < kMaxOvertakes; ++attempt) {
    auto page = place_->open_page();
    if (!page) {
      why = page.error();
      break;
    }
    follow(std::move(*page));
    const std::uint64_t now = word_now();
    if (is_over(now)) {
      why = Error{ErrorCode::kAbsent, now == kUnreadable ? unreadable_page(place_->directory())
                                                         : "'" + place_->directory() +
                                                               "': the segment was given up: start the sidecar"};
      continue;
    }
    if (!format::has_snapshot(now)) {
      why = Error{ErrorCode::kNotReady,
                  "'" + place_->directory() + "': nothing has been published yet: try again"};
      std::unique_ptr<format::ControlPage> copy;
      const format::ControlPage* control = page_->look(copy);
      if (control != nullptr && is_alive(*control, place_->now())) return why;
      break;
    }
    auto loaded = load(now);
    if (loaded) return {};
    why = loaded.error();
    if (word_now() != now) continue;
    if (why.code == ErrorCode::kAbsent) {
      // The directory may have been removed since, or replaced: that is no damage.
      const auto there = place_->open_page();
      if (!there || *there != page_) continue;
      why = Error{ErrorCode::kDamaged,
                  "'" + place_->directory() + "': its snapshot is missing: restart the sidecar"};
    }
    return why;
  }
  const bool nothing_there = why.code == ErrorCode::kAbsent || why.code == ErrorCode::kNotReady;
  if (!nothing_there || !options.allow_backup) return why;
  return take_backup(why);
}

Result<void> Attachment::take_backup(const Error& why) {
  auto backup = place_->open_backup(page_.get());
  if (!backup) {
    const Error& second = backup.error();
    return Error{second.code == ErrorCode::kAbsent ? why.code : second.code,
                 why.text.empty() ? second.text : why.text + "; " + second.text};
  }
  take(std::move(backup->snapshot));
  backup_file_ = std::move(backup->file);
  if (!page_) return {};
  // An empty page is worth no second look until its word moves. A retired one is, and one that was
  // published to while we read the backup.
  const std::uint64_t now = word_now();
  if (!is_over(now) && !format::has_snapshot(now)) settle(now);
  return {};
}

Result<void> Attachment::load(std::uint64_t generation) {
  // First: a draft that is kept may be gone over to by the very next read, also if this one fails.
  if (left_) finish_move();
  // Ready or not, it may be this one.
  if (draft_.mapping) keep_draft();
  auto snapshot = place_->open_snapshot(*page_, generation);
  if (!snapshot) return snapshot.error();
  take(std::move(*snapshot));
  settle(generation);
  backup_file_.clear();
  problem_.clear();
  return {};
}

// The word of the page that is followed.
std::uint64_t Attachment::word_now() const noexcept {
  if (!page_) return no_word_.load(std::memory_order_relaxed);
  std::uint64_t now = page_->generation();
  // What is copied out of a file while it changes may be half of either word. What has changed is
  // believed when it is read a second time.
  for (int attempt = 0; attempt < kMaxOvertakes && now != taken_word_ && page_->is_private(); ++attempt) {
    const std::uint64_t again = page_->generation();
    if (std::exchange(now, again) == again) break;
  }
  // It may be of a file that the program has opened under the page's number.
  const bool is_theirs = now != taken_word_ && page_->is_private() && !page_->has_its_file();
  return is_theirs ? kUnreadable : now;
}

// The view is the newest for this word.
void Attachment::settle(std::uint64_t word_now) noexcept {
  taken_word_ = word_now;
  // A private page is looked at by every read.
  seen = !is_private() && !left_ && leaving_.empty() && tries_for_next_ == 0 ? word_now : kUnseen;
}

void Attachment::tidy(std::size_t bytes) {
  if (left_) {
    finish_move();
  } else if (!leaving_.empty()) {
    leaving_.shrink(bytes);
  } else if (tries_for_next_ > 0) {
    prepare_next(bytes);
  }
  settle(taken_word_);
}

void Attachment::prepare_next(std::size_t bytes) {
  if (!page_ || is_private()) {
    tries_for_next_ = 0;
  } else if (!draft_.mapping) {
    auto draft = place_->open_draft(*page_);
    const bool not_ready = !draft && draft.error().code == ErrorCode::kNotReady;
    tries_for_next_ = draft ? tries_for_next_ : not_ready ? tries_for_next_ - 1 : 0;
    if (!draft) return;
    draft_ = std::move(*draft);
    draft_populated_bytes_ = 0;
  } else if (const Region& region = draft_.mapping->region();
             !draft_.is_populated && draft_populated_bytes_ < region.bytes().size()) {
    region.populate(draft_populated_bytes_, bytes);
    draft_populated_bytes_ += std::min(bytes, region.bytes().size() - draft_populated_bytes_);
  } else {
    tries_for_next_ = 0;
    keep_draft();
  }
}

void Attachment::keep_draft() {
  const std::uint64_t id = draft_.id;
  const auto mapping = place_->prepare(*page_, std::exchange(draft_, {}));
  // A reader that shows a backup moves by load(), which says that it does no longer.
  if (!mapping || !backup_file_.empty()) return;
  next_ = {.id = id,
           .snapshot_id = &page_->control().snapshot_id,
           .bytes = mapping->region().bytes(),
           .mapping = mapping};
}

void Attachment::take(MappedSnapshot snapshot) noexcept {
  view = snapshot.view;
  mapping_.swap(snapshot.mapping);
  ++views;
  reads_before_tidying_ = kReadsBeforeTidying;
  tries_for_next_ = kReadsForNext;
  const Mapping::Catch caught(leaving_);
  snapshot.mapping.reset();
}

// The usual move, to the file that was mapped ahead. What it costs is cache misses, of code and data that
// went cold since the change before: so it is one short stretch of code, makes no system call, takes neither
// lock nor memory, and leaves to finish_move() what can wait. False: it is not this file, or not now.
inline bool Attachment::take_next(std::uint64_t generation) noexcept {
  // The publisher's processor has them: fetched together, not one behind the other.
  for (std::size_t at = 0; at < format::kSnapshotHeaderBytes; at += kLineBytes) {
    __builtin_prefetch(next_.bytes.data() + at);
  }
  // Pairs with the publisher's release store, which comes before that of the generation.
  if (next_.snapshot_id->load(std::memory_order_acquire) != next_.id) return false;
  assert(!left_);  // the reads behind a move finish it before they map the next snapshot ahead
  auto mapping = next_.mapping.lock();
  if (!mapping || !is_generation(next_.bytes, next_.id, generation, view)) return false;
  next_.id = 0;
  left_.swap(mapping_);
  mapping_.swap(mapping);
  ++views;
  reads_before_tidying_ = kReadsBeforeTidying;
  tries_for_next_ = kReadsForNext;
  taken_word_ = generation;
  seen = kUnseen;
  return true;
}

// What take_next() left: from now on, readers of this process that come late find the generation known, and
// what it was gone over from is let go.
void Attachment::finish_move() noexcept {
  try {
    place_->share(*page_, {mapping_, view});
  } catch (const std::exception&) {
    // No memory: other readers of the process map this generation once more.
  }
  problem_.clear();
  const Mapping::Catch caught(leaving_);
  left_.reset();
}

void Attachment::follow(std::shared_ptr<const Page> page) noexcept {
  if (left_) finish_move();
  page_ = std::move(page);
  next_ = {};
  draft_ = {};
  word = is_private() ? &no_word_ : &page_->control().generation;
  seen = kUnseen;
  taken_word_ = kUnseen;
  failed_word_ = 0;
  problem_.clear();
}

bool Attachment::follow_path() noexcept {
  auto page = place_->open_page();
  if (!page || *page == page_) return false;
  follow(std::move(*page));
  return true;
}

[[gnu::hot]] void Attachment::advance() noexcept {
  // Of a private page, a word that is never taken. Pairs as Cursor::word says.
  const std::uint64_t now = word->load(std::memory_order_acquire);
  if (now == taken_word_) {
    if (is_left_alone()) return;
  } else if (next_.id != 0 && now != failed_word_ && format::has_snapshot(now)) {
    if (take_next(now)) return;
  }
  follow_word();
}

// Any other move, and what each leaves to the reads behind it.
void Attachment::follow_word() noexcept {
  try {
    for (int attempt = 0; attempt < kMaxOvertakes; ++attempt) {
      const std::uint64_t now = word_now();
      if (now == taken_word_) {
        if (!is_left_alone()) tidy(kSliceBytes);
        return;
      }
      // A new page, still empty: the view that we have is the best there is.
      if (!is_over(now) && !format::has_snapshot(now)) return settle(now);
      if (now == failed_word_ && place_->now() < retry_at_) return;
      Error why{ErrorCode::kDamaged, now == kUnreadable ? unreadable_page(place_->directory()) : ""};
      if (!is_over(now)) {
        auto loaded = load(now);
        if (loaded) return;
        if (word_now() != now) continue;  // overtaken: its file is gone
        why = loaded.error();
      }
      // Retired, or cut short; or published where this path no longer leads.
      problem_ = std::move(why.text);
      failed_word_ = now;
      retry_at_ = place_->now() + kRetryInterval;
      if (!follow_path()) return;
    }
  } catch (const std::exception&) {
    // No memory: the view that we have stays, and the next call tries again.
  }
}

void Attachment::look_again() noexcept {
  if (!place_) return;
  try {
    // A page that has news is in its place; a look at the path would only keep the news waiting.
    const bool has_news = page_ && word_now() != taken_word_;
    if (!has_news && (!page_ || place_->is_replaced(*page_))) follow_path();
  } catch (const std::exception&) {
    return;  // no memory: as if nothing had changed
  }
  if (!newest()) advance();
}

// Whether the generation is another one than the last time, and tells the callbacks.
bool Attachment::report() {
  const bool moved = generation() != reported_generation_;
  reported_generation_ = generation();
  changes_.deliver(snapshot());
  return moved;
}

std::shared_ptr<const std::atomic<std::uint64_t>> Attachment::generation_word() const noexcept {
  if (!page_ || is_private()) return nullptr;
  return {page_, &page_->control().generation};
}

bool Attachment::poll() {
  look_again();
  return report();
}

bool Attachment::wait(std::chrono::nanoseconds timeout, std::optional<std::uint64_t> after) {
  if (!place_) return after && generation() != *after;
  const std::uint64_t from = after.value_or(reported_generation_);
  const auto start = place_->now();
  for (;;) {
    // What the futex compares must be older than what we looked at.
    const std::uint64_t before = word_now();
    const std::shared_ptr<const Page> page = page_;
    look_again();
    report();
    if (generation() != from) return true;
    const auto left = timeout - (place_->now() - start);
    if (left <= std::chrono::nanoseconds(0)) return false;
    if (page != page_) continue;
    // Nobody wakes the waiters of a retired page, or of none: look for another one.
    // While nobody waits for us.
    tries_for_next_ = std::min(tries_for_next_, kWaitsForNext);
    for (int step = 0; step < kTidyingSteps && !newest(); ++step) tidy(kAtOnce);
    const bool settled = page_ && (is_private() ? before == taken_word_ : newest());
    const std::chrono::nanoseconds slice = settled ? kWaitSlice : kRetryInterval;
    // The kernel refuses at once to wait on what is unreadable.
    const auto& waited_on = page_ && before != kUnreadable ? page_->control().generation : no_word_;
    place_->wait(waited_on, static_cast<std::uint32_t>(before == kUnreadable ? kNoWord : before),
                 std::min<std::chrono::nanoseconds>(left, slice));
  }
}

[[gnu::hot]] void advance(Cursor& cursor) noexcept { static_cast<Attachment&>(cursor).advance(); }

}  // namespace shmconf::reader
