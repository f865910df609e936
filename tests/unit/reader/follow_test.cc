// How a reader moves on: failures to open, retired and replaced pages, waiting, the backup. Over a
// place in memory, where the test moves the clock.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "shmconf/reader.h"
#include "unit/reader/memory_place.h"

namespace shmconf {
namespace {

using namespace std::chrono_literals;
using testing::MemoryPlace;
using testing::PlainContent;

PlainContent one(std::string value) { return {.keys = {{.key = "k", .value = std::move(value)}}, .pointers = {}}; }

class Follow : public ::testing::Test {
 protected:
  Result<Reader> open(const OpenOptions& options = {}) { return reader::open_at(place, options); }

  std::shared_ptr<MemoryPlace> place = std::make_shared<MemoryPlace>();
};

// Its directory is removed between the opening of the page and that of the snapshot.
class RemovedMeanwhile : public MemoryPlace {
 public:
  [[nodiscard]] Result<reader::MappedSnapshot> open_snapshot(const reader::Page& page,
                                                             std::uint64_t generation) const override {
    const_cast<RemovedMeanwhile*>(this)->remove_page();
    const_cast<RemovedMeanwhile*>(this)->remove_snapshot(generation);
    return MemoryPlace::open_snapshot(page, generation);
  }
};

TEST(OpenWhileRemoved, IsAbsentAndNotDamaged) {
  const auto place = std::make_shared<RemovedMeanwhile>();
  place->publish({.keys = {{.key = "k", .value = "1"}}});
  EXPECT_EQ(reader::open_at(place, {}).error().code, ErrorCode::kAbsent);
  place->set_backup({.keys = {{.key = "k", .value = "0"}}});
  place->new_page(2000);
  place->publish({.keys = {{.key = "k", .value = "1"}}});
  const auto opened = reader::open_at(place, {});
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(opened->get("k"), "0");
}

TEST_F(Follow, ASnapshotThatCannotBeOpenedKeepsTheOldViewAndIsTriedAgainAfter100Milliseconds) {
  place->publish(one("old"));
  const Reader reader = open().value();
  const auto generation = place->put(one("new"));
  place->remove_snapshot(generation);
  place->show(generation);
  EXPECT_EQ(reader.get("k"), "old");
  const int asked = place->snapshots_asked;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(reader.get("k"), "old");
  EXPECT_EQ(place->snapshots_asked, asked) << "no system calls between the tries";
  place->control().generation.store(generation - 1);
  EXPECT_EQ(place->put(one("new")), generation);
  place->show(generation);
  EXPECT_EQ(reader.get("k"), "old");
  place->pass(101ms);
  EXPECT_EQ(reader.get("k"), "new");
}

TEST_F(Follow, TheNextGenerationIsTriedAtOnceAfterAFailure) {
  place->publish(one("old"));
  const Reader reader = open().value();
  const auto generation = place->put(one("lost"));
  place->remove_snapshot(generation);
  place->show(generation);
  EXPECT_EQ(reader.get("k"), "old");
  place->publish(one("new"));
  EXPECT_EQ(reader.get("k"), "new");
}

TEST_F(Follow, ARetiredPageKeepsTheOldViewUntilThereIsAnother) {
  place->publish(one("old"));
  const Reader reader = open().value();
  format::ControlPage& retired = place->control();
  retired.generation.store(format::kRetired);
  EXPECT_EQ(reader.get("k"), "old");
  const int asked = place->pages_asked;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(reader.get("k"), "old");
  EXPECT_EQ(place->pages_asked, asked) << "looks at most once in 100 ms";
  place->new_page(2000);
  place->pass(101ms);
  EXPECT_EQ(reader.get("k"), "old") << "the new page has nothing yet";
  place->publish(one("new"));
  EXPECT_EQ(reader.get("k"), "new");
}

TEST_F(Follow, AReplacedPageIsFoundByPollStatusAndWaitButNotByGet) {
  place->publish(one("old"));
  Reader polling = open().value();
  Reader asking = open().value();
  Reader waiting = open().value();
  const Value<std::string> value = polling.value<std::string>("k", "");
  place->new_page(2000);
  const auto generation = place->publish(one("new"));
  EXPECT_EQ(polling.get("k"), "old");
  EXPECT_TRUE(polling.poll());
  EXPECT_EQ(polling.get("k"), "new");
  EXPECT_EQ(value.get(), "new");
  EXPECT_EQ(asking.status().generation, generation);
  EXPECT_TRUE(waiting.wait_for_change(0s));
  EXPECT_EQ(waiting.get("k"), "new");
}

TEST_F(Follow, ANewPageWithTheSameCounterIsAnotherGeneration) {
  place->publish(one("old"));
  Reader reader = open().value();
  const Value<std::string> value = reader.value<std::string>("k", "");
  const auto before = reader.generation();
  place->new_page(2000);
  place->publish(one("new"));
  EXPECT_TRUE(reader.wait_for_change(0s, before));
  EXPECT_EQ(static_cast<std::uint32_t>(reader.generation()), static_cast<std::uint32_t>(before));
  EXPECT_EQ(value.get(), "new");
}

TEST_F(Follow, PollTellsEachMoveOnce) {
  place->publish(one("1"));
  Reader reader = open().value();
  EXPECT_FALSE(reader.poll());
  place->publish(one("2"));
  EXPECT_TRUE(reader.poll());
  EXPECT_FALSE(reader.poll());
  place->publish(one("3"));
  EXPECT_EQ(reader.get("k"), "3");
  EXPECT_TRUE(reader.poll()) << "a get in between must not hide the move";
  EXPECT_FALSE(reader.poll());
}

TEST_F(Follow, WaitEndsAtItsTimeoutAndLooksAgainEachSecond) {
  place->publish(one("1"));
  Reader reader = open().value();
  const auto start = place->now();
  EXPECT_FALSE(reader.wait_for_change(3500ms));
  EXPECT_EQ(place->now() - start, 3500ms);
  EXPECT_EQ(place->waits, 4);
  EXPECT_FALSE(reader.wait_for_change(0s));
  EXPECT_FALSE(reader.wait_for_change(-1s));
  EXPECT_EQ(place->waits, 4);
}

TEST_F(Follow, WaitReturnsForAChangeMissedByTheCaller) {
  const auto first = place->publish(one("1"));
  Reader reader = open().value();
  place->publish(one("2"));
  EXPECT_EQ(reader.get("k"), "2");
  EXPECT_TRUE(reader.wait_for_change(1h)) << "published since the open";
  EXPECT_TRUE(reader.wait_for_change(1h, first));
  EXPECT_FALSE(reader.wait_for_change(1s, reader.generation()));
}

TEST_F(Follow, WaitFindsWhatIsPublishedWhileItSleeps) {
  place->publish(one("1"));
  Reader reader = open().value();
  place->while_waiting = [this] {
    if (place->waits == 3) place->publish(one("2"));
  };
  EXPECT_TRUE(reader.wait_for_change(1h));
  EXPECT_EQ(reader.get("k"), "2");
  EXPECT_EQ(place->waits, 3);
}

TEST_F(Follow, WaitFollowsARetiredPageWithinATenthOfASecond) {
  place->publish(one("1"));
  Reader reader = open().value();
  place->while_waiting = [this] {
    if (place->waits == 1) place->control().generation.store(format::kRetired);
    if (place->waits == 3) {
      place->new_page(2000);
      place->publish(one("2"));
    }
  };
  EXPECT_TRUE(reader.wait_for_change(1h));
  EXPECT_EQ(reader.get("k"), "2");
  EXPECT_EQ(std::chrono::nanoseconds(place->last_wait_ns), 100ms);
}

TEST_F(Follow, NothingPublishedIsNotReadyWhileASidecarIsAlive) {
  place->set_backup(one("backup"));
  place->control().roles[1].alive_ns = static_cast<std::uint64_t>(place->now_ns - 1'000'000);
  EXPECT_EQ(open().error().code, ErrorCode::kNotReady);
}

TEST_F(Follow, TheBackupServesWhereNeitherSidecarNorSegmentIs) {
  place->remove_page();
  EXPECT_EQ(open().error().code, ErrorCode::kAbsent);
  place->set_backup(one("backup"));
  EXPECT_EQ(open({.allow_backup = false}).error().code, ErrorCode::kAbsent);
  Reader reader = open().value();
  EXPECT_EQ(reader.get("k"), "backup");
  EXPECT_TRUE(reader.status().from_file);
  EXPECT_EQ(reader.status().backup_file, "memory.snapshot");
  EXPECT_EQ(reader.status().verdict, Verdict::kDead);
  EXPECT_FALSE(reader.wait_for_change(1s));

  place->new_page(2000);
  place->publish(one("live"));
  EXPECT_EQ(reader.get("k"), "backup") << "only wait, poll and status look";
  EXPECT_TRUE(reader.poll());
  EXPECT_EQ(reader.get("k"), "live");
  EXPECT_FALSE(reader.status().from_file);
}

TEST_F(Follow, AWaitingReaderOfTheBackupFindsTheSegment) {
  place->remove_page();
  place->set_backup(one("backup"));
  Reader reader = open().value();
  place->while_waiting = [this] {
    if (place->waits == 5) place->new_page(2000);
    if (place->waits == 6) place->publish(one("live"));
  };
  EXPECT_TRUE(reader.wait_for_change(1h));
  EXPECT_EQ(reader.get("k"), "live");
}

TEST_F(Follow, AnEmptyPageWithoutASidecarServesTheBackupUntilItsFirstGeneration) {
  EXPECT_EQ(open().error().code, ErrorCode::kNotReady);
  place->set_backup(one("backup"));
  const Reader reader = open().value();
  EXPECT_EQ(reader.get("k"), "backup");
  place->publish(one("live"));
  EXPECT_EQ(reader.get("k"), "live") << "this page is followed from the start";
}

TEST_F(Follow, ACopyOfABackupReaderStandsAlone) {
  place->remove_page();
  place->set_backup(one("backup"));
  auto first = std::make_unique<Reader>(open().value());
  Reader second = *first;
  first.reset();
  EXPECT_EQ(second.get("k"), "backup");
  place->new_page(2000);
  place->publish(one("live"));
  EXPECT_TRUE(second.poll());
  EXPECT_EQ(second.get("k"), "live");
}

TEST_F(Follow, APageThatWasRetiredCountsAsNone) {
  place->publish(one("1"));
  EXPECT_TRUE(reader::check_page(place->control(), ""));
  place->control().generation = format::kRetired;
  EXPECT_EQ(reader::check_page(place->control(), "").error().code, ErrorCode::kAbsent);
  EXPECT_EQ(open().error().code, ErrorCode::kAbsent);
}

TEST_F(Follow, APageOfAnotherKindIsRefused) {
  place->publish(one("1"));
  place->control().version = 2;
  EXPECT_EQ(open().error().code, ErrorCode::kWrongVersion);
  place->control().version = 0;
  EXPECT_EQ(open().error().code, ErrorCode::kNotReady);
  place->control().version = 1;
  place->control().magic[0] = 'X';
  EXPECT_EQ(open().error().code, ErrorCode::kDamaged);
}

}  // namespace
}  // namespace shmconf
