#include "reader/registry.h"

#include <pthread.h>

#include <utility>

namespace shmconf::reader {

Registry& Registry::process() {
  // Never destroyed: readers in static objects may outlive everything else.
  static Registry* const registry = [] {
    ::pthread_atfork([] { process().mutex_.lock(); }, [] { process().mutex_.unlock(); },
                     [] { process().mutex_.unlock(); });
    return new Registry();
  }();
  return *registry;
}

std::shared_ptr<const Page> Registry::page(std::uint64_t device, std::uint64_t inode, bool is_private) {
  const std::lock_guard lock(mutex_);
  return find(device, inode, is_private);
}

std::shared_ptr<const Page> Registry::find(std::uint64_t device, std::uint64_t inode, bool is_private) {
  // A mapped file keeps its inode, so a live page's number cannot have gone to another file.
  for (const auto& known : pages_) {
    if (auto page = known.lock(); page && page->device == device && page->inode == inode && page->is_private() == is_private) {
      return page;
    }
  }
  return nullptr;
}

std::shared_ptr<const Page> Registry::add(std::shared_ptr<const Page> page) {
  const std::lock_guard lock(mutex_);
  if (auto first = find(page->device, page->inode, page->is_private())) return first;
  std::erase_if(pages_, [](const auto& known) { return known.expired(); });
  pages_.push_back(page);
  return page;
}

void Registry::forget(const Page& page) {
  const std::lock_guard lock(mutex_);
  std::erase_if(pages_, [&](const auto& known) { return known.expired() || known.lock().get() == &page; });
}

std::shared_ptr<const Mapping> Registry::prepared(const Page& page, std::uint64_t draft_id) {
  const std::lock_guard lock(mutex_);
  return draft_id != 0 && page.next.id == draft_id ? page.next.mapping : nullptr;
}

std::shared_ptr<const Mapping> Registry::prepare(const Page& page, Page::Draft draft) {
  const std::lock_guard lock(mutex_);
  for (const Page::Mapped& known : page.mapped) {
    if (known.draft_id != draft.id) continue;
    if (auto shown = known.mapping.lock()) return shown;
  }
  // From a reader that makes its steps slowly: what others have prepared since stays.
  const auto& control = page.control();
  const bool is_late = draft.id != control.draft_id.load(std::memory_order_relaxed) &&
                       draft.id != control.snapshot_id.load(std::memory_order_relaxed);
  if (is_late) return nullptr;
  if (page.next.id != draft.id) std::swap(page.next, draft);
  return page.next.mapping;
}

std::shared_ptr<const Mapping> Registry::snapshot(const Page& page, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  for (const Page::Mapped& known : page.mapped) {
    if (known.generation == generation) return known.mapping.lock();
  }
  return nullptr;
}

std::shared_ptr<const Mapping> Registry::add(const Page& page, const MappedSnapshot& snapshot) {
  const std::uint64_t generation = snapshot.view.header().generation;
  const std::uint64_t draft_id = snapshot.view.header().draft_id;
  Page::Draft left;  // let go behind the lock, maybe by its last holder
  const std::lock_guard lock(mutex_);
  // Only what is still to come is held. There is nothing of a private page, whose words nobody may look at.
  const std::uint64_t next_id = page.next.id;
  if (next_id != 0 && (next_id == draft_id || next_id != page.control().draft_id.load(std::memory_order_relaxed))) {
    std::swap(page.next, left);
  }
  for (const Page::Mapped& known : page.mapped) {
    if (known.generation != generation) continue;
    if (auto shared = known.mapping.lock()) return shared;
  }
  std::erase_if(page.mapped, [](const auto& known) { return known.mapping.expired(); });
  page.mapped.push_back({.generation = generation, .draft_id = draft_id, .mapping = snapshot.mapping});
  return snapshot.mapping;
}

}  // namespace shmconf::reader
