// Writes the binary files of the corpora: small snapshots, and segments with two of them.
//
//   fuzz_make_corpus FOLDER      FOLDER/snapshot/*, FOLDER/backup/*, FOLDER/segment/*
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "fuzz/segment_input.h"
#include "unit/reader/plain_snapshot.h"

namespace shmconf::fuzz {
namespace {

using format::ControlPage;
using testing::PlainContent;
using testing::PlainSnapshot;

constexpr std::uint64_t kGeneration = (std::uint64_t{1000} << 32) + 1;
constexpr std::uint64_t kDraftId = 0xd4af7;

std::filesystem::path root;

void write(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories((root / path).parent_path());
  std::ofstream(root / path, std::ios::binary) << bytes;
}

// More keys than one sample stands for; a document and its leaves; a locked key; bytes that are no text.
PlainContent typical() {
  PlainContent content;
  content.indexes = {7, 9};
  for (int i = 0; i < 20; ++i) {
    content.keys.push_back({.key = "config/" + std::to_string(i), .value = std::to_string(i * 7), .modify_index = 5});
  }
  content.keys.push_back({.key = "demo-config", .value = R"({"redis":{"port":6379},"on":true})", .kind = 1});
  content.keys.push_back({.key = "lock", .value = "", .flags = 42, .lock_index = 3,
                          .session = "adf4238a-882b-9ddc-4a9d-5b6758e4159e"});
  content.keys.push_back({.key = std::string("\0\xff/x", 4), .value = "\xfe"});
  content.keys.push_back({.key = "wait", .value = "1m30s"});
  content.pointers.push_back({.key = "demo-config#/on", .value = "true", .kind = 5});
  content.pointers.push_back({.key = "demo-config#/redis/port", .value = "6379", .kind = 3});
  return content;
}

PlainContent one_key(std::string value) { return {.keys = {{.key = "k", .value = std::move(value)}}, .pointers = {}}; }
PlainContent no_keys() { return {.keys = {}, .pointers = {}}; }

// A table without an empty slot, where a miss looks at all of them.
PlainContent full_table() {
  PlainContent content = one_key("1");
  content.keys.push_back({.key = "l", .value = "2"});
  content.slot_count = 2;
  return content;
}

void write_snapshots(const std::string& folder) {
  write(folder + "/sound-typical", PlainSnapshot(typical()).string());
  write(folder + "/sound-one-key", PlainSnapshot(one_key("1")).string());
  write(folder + "/sound-empty", PlainSnapshot(no_keys()).string());
  PlainSnapshot newer(one_key("1"));
  newer.put32(offsetof(format::SnapshotHeader, version), 2);
  write(folder + "/refused-newer-version", newer.string());
  PlainSnapshot encrypted(one_key("1"));
  encrypted.put64(offsetof(format::SnapshotHeader, magic), std::bit_cast<std::uint64_t>(format::kSealedMagic));
  write(folder + "/refused-encrypted", encrypted.string());
  write(folder + "/refused-encrypted-cut", encrypted.string().substr(0, 34));
}

// A page as a running sidecar has it, up to where it holds only zeros. Its boot id stays empty.
std::string page() {
  std::array<char, format::kControlPageBytes> bytes{};
  const auto put = [&bytes](std::size_t at, const auto& value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
  put(0, format::kControlMagic);
  put(offsetof(ControlPage, version), format::kControlVersion);
  put(offsetof(ControlPage, page_bytes), std::uint32_t{format::kControlPageBytes});
  put(offsetof(ControlPage, snapshot_version), format::kSnapshotVersion);
  put(offsetof(ControlPage, generation), kGeneration);
  put(offsetof(ControlPage, sync_count), std::uint64_t{3});
  put(offsetof(ControlPage, draft_id), kDraftId);
  constexpr std::size_t kWatch = offsetof(ControlPage, roles);
  put(kWatch + offsetof(format::RoleState, alive_ns), std::uint64_t{1});
  put(kWatch + offsetof(format::RoleState, contact_ns), std::uint64_t{1});
  put(kWatch + offsetof(format::RoleState, stale_after_ns), std::uint64_t{60'000'000'000});
  // SharedText: an even sequence, a length, the text.
  constexpr std::size_t kError = kWatch + offsetof(format::RoleState, last_error);
  put(kError, std::uint32_t{2});
  put(kError + 4, std::uint32_t{5});
  std::memcpy(bytes.data() + kError + 8, "error", 5);
  constexpr std::size_t kPath = offsetof(ControlPage, backup_path);
  put(kPath, std::uint32_t{2});
  put(kPath + 4, std::uint32_t{4});
  std::memcpy(bytes.data() + kPath + 8, "/b/w", 4);
  return {bytes.data(), kPath + 16};
}

std::string snapshot(PlainContent content, std::uint64_t generation, std::uint64_t draft_id) {
  content.generation = generation;
  PlainSnapshot made(std::move(content));
  made.put64(offsetof(format::SnapshotHeader, draft_id), draft_id);
  return made.string();
}

void write_segments() {
  SegmentInput parts;
  parts.page = page();
  parts.first = snapshot(one_key("1"), kGeneration, 0);
  parts.second = snapshot(one_key("2"), kGeneration + 1, kDraftId);
  write("segment/sound-followed", parts.string());
  parts.options = SegmentInput::kDraft | SegmentInput::kVerify;
  write("segment/sound-mapped-ahead", parts.string());
  parts.second = snapshot(typical(), kGeneration + 1, kDraftId);
  write("segment/sound-grows", parts.string());

  SegmentInput absurd = parts;  // stamps from before and after all time
  const std::uint64_t stamps[] = {std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63};
  std::memcpy(absurd.page.data() + offsetof(ControlPage, roles), stamps, sizeof stamps);
  write("segment/sound-absurd-stamps", absurd.string());

  SegmentInput unpublished = parts;
  unpublished.options = SegmentInput::kBackup;
  const std::uint64_t none = kGeneration - 1;
  std::memcpy(unpublished.page.data() + offsetof(ControlPage, generation), &none, 8);
  std::memset(unpublished.page.data() + offsetof(ControlPage, roles), 0, 8);
  write("segment/sound-backup", unpublished.string());
  unpublished.options = SegmentInput::kDenyBackup;
  write("segment/refused-unpublished", unpublished.string());
  // The word that stands for a page which can no longer be read, as the page's own.
  const std::uint64_t unreadable = 3;
  std::memcpy(unpublished.page.data() + offsetof(ControlPage, generation), &unreadable, 8);
  write("segment/refused-unreadable", unpublished.string());
  parts.options = SegmentInput::kShortPage;
  write("segment/refused-short-page", parts.string());
}

}  // namespace
}  // namespace shmconf::fuzz

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
    return 2;
  }
  using namespace shmconf::fuzz;
  root = arguments[1];
  write_snapshots("snapshot");
  write("snapshot/sound-full-table", shmconf::testing::PlainSnapshot(full_table()).string());
  write_snapshots("backup");
  write_segments();
  return 0;
}
