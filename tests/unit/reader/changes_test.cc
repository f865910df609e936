#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "shmconf/reader.h"
#include "unit/reader/memory_place.h"

namespace shmconf {
namespace {

using namespace std::chrono_literals;
using testing::MemoryPlace;
using testing::PlainContent;
using testing::PlainItem;

PlainContent keys(std::vector<PlainItem> items) { return {.keys = std::move(items), .pointers = {}}; }

class Changes : public ::testing::Test {
 protected:
  Changes() {
    place->publish(keys({{.key = "a/x", .value = "1"}, {.key = "a/y", .value = "2"}, {.key = "b", .value = "3"}}));
    reader = std::make_unique<Reader>(reader::open_at(place, {}).value());
  }

  ChangeCallback note() {
    return [this](const Change& change) {
      const auto shown = [](const std::optional<Entry>& entry) {
        return entry ? std::string(entry->value) + (entry->flags() != 0 ? "!" : "") : std::string("-");
      };
      noted.push_back(std::string(change.key) + ":" + shown(change.before) + ">" + shown(change.after));
    };
  }

  using Notes = std::vector<std::string>;
  Notes taken() { return std::exchange(noted, {}); }

  std::shared_ptr<MemoryPlace> place = std::make_shared<MemoryPlace>();
  std::unique_ptr<Reader> reader;
  Notes noted;
};

TEST_F(Changes, OfAKeyAreToldWithOldAndNewValue) {
  reader->on_change("b", note());
  reader->poll();
  EXPECT_EQ(taken(), Notes{});
  place->publish(keys({{.key = "a/x", .value = "9"}, {.key = "b", .value = "4"}}));
  EXPECT_EQ(reader->get("b"), "4");
  EXPECT_EQ(taken(), Notes{}) << "only poll and wait call back";
  reader->poll();
  EXPECT_EQ(taken(), Notes{"b:3>4"});
  place->publish(keys({{.key = "a/x", .value = "9"}}));
  reader->poll();
  EXPECT_EQ(taken(), Notes{"b:4>-"});
  place->publish(keys({{.key = "b", .value = "5"}}));
  EXPECT_TRUE(reader->wait_for_change(1s));
  EXPECT_EQ(taken(), Notes{"b:->5"});
}

TEST_F(Changes, OfAPrefixAreToldInKeyOrder) {
  reader->on_change("a/", note());
  place->publish(keys({{.key = "a/", .value = "0"}, {.key = "a/y", .value = "3"}, {.key = "a/z", .value = ""}, {.key = "a0", .value = ""}}));
  reader->poll();
  EXPECT_EQ(taken(), (Notes{"a/:->0", "a/x:1>-", "a/y:2>3", "a/z:->"}));
}

TEST_F(Changes, OfEveryKeyByTheEmptyPrefix) {
  reader->on_change("", note());
  place->publish(keys({{.key = "b", .value = "3"}, {.key = "c", .value = "1"}}));
  reader->poll();
  EXPECT_EQ(taken(), (Notes{"a/x:1>-", "a/y:2>-", "c:->1"}));
}

TEST_F(Changes, OfIndexesAloneAreNone) {
  reader->on_change("", note());
  place->publish(keys({{.key = "a/x", .value = "1", .modify_index = 9, .lock_index = 4},
                       {.key = "a/y", .value = "2"}, {.key = "b", .value = "3"}}));
  EXPECT_TRUE(reader->poll());
  EXPECT_EQ(taken(), Notes{});
  place->publish(keys({{.key = "a/x", .value = "1", .flags = 7}, {.key = "a/y", .value = "2"}, {.key = "b", .value = "3"}}));
  reader->poll();
  EXPECT_EQ(taken(), Notes{"a/x:1>1!"});
}

TEST_F(Changes, OfAJsonPointerAreToldByItsWholeKey) {
  reader->on_change("d#/port", note());
  reader->on_change("d#", note());
  place->publish({.keys = {{.key = "d", .value = "{}", .kind = 1}}, .pointers = {{.key = "d#/port", .value = "1", .kind = 3}}});
  reader->poll();
  EXPECT_EQ(taken(), Notes{"d#/port:->1"});
}

TEST_F(Changes, BetweenPollsAreToldOnce) {
  reader->on_change("b", note());
  place->publish(keys({{.key = "b", .value = "4"}}));
  static_cast<void>(reader->get("b"));
  place->publish(keys({{.key = "b", .value = "5"}}));
  reader->poll();
  EXPECT_EQ(taken(), Notes{"b:3>5"});
  place->publish(keys({{.key = "b", .value = "6"}}));
  static_cast<void>(reader->get("b"));
  place->publish(keys({{.key = "b", .value = "5"}}));
  reader->poll();
  EXPECT_EQ(taken(), Notes{}) << "there and back is no change";
}

TEST_F(Changes, AreCountedFromTheRegistration) {
  place->publish(keys({{.key = "b", .value = "4"}}));
  reader->on_change("b", note());
  reader->poll();
  EXPECT_EQ(taken(), Notes{});
}

TEST_F(Changes, EndWithTheirCallback) {
  const auto first = reader->on_change("b", note());
  reader->on_change("b", note());
  reader->remove_callback(first);
  reader->remove_callback(12345);
  place->publish(keys({{.key = "b", .value = "4"}}));
  reader->poll();
  EXPECT_EQ(taken(), Notes{"b:3>4"});
}

TEST_F(Changes, CallbacksMayUseAndChangeTheirReader) {
  std::uint64_t self = 0;
  self = reader->on_change("a/", [&](const Change& change) {
    noted.emplace_back(change.key);
    EXPECT_EQ(reader->get("b"), "4");
    EXPECT_FALSE(reader->poll()) << "what this poll reports is being reported";
    reader->remove_callback(self);
    reader->on_change("b", note());
  });
  place->publish(keys({{.key = "b", .value = "4"}}));
  reader->poll();
  EXPECT_EQ(taken(), Notes{"a/x"}) << "removed in the first of two calls";
  place->publish(keys({{.key = "b", .value = "5"}}));
  reader->poll();
  EXPECT_EQ(taken(), Notes{"b:4>5"});
}

TEST_F(Changes, ACallbackThatPollsCallsNoOther) {
  bool inside = false;
  reader->on_change("a/x", [&](const Change&) {
    inside = true;
    reader->poll();
    reader->wait_for_change(0s);
    inside = false;
  });
  int told = 0;
  reader->on_change("b", [&](const Change&) {
    EXPECT_FALSE(inside);
    ++told;
  });
  place->publish(keys({}));
  reader->poll();
  EXPECT_EQ(told, 1);
}

TEST_F(Changes, AnExceptionOfACallbackLeavesPollAndTheReaderWorksOn) {
  reader->on_change("b", [](const Change&) { throw std::runtime_error("mine"); });
  reader->on_change("b", note());
  place->publish(keys({{.key = "b", .value = "4"}}));
  EXPECT_THROW(reader->poll(), std::runtime_error);
  place->publish(keys({{.key = "c", .value = "4"}}));
  EXPECT_THROW(reader->poll(), std::runtime_error);
  EXPECT_FALSE(reader->poll());
  EXPECT_EQ(taken(), Notes{"b:3>-"});
}

TEST_F(Changes, AreNotCopiedWithTheReader) {
  reader->on_change("b", note());
  Reader copy = *reader;
  place->publish(keys({{.key = "b", .value = "4"}}));
  EXPECT_TRUE(copy.poll());
  EXPECT_EQ(taken(), Notes{});
}

TEST_F(Changes, WhatIsDamagedIsNotTakenForGone) {
  reader->on_change("", note());
  auto damaged = keys({{.key = "a/x", .value = "1"}, {.key = "a/y", .value = "2"}, {.key = "b", .value = "4"}});
  const auto generation = place->put(damaged);
  place->damage_second_record(generation);
  place->show(generation);
  reader->poll();
  EXPECT_EQ(taken(), Notes{});
}

}  // namespace
}  // namespace shmconf
