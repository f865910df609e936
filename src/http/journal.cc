#include "http/journal.h"

#include <chrono>
#include <utility>

namespace shmconf::http {
namespace {

// Of a wait for the next generation, and between two tries to open the first.
constexpr std::chrono::seconds kSlice{1};

}  // namespace

Journal::Journal(std::string name, OpenOptions where, Shown shown, Tell tell)
    : name_(std::move(name)),
      where_(std::move(where)),
      shown_(std::move(shown)),
      tell_(std::move(tell)),
      thread_([this] { run(); }) {}

Journal::~Journal() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  end_.notify_all();
  thread_.join();
}

bool Journal::ending() {
  const std::lock_guard lock(mutex_);
  return ending_;
}

// False: the end has come.
bool Journal::pause() {
  std::unique_lock lock(mutex_);
  return !end_.wait_for(lock, kSlice, [this] { return ending_; });
}

void Journal::run() {
  do {
    auto reader = Reader::open(name_, where_);
    if (reader) return follow(*reader);
  } while (pause());
}

void Journal::follow(Reader& reader) {
  Met now = met(reader.snapshot());
  now.first = true;
  std::vector<ChangedKey> keys;
  std::uint64_t left_out = 0;
  reader.on_change("", [&](const Change& change) {
    if (keys.size() < kMostChangedKeys) {
      keys.push_back(shown_.changed(change));
    } else {
      ++left_out;
    }
  });
  tell_(std::move(now));
  while (!ending()) {
    if (!reader.wait_for_change(kSlice)) continue;
    now = met(reader.snapshot());
    now.keys = std::exchange(keys, {});
    now.keys_left_out = std::exchange(left_out, 0);
    tell_(std::move(now));
  }
}

}  // namespace shmconf::http
