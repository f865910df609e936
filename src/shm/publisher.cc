#include "shm/publisher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include "shm/control_page.h"
#include "shm/draft.h"
#include "shm/mapping.h"
#include "shm/snapshot_builder.h"

namespace shmconf::shm {
namespace {

using env::Env;
using format::ControlPage;
using format::generation_name;

constexpr std::chrono::milliseconds kLockTimeout{2'000};

// Up to here the file of the next generation is made before it is needed.
constexpr std::uint64_t kSpareUpToBytes = std::uint64_t{64} << 20;
// What stays free in the tmpfs beside it, in files of its size.
constexpr std::uint64_t kFreeBesideSpare = 2;
constexpr std::uint64_t kPageBytes = 4096;

std::uint64_t random_number() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

Error replaced() {
  return Error{ErrorCode::kUnavailable, "the segment was replaced: publishing again once it is attached anew"};
}

}  // namespace

struct Publisher::State {
  Env* env;
  Segment* segment;
  format::Role role;
  std::uint64_t hash_seed;
  std::mt19937_64 draft_ids;
  Mapping map;  // of generation `mapped`
  std::uint64_t mapped = 0;
  SnapshotView view;

  Draft spare;  // made ahead, for the next generation

  [[nodiscard]] ControlPage& page() const { return segment->page(); }
  [[nodiscard]] int directory() const { return segment->directory(); }

  // Absent: there is none, or it is not sound. Other errors: this process could not open it, which
  // says nothing about the snapshot.
  Result<SnapshotView> current() {
    // Pairs with the release store in show(): behind it, the snapshot's file is in its place.
    const std::uint64_t generation = page().generation.load(std::memory_order_acquire);
    if (!format::has_snapshot(generation)) return Error{ErrorCode::kAbsent, "nothing is published"};
    if (generation == mapped && map.mapped()) return view;
    return open(generation);
  }

  Result<SnapshotView> open(std::uint64_t generation) {
    const Error unsound{ErrorCode::kAbsent, "the published snapshot is not sound"};
    forget();
    const std::string name = generation_name(generation);
    auto fd = env->open_at(directory(), name, O_RDONLY | O_NONBLOCK);
    if (!fd) {
      const auto there = env->info_at(directory(), name);
      return there && !S_ISREG(there->mode) ? unsound : fd.error();
    }
    auto info = env->info(fd->get());
    if (!info) return info.error();
    const bool fits = info->size_bytes >= format::kSnapshotHeaderBytes && info->size_bytes <= format::kMaxSnapshotBytes;
    if (!S_ISREG(info->mode) || info->owner != ::geteuid() || !fits) return unsound;
    auto opened = Mapping::map(*env, fd->get(), info->size_bytes, Access::kReadOnly);
    if (!opened) return opened.error();
    auto checked = SnapshotView::open(std::as_const(*opened).bytes());
    if (!checked || checked->header().generation != generation) return unsound;
    map = std::move(*opened);
    view = *checked;
    mapped = generation;
    return view;
  }

  void forget() {
    map.reset();
    mapped = 0;
    view = SnapshotView();
  }

  // A draft of this size, zeroed.
  Result<Draft> make_draft(std::uint64_t bytes) {
    if (spare.made() && spare.bytes().size() >= bytes) {
      Draft draft = std::move(spare);
      if (draft.shrink(bytes)) return draft;
    }
    spare = Draft();
    auto draft = new_draft(bytes);
    if (!draft && draft.error().code == ErrorCode::kNoSpace) {
      // Readers of the previous generation keep their maps; its name only holds the space.
      remove_all_but(page().generation.load(std::memory_order_relaxed), 0);
      draft = new_draft(bytes);
    }
    return draft || draft.error().code != ErrorCode::kNoSpace ? std::move(draft) : no_room(bytes, draft.error());
  }

  Result<Draft> new_draft(std::uint64_t bytes) {
    const std::uint64_t id = std::max<std::uint64_t>(1, draft_ids());
    return Draft::make(*env, directory(), role, id, segment->place().group, bytes);
  }

  // For a generation that is as large as the current one, or a little larger. Where this fails, the
  // next publish makes its own.
  void make_spare() {
    const std::uint64_t bytes = (view.bytes().size() + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (role != format::Role::kWatch || spare.made() || mapped == 0 || bytes > kSpareUpToBytes) return;
    const auto free_bytes = env->free_bytes(directory());
    if (!free_bytes || *free_bytes / (kFreeBesideSpare + 1) < bytes) return;
    auto draft = new_draft(bytes);
    if (!draft) return;
    // So that its pages are there when they are needed.
    for (std::size_t offset = 0; offset < bytes; offset += kPageBytes) draft->bytes()[offset] = std::byte{0};
    // Most changes leave the size, and then nothing has to be cut when every microsecond counts.
    if (!draft->set_length(view.bytes().size())) return;
    spare = std::move(*draft);
    // Pairs with the reader's acquire load: behind it, the file is in its place.
    page().draft_id.store(spare.id(), std::memory_order_release);
  }

  // Of room in the tmpfs, or of memory to map it.
  [[nodiscard]] Error no_room(std::uint64_t bytes, const Error& why) const {
    const auto free_bytes = env->free_bytes(directory());
    if (free_bytes && *free_bytes >= bytes) return Error{why.code, why.text + "; the last good configuration stays"};
    const auto& place = segment->place();
    return Error{ErrorCode::kNoSpace, "'" + place.root + "' is full: make room for the next configuration, " +
                                          std::to_string(bytes) +
                                          " bytes, or enlarge that tmpfs; the last good one stays"};
  }

  // What a killed process of this role left behind.
  void remove_drafts() {
    if (role == format::Role::kWatch) page().draft_id.store(0, std::memory_order_relaxed);
    auto names = env->list(directory());
    if (!names) return;
    for (const std::string& name : *names) {
      if (!name.starts_with(format::draft_prefix(role))) continue;
      // Readers that have mapped it ahead would keep its memory.
      if (auto file = env->open_at(directory(), name, O_WRONLY | O_NONBLOCK)) {
        static_cast<void>(env->truncate(file->get(), 0));
      }
      static_cast<void>(env->unlink_at(directory(), name));
    }
  }

  // Under the publish lock: makes the built snapshot the next generation. Sync count and name come
  // before the generation word, so that a kill in between costs the peer one more read of Consul,
  // never an update.
  // page is the caller's, who found it not retired: another look could find its file cut short, and go on
  // with what stands in for it.
  Result<std::uint64_t> show(ControlPage& page, Draft& built, format::Origin origin, std::uint64_t new_sync_count) {
    const std::uint64_t before = page.generation.load(std::memory_order_relaxed);
    if (static_cast<std::uint32_t>(before + 2) == 0) {
      // The counter is used up: everyone attaches to a new page.
      page.generation.store(format::kRetired, std::memory_order_release);
      wake_page(*env, page);
      return replaced();
    }
    const std::uint64_t generation = before + 1;
    stamp_generation(built.bytes(), generation, env->wall_now(), origin, built.id());
    if (auto renamed = built.publish_as(generation_name(generation)); !renamed) return renamed.error();
    page.sync_count.store(new_sync_count, std::memory_order_release);
    const auto& header = *reinterpret_cast<const format::SnapshotHeader*>(built.bytes().data());
    page.sources_hash.store(header.sources_hash, std::memory_order_release);
    page.snapshot_id.store(built.id(), std::memory_order_release);
    page.generation.store(generation, std::memory_order_release);
    wake_page(*env, page);
    return generation;
  }

  void take_over(Draft built, std::uint64_t generation) {
    map = built.take_map();
    map.make_read_only();
    mapped = generation;
    view = SnapshotView::open(std::as_const(map).bytes()).value();
    auto& publishes = segment->role(role).publishes;
    publishes.store(publishes.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    remove_all_but(generation, generation - 1);
  }

  void remove_all_but(std::uint64_t generation, std::uint64_t previous) {
    auto names = env->list(directory());
    if (!names) return;
    for (const std::string& name : *names) {
      if (!name.starts_with(format::kSnapshotPrefix)) continue;
      // Never one that is newer: a peer may have published meanwhile. Names sort as generations do.
      if (name >= generation_name(generation)) continue;
      if (name != generation_name(previous)) static_cast<void>(env->unlink_at(directory(), name));
    }
  }
};

Publisher::Publisher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Publisher::Publisher(Publisher&&) noexcept = default;
Publisher& Publisher::operator=(Publisher&&) noexcept = default;
Publisher::~Publisher() = default;

Result<Publisher> Publisher::attach(Env& env, Segment& segment, format::Role role) {
  auto state = std::make_unique<State>(State{.env = &env,
                                             .segment = &segment,
                                             .role = role,
                                             .hash_seed = random_number(),
                                             .draft_ids = std::mt19937_64(random_number()),
                                             .map = {},
                                             .mapped = 0,
                                             .view = {},
                                             .spare = {}});
  auto lock = segment.lock(format::LockByte::kPublish, kLockTimeout);
  if (!lock) return lock.error();
  state->remove_drafts();
  auto there = state->current();
  if (!there && there.error().code != ErrorCode::kAbsent) return there.error();
  if (there && there->verify()) {
    state->remove_all_but(state->mapped, state->mapped - 1);
    return Publisher(std::move(state));
  }
  if (format::has_snapshot(segment.page().generation.load(std::memory_order_acquire))) {
    // Nobody may go on reading what fails its checksum: a new page sends its readers to look again,
    // and lets a backup be restored.
    state->forget();
    segment.page().generation.store(format::kRetired, std::memory_order_release);
    lock = ByteLock();
    if (auto renewed = segment.renew_if_replaced(); !renewed) return renewed.error();
  }
  return Publisher(std::move(state));
}

std::uint64_t Publisher::note() const noexcept {
  return state_->page().sync_count.load(std::memory_order_acquire);
}

std::optional<SnapshotView> Publisher::current() {
  auto view = state_->current();
  if (!view) return std::nullopt;
  return *view;
}

Result<Outcome> Publisher::publish(Content& content, std::uint64_t& noted, Options options, const Expand& expand) {
  State& state = *state_;
  const auto before = state.current();
  const bool nothing_there = !before || before->header().key_count != 0;
  if (content.keys.empty() && !options.allow_empty && nothing_there) return Outcome::kEmpty;
  const std::uint64_t compared_with = state.page().generation.load(std::memory_order_acquire);
  const bool unchanged = before && state.mapped == compared_with && options.differs_from != compared_with &&
                         before->header().origin == content.origin && same_content(*before, content);
  Draft built;
  if (!unchanged) {
    content.pointers.clear();
    if (expand) expand(content);
    auto bytes = snapshot_bytes(content);
    if (!bytes) return bytes.error();
    auto draft = state.make_draft(*bytes);
    if (!draft) return draft.error();
    built = std::move(*draft);
    build_snapshot(content, state.hash_seed, built.bytes());
  }

  auto lock = state.segment->lock(format::LockByte::kPublish, kLockTimeout);
  if (!lock) return lock.error();
  ControlPage& page = state.page();
  const std::uint64_t generation = page.generation.load(std::memory_order_acquire);
  if (generation == format::kRetired) return replaced();
  const std::uint64_t synced = page.sync_count.load(std::memory_order_acquire);
  if (synced != noted || (unchanged && generation != compared_with)) return Outcome::kMoved;
  if (unchanged) {
    page.sync_count.store(synced + 1, std::memory_order_release);
    noted = synced + 1;
    return Outcome::kUnchanged;
  }
  auto shown = state.show(page, built, content.origin, synced + 1);
  lock = ByteLock();
  state.env->yield();  // the readers that were woken come before our tidying
  if (!shown) return shown.error();
  noted = synced + 1;
  state.take_over(std::move(built), *shown);
  return Outcome::kPublished;
}

Result<Outcome> Publisher::restore(const SnapshotView& backup) {
  State& state = *state_;
  auto there = state.current();
  if (there) return Outcome::kOccupied;
  if (there.error().code != ErrorCode::kAbsent) return there.error();
  auto draft = state.make_draft(backup.bytes().size());
  if (!draft) return draft.error();
  std::memcpy(draft->bytes().data(), backup.bytes().data(), backup.bytes().size());

  auto lock = state.segment->lock(format::LockByte::kPublish, kLockTimeout);
  if (!lock) return lock.error();
  there = state.current();
  if (there) return Outcome::kOccupied;
  if (there.error().code != ErrorCode::kAbsent) return there.error();
  ControlPage& page = state.page();
  if (page.generation.load(std::memory_order_acquire) == format::kRetired) return replaced();
  auto shown = state.show(page, *draft, format::Origin::kBackup, page.sync_count.load(std::memory_order_acquire));
  lock = ByteLock();
  if (!shown) return shown.error();
  state.take_over(std::move(*draft), *shown);
  return Outcome::kPublished;
}

void Publisher::prepare_next() { state_->make_spare(); }

}  // namespace shmconf::shm
