// segment_publisher ROOT NAME: publishes into a segment what its standard input says, for tests of
// readers in other languages.
//
//   publish JSON   the keys of what `shmconf pack` reads, as the next generation
//   step COUNT     so many generations of the same keys, with the key "counter" counting on
//   remove         takes the segment away
//   seal FILE      makes the header in a file that of a sound snapshot of the next generation, whatever
//                  is behind it
//
// Answers each line with one: the generation that is there now, or "error: ...". Says "0" once it has
// attached. Ends with its input.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/pack_input.h"
#include "env/env.h"
#include "shm/publisher.h"
#include "shm/segment.h"
#include "sources/documents.h"

namespace shmconf {
namespace {

class SegmentPublisher {
 public:
  static Result<SegmentPublisher> attach(const std::string& root, const std::string& name) {
    env::Env& env = env::Env::posix();
    auto segment = shm::Segment::attach(env, {.root = root, .name = name, .group = {}});
    if (!segment) return segment.error();
    auto owned = std::make_unique<shm::Segment>(std::move(*segment));
    auto publisher = shm::Publisher::attach(env, *owned, format::Role::kWatch);
    if (!publisher) return publisher.error();
    return SegmentPublisher(std::move(owned), std::move(*publisher));
  }

  Result<void> publish(const std::string& json) {
    auto keys = cli::parse_pack_input(json);
    if (!keys) return keys.error();
    keys_ = std::move(*keys);
    return publish_keys();
  }

  Result<void> step(std::uint64_t count) {
    auto counter = std::ranges::find(keys_, "counter", &cli::PackedKey::key);
    if (counter == keys_.end()) return Error{ErrorCode::kInvalid, "publish a key 'counter' before the first step"};
    for (; count > 0; --count) {
      counter->value = std::to_string(std::stoull(counter->value) + 1);
      if (auto published = publish_keys(); !published) return published;
    }
    return {};
  }

  Result<void> remove() { return segment_->remove(); }

  [[nodiscard]] Result<void> seal(const std::string& path) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    format::SnapshotHeader header{};
    file.read(reinterpret_cast<char*>(&header), sizeof header);
    header.generation = generation() + 1;
    header.header_checksum = format::header_checksum(header);
    file.seekp(0).write(reinterpret_cast<const char*>(&header), sizeof header);
    if (!file.flush()) return Error{ErrorCode::kSystem, "'" + path + "' does not hold a header"};
    return {};
  }

  [[nodiscard]] std::uint64_t generation() const { return segment_->page().generation.load(); }

 private:
  SegmentPublisher(std::unique_ptr<shm::Segment> segment, shm::Publisher publisher)
      : segment_(std::move(segment)), publisher_(std::move(publisher)) {}

  Result<void> publish_keys() {
    env::Env& env = env::Env::posix();
    shm::Content content;
    for (const auto& key : keys_) {
      content.keys.push_back({.key = key.key, .value = key.value, .flags = key.flags, .session = {}});
    }
    content.indexes = {generation() + 1};
    content.read_wall = env.wall_now();
    sources::TextArena storage;
    std::uint64_t noted = publisher_.note();
    const auto outcome = publisher_.publish(content, noted, {}, [&](shm::Content& expanded) {
      static_cast<void>(sources::expand_documents(expanded, storage));
    });
    if (!outcome) return outcome.error();
    if (*outcome == shm::Outcome::kEmpty) return Error{ErrorCode::kInvalid, "there are no keys in it"};
    stamp(static_cast<std::uint64_t>(env.boottime_now().count()));
    return {};
  }

  // A watch that lives and has just been answered by Consul.
  void stamp(std::uint64_t now) {
    format::RoleState& watch = segment_->role(format::Role::kWatch);
    watch.alive_ns.store(now);
    watch.contact_ns.store(now);
    watch.stale_after_ns.store(30'000'000'000);
  }

  std::unique_ptr<shm::Segment> segment_;
  shm::Publisher publisher_;
  std::vector<cli::PackedKey> keys_;
};

Result<void> obey(SegmentPublisher& publisher, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  std::string rest;
  words >> command >> std::ws;
  std::getline(words, rest);
  if (command == "publish") return publisher.publish(rest);
  if (command == "step") return publisher.step(std::stoull(rest));
  if (command == "remove") return publisher.remove();
  if (command == "seal") return publisher.seal(rest);
  return Error{ErrorCode::kInvalid, "unknown command '" + command + "'"};
}

int serve(const std::string& root, const std::string& name) {
  auto publisher = SegmentPublisher::attach(root, name);
  if (!publisher) {
    std::cout << "error: " << publisher.error().text << std::endl;
    return 1;
  }
  std::cout << 0 << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const Result<void> done = obey(*publisher, line);
    if (done) {
      std::cout << publisher->generation() << std::endl;
    } else {
      std::cout << "error: " << done.error().text << std::endl;
    }
  }
  return 0;
}

}  // namespace
}  // namespace shmconf

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: segment_publisher ROOT NAME\n";
    return 2;
  }
  return shmconf::serve(argv[1], argv[2]);
}
