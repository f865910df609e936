#include "integration/verifying_readers.h"

#include <algorithm>
#include <utility>

namespace shmconf::integration {

VerifyingReaders::VerifyingReaders(const Reader& reader, int threads, Check check)
    : check_(std::move(check)), generations_(static_cast<std::size_t>(threads)) {
  for (auto& count : generations_) {
    threads_.emplace_back([this, copy = reader, &count]() mutable { follow(std::move(copy), count); });
  }
}

void VerifyingReaders::stop() {
  stop_.store(true);
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

std::uint64_t VerifyingReaders::fewest_generations() const {
  std::uint64_t fewest = ~std::uint64_t{0};
  for (const auto& count : generations_) fewest = std::min(fewest, count.load());
  return fewest;
}

std::string VerifyingReaders::violation() const {
  const std::lock_guard lock(mutex_);
  return violation_;
}

void VerifyingReaders::follow(Reader reader, std::atomic<std::uint64_t>& generations) {
  std::uint64_t seen = 0;
  while (!stop_.load()) {
    const Snapshot snapshot = reader.snapshot();
    if (snapshot.generation() == seen) {
      reader.wait_for_change(std::chrono::milliseconds(10), seen);
      continue;
    }
    seen = snapshot.generation();
    generations.fetch_add(1);
    std::string problem;
    if (const auto sound = snapshot.verify(); !sound) problem = sound.error().text;
    if (problem.empty()) problem = check_(snapshot);
    if (problem.empty()) continue;
    const std::lock_guard lock(mutex_);
    if (violation_.empty()) violation_ = "generation " + std::to_string(seen) + ": " + problem;
  }
}

}  // namespace shmconf::integration
