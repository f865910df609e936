#include "cli/pack.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "shmconf/snapshot_view.h"

namespace shmconf::cli {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using settings::Source;
using Lines = std::vector<std::string>;

constexpr std::chrono::nanoseconds kWall = 1'700'000'000s;

// "key=value flags" of each key in order.
Lines lines_of(const Packed& packed, SnapshotView::Section section = SnapshotView::Section::kKeys) {
  const Result<SnapshotView> view = SnapshotView::open(packed.bytes);
  if (!view || !view->verify()) {
    ADD_FAILURE() << "what was packed is not sound";
    return {};
  }
  Lines lines;
  SnapshotView::Walk walk = view->walk({}, section);
  for (Entry entry; walk.next(entry);) {
    const std::string flags = std::to_string(entry.flags());
    lines.push_back(std::string(entry.key) + "=" + std::string(entry.value) + " " + flags);
  }
  return lines;
}

Lines packed_lines(const std::vector<PackedKey>& keys, const std::vector<Source>& sources) {
  const Result<Packed> packed = pack_keys(keys, sources, kWall);
  if (!packed) return {packed.error().text};
  return lines_of(*packed);
}

TEST(PackKeys, KeepsValuesAndFlagsByteForByte) {
  const std::vector<PackedKey> keys = {
      {"a\nb", "\0\xff"s, 0}, {"empty", "", 1}, {"max", "v", std::numeric_limits<std::uint64_t>::max()}};
  EXPECT_EQ(packed_lines(keys, {}), (Lines{"a\nb=\0\xff 0"s, "empty= 1", "max=v 18446744073709551615"}));
}

TEST(PackKeys, MakesABackupThatAnySourcesAccept) {
  const Result<Packed> packed = pack_keys({{"a", "1", 0}}, {}, kWall);
  ASSERT_TRUE(packed);
  const Result<SnapshotView> view = SnapshotView::open(packed->bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header().origin, format::Origin::kBackup);
  EXPECT_EQ(view->header().sources_hash, 0u);
  EXPECT_EQ(view->header().source_count, 0u);
  EXPECT_TRUE(format::has_snapshot(view->header().generation));
  EXPECT_EQ(view->header().published_wall_ns, static_cast<std::uint64_t>(kWall.count()));
  EXPECT_EQ(view->header().read_wall_ns, static_cast<std::uint64_t>(kWall.count()));
}

TEST(PackKeys, OpensUpDocuments) {
  const Result<Packed> packed = pack_keys({{"doc", R"({"redis_port": 6379, "on": [true]})", 0}}, {}, kWall);
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->key_count, 1u);
  EXPECT_EQ(packed->pointer_count, 2u);
  EXPECT_EQ(lines_of(*packed, SnapshotView::Section::kPointers),
            (Lines{"doc#/on/0=true 0", "doc#/redis_port=6379 0"}));
}

TEST(PackKeys, WarnsOfADocumentThatStaysClosed) {
  const std::string deep = std::string(80, '[') + "1" + std::string(80, ']');
  const Result<Packed> packed = pack_keys({{"deep", deep, 0}}, {}, kWall);
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->pointer_count, 0u);
  ASSERT_EQ(packed->warnings.size(), 1u);
  EXPECT_NE(packed->warnings[0].find("deep"), std::string::npos);
}

TEST(PackKeys, TakesKeysAsTheSidecarWouldTakeThemFromConsul) {
  const std::vector<PackedKey> keys = {{"demo", "d", 1},
                                       {"demo2", "no", 0},
                                       {"web", "no", 0},
                                       {"web/", "a folder", 0},
                                       {"web/a", "from web", 2},
                                       {"web/b", "b", 3},
                                       {"website", "no", 0},
                                       {"zcommon/a", "from common", 4},
                                       {"zcommon/c", "c", 5}};
  const Source web{Source::Kind::kPrefix, "web/"};
  const Source common{Source::Kind::kPrefix, "zcommon/"};
  const Source demo{Source::Kind::kKey, "demo"};
  EXPECT_EQ(packed_lines(keys, {common, web, demo}), (Lines{"a=from web 2", "b=b 3", "c=c 5", "demo=d 1"}));
  EXPECT_EQ(packed_lines(keys, {web, common}), (Lines{"a=from common 4", "b=b 3", "c=c 5"}));
  EXPECT_EQ(packed_lines(keys, {}).size(), keys.size());
}

TEST(PackKeys, RefusesToMakeAnEmptyConfiguration) {
  const Result<Packed> nothing = pack_keys({}, {}, kWall);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::kInvalid);
  const Result<Packed> elsewhere = pack_keys({{"a", "1", 0}}, {{Source::Kind::kPrefix, "web/"}}, kWall);
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().text.find("--prefix"), std::string::npos);
}

}  // namespace
}  // namespace shmconf::cli
