// Fuzz target: a snapshot of arbitrary bytes, under the view and under the C++ reader. The input is the
// snapshot.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "fuzz/guarded_bytes.h"
#include "fuzz/snapshot_mutator.h"
#include "fuzz/snapshot_questions.h"
#include "fuzz/target.h"
#include "shmconf/reader.h"
#include "unit/reader/memory_place.h"

namespace shmconf::fuzz {
namespace {

using testing::MemoryPlace;
using testing::PlainContent;
using testing::PlainItem;

// What a reader holds before or after the hostile one. Outlives every place.
const SnapshotView& good_snapshot() {
  static const testing::PlainSnapshot bytes(
      PlainContent{.keys = {{.key = "config/a", .value = "1"}, {.key = "k", .value = "{\"x\":1}", .kind = 1}},
                   .pointers = {{.key = "k#/x", .value = "1", .kind = 3}}});
  static const SnapshotView view = SnapshotView::open(bytes.bytes()).value();
  return view;
}

template <typename T>
void read_as(const Reader& reader, const std::string& key, T fallback) {
  static_cast<void>(reader.get<T>(key));
  static_cast<void>(reader.get<T>(key, fallback));
  static_cast<void>(reader.value<T>(key, fallback).get());
}

void read_everything(const Reader& reader, bool sound) {
  for (const std::string& key : interesting_keys(reader.snapshot().view())) {
    read_as<std::string>(reader, key, "");
    read_as<std::int64_t>(reader, key, 0);
    read_as<std::uint16_t>(reader, key, 0);
    read_as<double>(reader, key, 0);
    read_as<bool>(reader, key, false);
    read_as<std::chrono::milliseconds>(reader, key, {});
    const auto value = reader.get(key);
    const auto entry = reader.entry(key);
    require(value.has_value() == entry.has_value() && (!value || *value == entry->value),
            "get and entry answer alike");
  }
  std::string before;
  bool first = true;
  Entries both = reader.prefix("", Listing::kBoth);
  for (const Entry& entry : both) {
    require(!sound || first || before <= entry.key, "a listing of a sound snapshot is in order");
    before = entry.key;
    first = false;
  }
  require(!sound || !both.damaged(), "a listing of a sound snapshot is whole");
}

void expect_one_line(const Error& error) {
  require(error.code == ErrorCode::kDamaged || error.code == ErrorCode::kWrongVersion,
          "bytes that are no snapshot are damaged, or of another version");
  require(!error.text.empty() && error.text.find('\n') == std::string::npos, "an error has one line of text");
}

// A reader that opens it, then moves on to a good one.
void open_and_leave(const SnapshotView& view, bool sound) {
  auto place = std::make_shared<MemoryPlace>();
  place->publish_view(view);
  require(reader::open_at(place, {.verify = true}).ok() == sound, "open(verify) takes sound snapshots only");
  Reader reader = reader::open_at(place, {}).value();
  std::uint64_t changes = 0;
  reader.on_change("", [&changes](const Change&) { ++changes; });
  reader.on_change("k", [&changes](const Change&) { ++changes; });
  read_everything(reader, sound);
  static_cast<void>(reader.status());
  place->publish_view(good_snapshot());
  static_cast<void>(reader.wait_for_change(std::chrono::nanoseconds(0)));
  require(reader.get("config/a") == "1", "a reader leaves a damaged snapshot for the next one");
}

// A reader that comes from a good one.
void come_and_stay(const SnapshotView& view, bool sound) {
  auto place = std::make_shared<MemoryPlace>();
  place->publish_view(good_snapshot());
  Reader reader = reader::open_at(place, {}).value();
  std::uint64_t changes = 0;
  reader.on_change("", [&changes](const Change&) { ++changes; });
  reader.on_change("config/a", [&changes](const Change&) { ++changes; });
  place->publish_view(view);
  static_cast<void>(reader.poll());
  read_everything(reader, sound);
}

}  // namespace

bool accepts(std::string_view input) {
  static GuardedBytes memory;
  const auto view = SnapshotView::open(memory.hold(input));
  if (!view) {
    expect_one_line(view.error());
    return false;
  }
  const auto verified = view->verify();
  if (!verified) expect_one_line(verified.error());
  ask_everything(*view, verified.ok());
  open_and_leave(*view, verified.ok());
  come_and_stay(*view, verified.ok());
  return verified.ok();
}

}  // namespace shmconf::fuzz
