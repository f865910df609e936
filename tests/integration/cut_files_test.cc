// Files of the segment cut short under a sidecar that runs: each of its processes goes on, or dies of
// SIGBUS and is started again, and readers that were opened before come to read what is published then.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "integration/sidecar_fixture.h"

namespace shmconf::integration {
namespace {

namespace fs = std::filesystem;
using harness::eventually;
using std::chrono::seconds;

class CutFiles : public SidecarTest {
 protected:
  void SetUp() override { start_consul(); }

  // A reader without a private copy would die with the file.
  [[nodiscard]] Result<Reader> open_private() const {
    return Reader::open("web", {.directory = root_.path(), .allow_backup = false, .private_copy = true});
  }
  // Every file of the segment whose name begins so.
  void cut(const std::string& beginning) {
    int count = 0;
    for (const auto& file : fs::directory_iterator(root_ / "web")) {
      if (!file.path().filename().string().starts_with(beginning)) continue;
      fs::resize_file(file.path(), 0);
      ++count;
    }
    ASSERT_GT(count, 0) << beginning;
  }
  // A later put finds watch and heartbeat wherever they stand, also while they are started again.
  void expect_recovery(harness::Process& run, const Reader& reader, const std::string& value) {
    put("k", value);
    EXPECT_TRUE(eventually([&] { return reader.get("k") == value; }, seconds(60))) << run.stderr_text();
    EXPECT_TRUE(becomes("k", value, seconds(60))) << "a new reader, which maps";
    EXPECT_TRUE(reader.snapshot().verify());
    EXPECT_EQ(reader.status().problem, "");
    EXPECT_TRUE(run.running());
  }
};

TEST_F(CutFiles, TheSidecarRecovers) {
  auto run = run_published();
  const Reader reader = open_private().value();
  ASSERT_EQ(reader.get("k"), "v");
  cut("control.v1");
  EXPECT_EQ(reader.get("k"), "v");
  expect_recovery(run, reader, "behind the page");

  cut("snapshot.v1.");
  EXPECT_EQ(reader.get("k"), "behind the page");
  expect_recovery(run, reader, "behind the snapshot");

  cut("snapshot.");  // the one that is made ahead too
  expect_recovery(run, reader, "behind the draft");

  cut("");
  EXPECT_EQ(reader.get("k"), "behind the draft");
  expect_recovery(run, reader, "behind everything");
}

}  // namespace
}  // namespace shmconf::integration
