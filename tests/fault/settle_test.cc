// Several sources read as one state, while Consul changes right behind the very answers between which
// a half state, or one that never was, could slip through.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dev/kv_store.h"
#include "fault/state_fixture.h"

namespace shmconf::fault {
namespace {

using shm::Outcome;

class Settle : public StateFixture {
 protected:
  using Write = std::function<void(dev::KvStore&)>;

  void SetUp() override {
    consul_.write([this](dev::KvStore& store) { store_of_consul_ = &store; });
  }
  // Behind the answer to the number-th request, from 1, that contains the text.
  void write_behind(const std::string& request, std::map<int, Write> writes) {
    fakes::Fault fault;
    const auto number = std::make_shared<int>(0);
    // Called while the fake holds the lock of its store.
    fault.change = [this, number, writes = std::move(writes)](dev::Reply&) {
      if (const auto write = writes.find(++*number); write != writes.end()) write->second(*store_of_consul_);
    };
    consul_.script(fault.on(request).repeated());
  }
  // One transaction; an empty value deletes.
  static Write transaction(const std::vector<std::pair<std::string, std::string>>& values) {
    std::vector<dev::Operation> operations;
    for (const auto& [key, value] : values) {
      operations.push_back({.verb = value.empty() ? "delete" : "set", .key = key, .value = value});
    }
    return [operations](dev::KvStore& store) { EXPECT_TRUE(store.apply(operations).errors.empty()); };
  }
  [[nodiscard]] std::uint64_t unsettled() { return target_->segment().page().settled_rounds_exceeded.load(); }

  dev::KvStore* store_of_consul_ = nullptr;
};

// The index of the missing key runs ahead with every write elsewhere, and says nothing about since when
// the other sources are what they are.
TEST_F(Settle, AMissingKeyDoesNotVouchForWhatWasReadBeforeIt) {
  settings_.sources = {prefix("common/"), prefix("web/"), key("single")};
  transaction({{"common/a", "1"}, {"web/b", "1"}})(*store_of_consul_);
  write_behind("/v1/kv/single", {{1, transaction({{"common/a", "2"}})}});
  write_behind("/v1/kv/web/?keys", {{1, transaction({{"web/b", "2"}})}});
  write_behind("/v1/kv/web/?recurse", {{2, transaction({{"common/a", "3"}, {"web/b", "3"}})}});
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=3 b=3 ");
  EXPECT_EQ(unsettled(), 0U);
}

TEST_F(Settle, AKeyThatCameAndWentBetweenTwoAnswersIsNotTakenForMissingAllTheTime) {
  settings_.sources = {key("single"), prefix("web/")};
  transaction({{"web/b", "1"}})(*store_of_consul_);
  write_behind("/v1/kv/single", {{1, transaction({{"single", "2"}, {"web/b", "2"}})}});
  write_behind("/v1/kv/web/?recurse", {{1, transaction({{"single", ""}, {"web/b", "3"}})}});
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "b=3 ");  // b=2 was never without the key
  EXPECT_EQ(unsettled(), 0U);
}

// A leader that was frozen, or cut off, may still believe itself to be one.
TEST_F(Settle, AnOldLeadersWordThatASourceIsStillEmptyIsNotBelieved) {
  settings_.sources = {prefix("empty/"), prefix("web/")};
  transaction({{"web/b", "1"}})(*store_of_consul_);
  write_behind("/v1/kv/empty/?recurse", {{1, transaction({{"empty/a", "2"}, {"web/b", "2"}})}});
  auto old = fakes::faults::hidden();
  old.change = [hidden = old.change, index = fakes::faults::index("1").change](dev::Reply& reply) {
    hidden(reply);
    index(reply);
  };
  consul_.script(old.on("/v1/kv/empty/?keys").repeated());
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=2 b=2 ");
}

TEST_F(Settle, SeveralEmptySourcesSettleWhileOthersWriteAllTheTime) {
  settings_.sources = {key("single"), prefix("empty/"), prefix("web/")};
  transaction({{"web/b", "1"}})(*store_of_consul_);
  fakes::Fault busy;
  const auto number = std::make_shared<int>(0);
  busy.change = [this, number](dev::Reply&) { store_of_consul_->put("elsewhere", std::to_string(++*number)); };
  consul_.script(busy.repeated());
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "b=1 ");
  EXPECT_EQ(unsettled(), 0U);
}

TEST_F(Settle, WhatWasReadBeforeARestoreIsNotMixedWithWhatCameAfterIt) {
  settings_.sources = {prefix("common/"), prefix("other/"), prefix("web/")};
  transaction({{"common/a", "1"}, {"other/b", "1"}, {"web/c", "1"}})(*store_of_consul_);
  const dev::KvStore archive = *store_of_consul_;
  transaction({{"common/a", "2"}, {"other/b", "2"}})(*store_of_consul_);
  transaction({{"web/c", "2"}})(*store_of_consul_);
  write_behind("/v1/kv/web/?recurse", {{1, [&archive](dev::KvStore& store) { store = archive; }}});
  ASSERT_EQ(synchronize()->outcome, Outcome::kPublished);
  EXPECT_EQ(published(), "a=1 b=1 c=1 ");
  EXPECT_EQ(unsettled(), 0U);
}

}  // namespace
}  // namespace shmconf::fault
