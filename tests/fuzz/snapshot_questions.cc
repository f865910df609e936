#include "fuzz/snapshot_questions.h"

#include <algorithm>
#include <cstdint>

#include "fuzz/target.h"

namespace shmconf::fuzz {
namespace {

using Section = SnapshotView::Section;

constexpr std::size_t kMostLookups = 16;

std::uint64_t sum_of(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (const char c : bytes) sum += static_cast<unsigned char>(c);
  return sum;
}

// Reads every byte that the entry shows.
void touch(const SnapshotView& view, const Entry& entry) {
  const auto inside = [&](std::string_view bytes) {
    const char* const begin = reinterpret_cast<const char*>(view.bytes().data());
    return bytes.data() >= begin && bytes.data() + bytes.size() <= begin + view.bytes().size();
  };
  require(inside(entry.key) && inside(entry.value), "an entry lies inside its snapshot");
  require(entry.session().empty() || inside(entry.session()), "a session lies inside its snapshot");
  volatile std::uint64_t sink = sum_of(entry.key) + sum_of(entry.value) + sum_of(entry.session()) +
                                entry.flags() + entry.lock_index() + entry.create_index() + entry.modify_index() +
                                static_cast<std::uint64_t>(entry.kind());
  static_cast<void>(sink);
}

std::vector<Entry> walk_all(const SnapshotView& view, std::string_view prefix, Section section) {
  std::vector<Entry> entries;
  auto walk = view.walk(prefix, section);
  Entry entry;
  while (walk.next(entry)) {
    touch(view, entry);
    require(entry.key.starts_with(prefix), "a scan shows only keys with its prefix");
    entries.push_back(entry);
    require(entries.size() <= view.bytes().size() / sizeof(format::Record), "a scan ends");
  }
  require(!walk.next(entry), "a scan that has ended stays so");
  return entries;
}

bool same_records(const std::vector<Entry>& a, const std::vector<Entry>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Entry& x, const Entry& y) { return x.record == y.record; });
}

void compare_scan(const SnapshotView& view, const std::vector<Entry>& all, std::string_view prefix, Section section,
                  bool sound) {
  const auto found = walk_all(view, prefix, section);
  if (!sound) return;
  std::vector<Entry> expected;
  std::copy_if(all.begin(), all.end(), std::back_inserter(expected),
               [&](const Entry& entry) { return entry.key.starts_with(prefix); });
  require(same_records(found, expected), "a scan of a sound snapshot finds every key with its prefix");
}

void compare_lookup(const SnapshotView& view, const Entry& entry, bool sound) {
  Entry found;
  const Lookup lookup = view.find(entry.key, found);
  if (lookup == Lookup::kFound) {
    touch(view, found);
    require(found.key == entry.key, "a lookup finds the key that it was asked for");
  }
  require(!sound || (lookup == Lookup::kFound && found.record == entry.record && found.value == entry.value),
          "in a sound snapshot get answers what a scan shows");
}

void ask_section(const SnapshotView& view, Section section, std::uint64_t count, bool sound) {
  const auto all = walk_all(view, {}, section);
  require(!sound || all.size() == count, "a sound snapshot holds as many keys as it says");
  const std::size_t stride = std::max<std::size_t>(1, all.size() / kMostLookups);
  for (std::size_t i = 0; i < all.size(); i += stride) {
    const std::string_view key = all[i].key;
    compare_lookup(view, all[i], sound);
    compare_scan(view, all, key, section, sound);
    compare_scan(view, all, key.substr(0, key.size() / 2), section, sound);
    compare_scan(view, all, key.substr(0, key.rfind('/') + 1), section, sound);
  }
}

}  // namespace

std::vector<std::string> interesting_keys(const SnapshotView& view) {
  std::vector<std::string> keys = {"", "k", "config/", "demo-config#/redis_config/redis_port", std::string(300, 'x'),
                                   std::string("\0\xff", 2)};
  for (const Section section : {Section::kKeys, Section::kPointers}) {
    auto walk = view.walk({}, section);
    Entry entry;
    for (int i = 0; i < 8 && walk.next(entry); ++i) {
      keys.emplace_back(entry.key.substr(0, 4096));
      keys.push_back(keys.back() + "x");
    }
  }
  return keys;
}

void ask_everything(const SnapshotView& view, bool sound) {
  ask_section(view, Section::kKeys, view.header().key_count, sound);
  ask_section(view, Section::kPointers, view.header().pointer_count, sound);
  for (const std::string& key : interesting_keys(view)) {
    Entry entry;
    if (view.find(key, entry) == Lookup::kFound) touch(view, entry);
    walk_all(view, key, Section::kKeys);
    walk_all(view, key, Section::kPointers);
  }
  volatile std::uint64_t sink = 0;
  for (const std::uint64_t index : view.indexes()) sink = sink + index;
}

}  // namespace shmconf::fuzz
