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

bool Registry::is_prepared(const Page& page, std::uint64_t draft_id) {
  const std::lock_guard lock(mutex_);
  return page.next.id == draft_id;
}

void Registry::prepare(const Page& page, Page::Draft draft) {
  const std::lock_guard lock(mutex_);
  std::swap(page.next, draft);
}

Region Registry::take_prepared(const Page& page, std::uint64_t draft_id) {
  const std::lock_guard lock(mutex_);
  if (draft_id == 0 || page.next.id != draft_id) return Region();
  page.next.id = 0;
  return std::move(page.next.region);
}

std::shared_ptr<const Mapping> Registry::snapshot(const Page& page, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  for (const auto& [mapped, mapping] : page.mapped) {
    if (mapped == generation) return mapping.lock();
  }
  return nullptr;
}

std::shared_ptr<const Mapping> Registry::add(const Page& page, std::uint64_t generation,
                                             std::shared_ptr<const Mapping> mapping) {
  const std::lock_guard lock(mutex_);
  for (const auto& [mapped, first] : page.mapped) {
    if (mapped != generation) continue;
    if (auto shared = first.lock()) return shared;
  }
  std::erase_if(page.mapped, [](const auto& known) { return known.second.expired(); });
  page.mapped.emplace_back(generation, mapping);
  return mapping;
}

}  // namespace shmconf::reader
