// Reader: a service's configuration, read from shared memory.
//
//   auto reader = shmconf::Reader::open("web");
//   if (!reader) return fail(reader.error().text);
//   std::string host = reader->get<std::string>("redis/host", "localhost");
//   shmconf::Value<int> port = reader->value<int>("redis/port", 6379);  // port.get() costs one load
//
// Before the first use, know this:
//  - One Reader a thread. A Reader, and the Values made from it, belong to one thread at a time;
//    give each thread a copy of its own. Copies share the process's mapping, so they are cheap.
//  - Each call may move the Reader on to the newest generation. Two gets may therefore see two
//    generations; take a snapshot() where values must fit together.
//  - A view that get(), entry() or find() gave out lives until the next call of any function of this
//    Reader or of a Value made from it: that call may let the old generation go. Where that is too
//    short, hold a snapshot().
//  - When the sidecar dies, the last configuration stays readable. status() tells.
//  - A read never blocks, logs or throws. It makes system calls only behind a change: the first read
//    none if it finds the snapshot mapped ahead, else about six; the reads behind it give the old
//    map back and map the next snapshot ahead, one or two calls in each, unless the reader waits and
//    does it then. Where a change could not be followed or the segment was retired, it looks again
//    once in 100 ms. Only in all these, a mutex is held for a look at what this process has mapped; but
//    for a first read whose snapshot this Reader's own reads have made ready.
//  - No thread is started, no descriptor stays open (but see private_copy), nothing depends on the process id: a Reader
//    works on in both processes after fork().
//  - Opened maps are never written. A segment that somebody truncates under its readers is SIGBUS,
//    as with any file map; the sidecar never shortens what it has published, it replaces it. Only who
//    may write the files can do that: the sidecar's user and root. OpenOptions::private_copy survives it.
//
// A moved-from Reader or Value may only be destroyed or assigned to.
#ifndef SHMCONF_READER_H_
#define SHMCONF_READER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shmconf/export.h"
#include "shmconf/parse.h"
#include "shmconf/result.h"
#include "shmconf/snapshot.h"
#include "shmconf/status.h"

namespace shmconf {

struct OpenOptions {
  std::string directory{};    // the root of all names; empty: $SHMCONF_DIR, else /dev/shm/shmconf-<uid>
  std::string backup_file{};  // empty: as the segment names it, else $SHMCONF_BACKUP, else the default place
  bool verify = false;         // check every byte of the first snapshot, not only its header
  bool allow_backup = true;    // read the backup where there is neither sidecar nor segment

  // For a reader that must survive whatever is done to the segment's files, if it be by its own user:
  // it touches no memory of theirs. Each generation is read into private memory, once for all such
  // readers of the process, and its checksum verified before it is used; if that fails, or the control
  // page has been cut short, the last good generation stays, status().problem tells, and the reader
  // follows again as soon as there is something to follow.
  //
  // What it costs: a system call for each read (none for those of a snapshot() that is held), the
  // snapshot's size in memory for each process, a copy at each change (two threads that meet it at
  // once may both make one, and one is dropped), and one descriptor for each segment. If the program
  // closes that one, the segment is looked up again.
  bool private_copy = false;
};

// What a callback is told of one key. Views live as long as the call.
struct Change {
  std::string_view key;
  std::optional<Entry> before;  // empty: the key is new
  std::optional<Entry> after;   // empty: the key is gone
};
using ChangeCallback = std::function<void(const Change&)>;

class Reader;

namespace reader {

class Place;
Result<Reader> open_at(std::shared_ptr<const Place> place, const OpenOptions& options);

// What every read looks at. The rest of a reader's state is behind it, in src/reader.
struct Cursor {
  // Of the control page; for a backup, a word that never moves. Pairs with the release store of
  // the publisher, which follows the rename of the snapshot into place.
  const std::atomic<std::uint64_t>* word = nullptr;
  std::uint64_t seen = 0;   // what *word was when this view was the newest
  std::uint64_t views = 0;  // moves with each new view
  SnapshotView view;

  [[nodiscard]] bool newest() const noexcept { return word->load(std::memory_order_acquire) == seen; }
};

// Moves on to the newest generation if it can be opened; keeps the view if not.
SHMCONF_EXPORT void advance(Cursor& cursor) noexcept;

}  // namespace reader

// One key as a T, parsed once per generation. Made by Reader::value(). Belongs to its Reader's
// thread and keeps what it needs alive, so it may outlive the Reader object.
template <Readable T>
class Value {
 public:
  // The value now; the fallback when the key is absent or is no T. The reference lives until the
  // next get() of this Value.
  [[nodiscard]] const T& get() const {
    // One load and one compare while nothing changed; pairs as Cursor::word says.
    if (cursor_->word->load(std::memory_order_acquire) != seen_) [[unlikely]] renew();
    return value_;
  }
  [[nodiscard]] const T& operator*() const { return get(); }

  // Why get() answers the fallback: kAbsent, kWrongType or kDamaged. Empty: it does not.
  [[nodiscard]] std::optional<ErrorCode> problem() const {
    static_cast<void>(get());
    return problem_;
  }

 private:
  friend class Reader;
  Value(std::shared_ptr<reader::Cursor> cursor, std::string_view key, T fallback)
      : cursor_(std::move(cursor)), key_(key), fallback_(std::move(fallback)) {
    renew();
  }

  [[gnu::noinline]] void renew() const {
    if (!cursor_->newest()) reader::advance(*cursor_);
    seen_ = cursor_->seen;
    if (views_ == cursor_->views) return;
    views_ = cursor_->views;
    bool parsed = false;
    const Lookup lookup = reader::read(cursor_->view, key_, value_, parsed);
    problem_.reset();
    if (lookup == Lookup::kFound && parsed) return;
    problem_ = lookup == Lookup::kAbsent    ? ErrorCode::kAbsent
               : lookup == Lookup::kDamaged ? ErrorCode::kDamaged
                                            : ErrorCode::kWrongType;
    value_ = fallback_;
  }

  std::shared_ptr<reader::Cursor> cursor_;
  mutable std::uint64_t seen_ = 0;
  mutable T value_{};
  mutable std::uint64_t views_ = 0;
  mutable std::optional<ErrorCode> problem_;
  std::string key_;
  T fallback_;
};

class SHMCONF_EXPORT Reader {
 public:
  // --- opening: a few system calls; waits for nothing ---

  // Opens the configuration of a name ("" means $SHMCONF_NAME). Errors:
  //   kAbsent        no segment (or one of an earlier boot), and no backup or none allowed
  //   kNotReady      the sidecar is starting and has published nothing yet: try again
  //   kWrongVersion  written by an incompatible release
  //   kDamaged       bytes that fail a check
  //   kDenied        not permitted, a symlink, or owned or writable by somebody whom it must not be:
  //                  <root>/<name>, its files and the backup must not be writable by group or others;
  //                  directory and files have one owner; they belong to the effective user or to root or, where the root was chosen by
  //                  OpenOptions or $SHMCONF_DIR (the backup: by name), to anybody. The default
  //                  root itself must belong to the effective user and be closed to others' writing.
  //                  An encrypted backup is the sidecar's alone
  //   kInvalid       not a name
  //   kNoSpace, kSystem  no memory, descriptors or the like
  // Where there is neither sidecar nor segment but a sound backup (or the one before it, ".prev"),
  // that one is read into memory, and wait_for_change() and poll() look for a segment.
  static Result<Reader> open(std::string_view name, const OpenOptions& options = {});

  // As open(), of the directory <root>/<name>.
  static Result<Reader> open_directory(const std::string& directory, const OpenOptions& options = {});

  // Reads one backup file into memory, and verifies all of it. Never changes afterwards.
  // Errors: kAbsent, kWrongVersion, kDamaged, kDenied (also: it is encrypted), kNoSpace, kSystem.
  static Result<Reader> open_backup(const std::string& file);

  // What the control page says of the sidecar, also where nothing has been published yet: then the
  // generation is 0, and the verdict kStale or kDead. For tools. Errors: as open(), without kNotReady
  // for that.
  static Result<Status> sidecar_status(std::string_view name, const OpenOptions& options = {});

  // A reader of the same place, for another thread. Change callbacks are not copied.
  Reader(const Reader& other);
  Reader& operator=(const Reader& other);
  Reader(Reader&&) noexcept = default;
  Reader& operator=(Reader&&) noexcept = default;
  ~Reader() = default;

  // --- reading: see Snapshot for each; always of the newest generation ---

  [[nodiscard]] std::optional<std::string_view> get(std::string_view key) const noexcept {
    Entry entry;
    if (newest_view().find(key, entry) != Lookup::kFound) return std::nullopt;
    return entry.value;
  }
  template <Readable T>
  [[nodiscard]] Result<T> get(std::string_view key) const {
    return reader::read_result<T>(newest_view(), key);
  }
  template <Readable T>
  [[nodiscard]] T get(std::string_view key, T fallback) const {
    T value{};
    bool parsed = false;
    return reader::read(newest_view(), key, value, parsed) == Lookup::kFound && parsed ? value : fallback;
  }
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return get(key).has_value(); }
  [[nodiscard]] std::optional<Entry> entry(std::string_view key) const noexcept {
    Entry entry;
    if (newest_view().find(key, entry) != Lookup::kFound) return std::nullopt;
    return entry;
  }
  [[nodiscard]] Lookup find(std::string_view key, Entry& entry) const noexcept {
    return newest_view().find(key, entry);
  }
  // Holds its snapshot, so the entries' views live as long as the returned object.
  [[nodiscard]] Entries prefix(std::string_view prefix, Listing listing = Listing::kKeys) const {
    return snapshot().prefix(prefix, listing);
  }

  // The newest generation, to keep. Does not allocate.
  [[nodiscard]] Snapshot snapshot() const noexcept;

  // A handle that reads key as a T at the price of one load while nothing changes.
  template <Readable T>
  [[nodiscard]] Value<T> value(std::string_view key, T fallback) const {
    return Value<T>(cursor_, key, std::move(fallback));
  }

  // Of the view that the next get would use. Differs with every published change; not ordered
  // across segments. For a backup, the generation that was backed up.
  [[nodiscard]] std::uint64_t generation() const noexcept { return newest_view().header().generation; }

  // The word of the segment that this Reader looks at: as long as it stays generation(), a read sees
  // what the last one saw. Once it differs, read, and ask for the word again: the segment may be
  // another one. If it differs then still, the newest generation could not be opened yet. Null where
  // there is no segment: nothing is new then until poll() or wait_for_change() finds one. Null too for
  // a private_copy: generation() looks. Other processes change it, and a store to it is SIGSEGV.
  [[nodiscard]] std::shared_ptr<const std::atomic<std::uint64_t>> generation_word() const noexcept;

  // --- following changes ---

  // Looks whether the path still leads to this segment (or, for a backup, whether there is one now),
  // moves on to the newest generation and runs the change callbacks. True: the generation is another
  // one than when poll() or wait_for_change() last returned (or at open). A few system calls.
  bool poll();

  // As poll(), but blocks until the generation is another one, or for the timeout; zero or less polls.
  // False: the time ran out. Signals do not end it; slice the timeout where they must.
  bool wait_for_change(std::chrono::nanoseconds timeout);

  // Blocks until generation() differs from after.
  bool wait_for_change(std::chrono::nanoseconds timeout, std::uint64_t after);

  // Calls back for each change of a key, or of every key that begins with key_or_prefix if that ends
  // with '/' or is empty (JSON Pointers: by their whole key only). Runs inside poll() and
  // wait_for_change(), on their caller's thread, once for each key whose value or flags differ from
  // what this callback was told last (at first: from now); states in between are skipped. A callback
  // may use this Reader, but polls and waits inside it run no callbacks. An exception of its own
  // leaves poll(); what that callback was not told yet is lost to it. Returns what remove_callback() takes.
  std::uint64_t on_change(std::string_view key_or_prefix, ChangeCallback callback);
  void remove_callback(std::uint64_t id) noexcept;

  // --- state of the sidecar ---

  // Makes the same checks as poll(), without the callbacks. Allocates.
  [[nodiscard]] Status status() const;

 private:
  friend Result<Reader> reader::open_at(std::shared_ptr<const reader::Place>, const OpenOptions&);
  explicit Reader(std::shared_ptr<reader::Cursor> cursor) noexcept : cursor_(std::move(cursor)) {}

  [[nodiscard]] const SnapshotView& newest_view() const noexcept {
    if (!cursor_->newest()) [[unlikely]] reader::advance(*cursor_);
    return cursor_->view;
  }

  std::shared_ptr<reader::Cursor> cursor_;
};

}  // namespace shmconf

#endif  // SHMCONF_READER_H_
