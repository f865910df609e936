// Registry: what this process has mapped, so that all its readers share one map of each control
// page and of each generation.
//
// It holds nothing alive but what was mapped ahead: the readers and snapshots do. Thread-safe: one mutex,
// never held during a system call, and taken around fork() so that a child finds it free. Lives for the
// whole process.
#ifndef SHMCONF_READER_REGISTRY_H_
#define SHMCONF_READER_REGISTRY_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "reader/place.h"

namespace shmconf::reader {

class Registry {
 public:
  static Registry& process();

  // The page of that file, private or not; or null.
  std::shared_ptr<const Page> page(std::uint64_t device, std::uint64_t inode, bool is_private);
  // Makes a page known. Returns the one to use: another thread may have been first.
  std::shared_ptr<const Page> add(std::shared_ptr<const Page> page);

  // From now on, page() and add() know nothing of it.
  void forget(const Page& page);

  // The page's mapped draft of that id, or null.
  std::shared_ptr<const Mapping> prepared(const Page& page, std::uint64_t draft_id);
  // Keeps a mapped draft, instead of the one before. Returns the one to use: another thread may have
  // been first, with the draft or with the snapshot that it has become. Null: the publisher has gone on since.
  std::shared_ptr<const Mapping> prepare(const Page& page, Page::Draft draft);

  // The mapped snapshot of a generation of the page, or null.
  std::shared_ptr<const Mapping> snapshot(const Page& page, std::uint64_t generation);
  // Makes one known, and lets the mapped draft go that it was, or that cannot become one any more. Returns
  // the one to use, as above.
  std::shared_ptr<const Mapping> add(const Page& page, const MappedSnapshot& snapshot);

 private:
  std::shared_ptr<const Page> find(std::uint64_t device, std::uint64_t inode, bool is_private);

  std::mutex mutex_;
  std::vector<std::weak_ptr<const Page>> pages_;
};

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_REGISTRY_H_
