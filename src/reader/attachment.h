// Attachment: everything of a reader behind its Cursor: which page it follows, which snapshot it
// holds, and how it moves on.
//
// Belongs to one thread, as the Reader does. Copies share page and mapping, not the callbacks.
#ifndef SHMCONF_READER_ATTACHMENT_H_
#define SHMCONF_READER_ATTACHMENT_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "reader/changes.h"
#include "reader/place.h"
#include "shmconf/reader.h"

namespace shmconf::reader {

// See Reader::sidecar_status().
Result<Status> page_status(const Place& place);

class Attachment : public Cursor {
 public:
  // Opens what is there. Errors: see Reader::open().
  static Result<std::shared_ptr<Attachment>> open(std::shared_ptr<const Place> place,
                                                  const OpenOptions& options);
  // Of a backup alone. A place without a segment: it is never looked for.
  static std::shared_ptr<Attachment> of_backup(Backup backup);

  Attachment(const Attachment& other);
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment();

  // Moves on to the newest generation, or keeps what it has. Bounded; never blocks.
  void advance() noexcept;

  // advance(), after a look at whether the path leads to another page.
  void look_again() noexcept;

  // See Reader.
  bool poll();
  bool wait(std::chrono::nanoseconds timeout, std::optional<std::uint64_t> after);
  [[nodiscard]] Status status();
  [[nodiscard]] Snapshot snapshot() const noexcept { return Snapshot(mapping_, view); }
  [[nodiscard]] std::shared_ptr<const std::atomic<std::uint64_t>> generation_word() const noexcept;
  [[nodiscard]] Changes& changes() noexcept { return changes_; }

 private:
  explicit Attachment(std::shared_ptr<const Place> place);

  Result<void> take_first(const OpenOptions& options);
  Result<void> take_backup(const Error& why);
  Result<void> load(std::uint64_t generation);
  [[nodiscard]] std::uint64_t word_now() const noexcept;
  [[nodiscard]] bool is_private() const noexcept { return page_ && page_->is_private(); }
  void follow(std::shared_ptr<const Page> page) noexcept;
  bool follow_path() noexcept;
  bool take_next(std::uint64_t generation) noexcept;
  void follow_word() noexcept;
  void take(MappedSnapshot snapshot) noexcept;
  void finish_move() noexcept;
  // Whether this read is one of those that nothing is left to.
  [[nodiscard]] bool is_left_alone() noexcept { return reads_before_tidying_ > 0 && reads_before_tidying_-- > 0; }
  void settle(std::uint64_t word_now) noexcept;
  // One step of what a change left to do, at most that many bytes of it.
  void tidy(std::size_t bytes);
  void prepare_next(std::size_t bytes);
  void keep_draft();
  bool report();
  [[nodiscard]] std::uint64_t generation() const noexcept { return view.header().generation; }

  // First what take_next() needs: behind a change all this has gone cold, and each cache line costs.
  struct Next {
    std::uint64_t id = 0;  // 0: none
    const std::atomic<std::uint64_t>* snapshot_id = nullptr;  // of the page
    std::span<const std::byte> bytes;                         // as long as `mapping` is there
    std::weak_ptr<const Mapping> mapping;                     // the process holds it, not an idle reader
  };
  Next next_;                               // mapped ahead, to be gone over to
  std::shared_ptr<const Mapping> mapping_;  // what view looks at
  std::shared_ptr<const Mapping> left_;     // what it looked at before take_next(), until finish_move()
  std::uint64_t taken_word_ = 0;            // the word that the view is the newest for, whatever `seen` says
  std::uint64_t failed_word_ = 0;           // the word whose snapshot could not be opened
  int reads_before_tidying_ = 0;
  int tries_for_next_ = 0;  // to have the next snapshot mapped ahead; 0: done

  std::shared_ptr<const Place> place_;     // null: a backup alone
  std::shared_ptr<const Page> page_;       // null: none yet
  std::string backup_file_;                // where the view came from; empty: from the segment
  std::atomic<std::uint64_t> no_word_;     // what `word` is without a page, and with a private one

  // What the first read of a generation leaves to the next ones: the map that was left and that
  // nobody else holds, to be given back in slices; and the next one, to be mapped ahead. As long as
  // there is some of it, `seen` stays behind, so that reads come by.
  Region leaving_;
  Page::Draft draft_;  // on its way to be next_
  std::size_t draft_populated_bytes_ = 0;

  std::chrono::nanoseconds retry_at_{0};
  std::string problem_;  // why it could not; empty: the page is retired
  std::uint64_t reported_generation_ = 0;
  Changes changes_;
};

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_ATTACHMENT_H_
