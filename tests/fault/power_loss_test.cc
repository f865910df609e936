// The backup on a model disk whose power fails after each operation of the store: whatever was not
// synced is lost, half there or garbage, and each time the next start loads the backup whose writing
// had succeeded, or a newer one, whole. Then that disk takes the next backup, under power cuts as well.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backup/store.h"
#include "fakes/model_disk.h"
#include "fakes/stamped_content.h"
#include "shm/snapshot_builder.h"

namespace shmconf::backup {
namespace {

using fakes::ModelDisk;
using fakes::StampedContent;

constexpr int kKeys = 10;
constexpr int kValueBytes = 1000;  // so that a snapshot has several pages
constexpr char kPath[] = "/var/lib/web.snapshot";

std::vector<std::byte> snapshot(std::uint64_t stamp, std::uint64_t generation) {
  StampedContent content(stamp, kKeys, kValueBytes);
  std::vector<std::byte> bytes(shm::snapshot_bytes(content.content()).value());
  shm::build_snapshot(content.content(), 1, bytes);
  shm::stamp_generation(bytes, generation, std::chrono::seconds(1), format::Origin::kConsul);
  return bytes;
}
std::vector<std::byte> snapshot(std::uint64_t generation) { return snapshot(generation, generation); }

// Backups are told apart by their generations, which count up.
class PowerLoss : public ::testing::Test {
 protected:
  struct Bounds {
    std::uint64_t kept = 0;       // the newest whose writing has succeeded; 0: none
    std::uint64_t attempted = 0;  // the newest that the store was given
  };

  // Writes while the power fails after each step. How many cuts deep: those after it, too.
  bool write_under_cuts(ModelDisk& disk, Store& store, const std::vector<std::byte>& bytes, Bounds& bounds,
                        int depth) {
    bounds.attempted = std::max(bounds.attempted, SnapshotView::open(bytes).value().header().generation);
    disk.after_step = [&] { cut(disk, bounds, depth); };
    const bool written = store.write(bytes).ok();
    if (written) bounds.kept = bounds.attempted;
    disk.after_step = nullptr;
    cut(disk, bounds, depth);
    return written;
  }

  void cut(const ModelDisk& disk, const Bounds& bounds, int depth) {
    if (!violations_.empty()) return;  // one is enough, and a store that is wrong leaves very many disks
    for (const auto& left : disk.after_power_cut()) {
      ++cuts_;
      const std::string key = std::to_string(bounds.kept) + " " + std::to_string(bounds.attempted) + " " +
                              std::to_string(depth) + left->fingerprint();
      if (seen_.insert(key).second) start_from(*left, bounds, depth);
    }
  }

  // The machine is up again.
  void start_from(ModelDisk& disk, const Bounds& bounds, int depth) {
    auto found = Store(disk, kPath).load();
    const bool nothing = !found && found.error().code == ErrorCode::kAbsent;
    if (!found && !(nothing && bounds.kept == 0)) return violation("lost: " + found.error().text);
    std::uint64_t generation = 0;
    if (found) {
      generation = found->view().header().generation;
      if (!fakes::one_stamp(found->view(), kKeys)) return violation("not whole");
    }
    if (found && (generation < bounds.kept || generation > bounds.attempted)) {
      return violation("generation " + std::to_string(generation) + " instead of " + std::to_string(bounds.kept));
    }
    if (depth == 0) return;
    Store store(disk, kPath);
    Bounds next{.kept = generation, .attempted = bounds.attempted};
    if (!write_under_cuts(disk, store, snapshot(bounds.attempted + 1), next, depth - 1)) {
      violation("no backup can be written after the power cut");
    }
  }

  void violation(const std::string& text) { violations_.push_back(text); }
  void expect_no_violation(const std::string& when) {
    if (!violations_.empty()) {
      ADD_FAILURE() << when << ": " << violations_.front();
    }
    violations_.clear();
  }

  // What was there before, what is written then, and whether the store's process is another one.
  struct Case {
    std::string name;
    std::function<Bounds(ModelDisk&, Store&)> before;
    std::vector<std::byte> bytes;
  };

  static Bounds written(Store& store, std::uint64_t up_to) {
    for (std::uint64_t i = 1; i <= up_to; ++i) EXPECT_TRUE(store.write(snapshot(i)));
    return {.kept = up_to, .attempted = up_to};
  }
  // The third is damaged, so that the second one is the last good one.
  static Bounds damaged(ModelDisk& disk, Store& store) {
    written(store, 3);
    disk.damage(kPath);
    return {.kept = 2, .attempted = 3};
  }

  static std::vector<Case> cases() {
    return {
        {"the first backup", [](ModelDisk&, Store&) { return Bounds(); }, snapshot(1)},
        {"the second", [](ModelDisk&, Store& store) { return written(store, 1); }, snapshot(2)},
        {"the third", [](ModelDisk&, Store& store) { return written(store, 2); }, snapshot(3)},
        {"the fourth", [](ModelDisk&, Store& store) { return written(store, 3); }, snapshot(4)},
        {"over a damaged one", damaged, snapshot(4)},
        {"after a damaged one was set aside",
         [](ModelDisk& disk, Store& store) {
           const Bounds bounds = damaged(disk, store);
           EXPECT_EQ(store.load().value().view().header().generation, 2u);
           EXPECT_TRUE(disk.exists(std::string(kPath) + ".damaged"));
           return bounds;
         },
         snapshot(4)},
        {"the same content as another generation", [](ModelDisk&, Store& store) { return written(store, 2); },
         snapshot(2, 3)},
        {"the same content over the only one", [](ModelDisk&, Store& store) { return written(store, 1); },
         snapshot(1, 2)},
        {"the same bytes", [](ModelDisk&, Store& store) { return written(store, 2); }, snapshot(2)},
    };
  }

  // One write under cuts, as prepared; then writes until one succeeds, by the same process or the next.
  struct Run {
    std::function<void(ModelDisk&)> prepare;
    bool restarts = false;
  };
  bool run(const Case& which, const Run& how) {
    ModelDisk disk;
    EXPECT_TRUE(disk.make_directory("/var", 0755));
    EXPECT_TRUE(disk.sync(disk.open_directory("/").value().get()));
    auto store = std::make_unique<Store>(disk, kPath);
    Bounds bounds = which.before(disk, *store);
    how.prepare(disk);
    const bool first = write_under_cuts(disk, *store, which.bytes, bounds, 1);
    syncs_ = disk.syncs();
    const bool failed = disk.failed();
    disk.fail_at(0, 0);
    disk.forget_sync_at(0);
    if (!first) {
      if (how.restarts) store = std::make_unique<Store>(disk, kPath);
      if (!write_under_cuts(disk, *store, which.bytes, bounds, 0)) violation("no second attempt succeeds");
    }
    return failed;
  }

  std::set<std::string> seen_;
  std::vector<std::string> violations_;
  std::size_t cuts_ = 0;
  int syncs_ = 0;
};

TEST_F(PowerLoss, AfterEachStepOfAWriteLeavesTheNewBackupOrTheOneBefore) {
  for (const Case& which : cases()) {
    run(which, {.prepare = [](ModelDisk&) {}});
    expect_no_violation(which.name);
  }
  EXPECT_GT(cuts_, 1'000U);
  EXPECT_GT(seen_.size(), 300U) << "too few different disks for the test to mean anything";
}

// A full disk, or a broken one, at each operation in turn; the power fails after each step as well.
TEST_F(PowerLoss, AfterAnyFailedStepTooAndTheNextWriteMakesGood) {
  for (const int error : {ENOSPC, EIO}) {
    for (const Case& which : cases()) {
      for (const bool restarts : {false, true}) {
        for (int at = 1;; ++at) {
          const bool failed = run(which, {.prepare = [&](ModelDisk& disk) { disk.fail_at(at, error); },
                                          .restarts = restarts});
          expect_no_violation(which.name + ", operation " + std::to_string(at) + " failed with " +
                              std::to_string(error) + (restarts ? ", then a restart" : ""));
          if (!failed) break;
          ASSERT_LT(at, 100);
        }
      }
    }
  }
}

// The test of the test: a store that leaves out any one of its syncs is caught.
TEST_F(PowerLoss, EverySyncIsNeeded) {
  for (const std::size_t number : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    const Case which = cases()[number];
    run(which, {.prepare = [](ModelDisk& disk) { disk.forget_sync_at(0); }});
    expect_no_violation(which.name);
    const int syncs = syncs_;
    // The file and its directory; the first time also what is above: "/" and "/var".
    EXPECT_EQ(syncs, number == 0 ? 4 : 2) << which.name;
    for (int at = 1; at <= syncs; ++at) {
      seen_.clear();
      run(which, {.prepare = [&](ModelDisk& disk) { disk.forget_sync_at(at); }});
      // "/var" was there, and durable.
      const bool spare = number == 0 && at == 1;
      EXPECT_EQ(violations_.empty(), spare) << which.name << " without sync " << at;
      violations_.clear();
    }
  }
}

// Loading sets a damaged file aside, which must not cost the one before it.
TEST_F(PowerLoss, AfterEachStepOfALoadLeavesTheLastGoodBackup) {
  for (int at = 0;; ++at) {
    ModelDisk disk;
    Store store(disk, "/web.snapshot");
    for (std::uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(store.write(snapshot(i)));
    disk.damage("/web.snapshot");
    disk.fail_at(at, EIO);
    int steps = 0;
    const auto expect_the_second = [&] {
      ++steps;
      for (const auto& left : disk.after_power_cut()) {
        auto found = Store(*left, "/web.snapshot").load();
        ASSERT_TRUE(found) << found.error().text;
        EXPECT_EQ(found->view().header().generation, 2u);
      }
    };
    disk.after_step = expect_the_second;
    const auto loaded = store.load();
    EXPECT_TRUE(at != 0 || loaded.ok());
    EXPECT_GT(steps, 0);
    disk.after_step = nullptr;
    expect_the_second();
    if (at != 0 && !disk.failed()) break;
    ASSERT_LT(at, 100);
  }
}

}  // namespace
}  // namespace shmconf::backup
