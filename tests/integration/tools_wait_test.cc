// wait as a process, while the test publishes.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/eventually.h"
#include "integration/tools_fixture.h"

namespace shmconf {
namespace {

using namespace std::chrono_literals;
using namespace tools;

// --- wait ---

class WaitTest : public ToolsTest {
 protected:
  harness::Process start(const Words& words) {
    return harness::Process::spawn(command(words)).value();
  }
  // That it waits: it is still there after a while, and nothing made it end.
  static bool goes_on(harness::Process& process) { return !process.wait(200ms); }
};

TEST_F(WaitTest, EndsWhenTheGenerationMoves) {
  const std::uint64_t before = publish({item("a", "1")});
  harness::Process waiting = start({"wait", "--after", std::to_string(before)});
  EXPECT_TRUE(goes_on(waiting));
  const std::uint64_t after = publish({item("a", "2")});
  const auto ended = waiting.wait();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 0);
  EXPECT_EQ(waiting.stdout_text(), std::to_string(after) + "\n");
}

TEST_F(WaitTest, EndsAtOnceWhenTheGenerationHasMovedAlready) {
  const std::uint64_t before = publish({item("a", "1")});
  const std::uint64_t after = publish({item("a", "2")});
  EXPECT_EQ(out({"wait", "--after", std::to_string(before), "--timeout", "0s"}),
            std::to_string(after) + "\n");
}

TEST_F(WaitTest, CountsFromTheGenerationAtItsStart) {
  publish({item("a", "0")});
  harness::Process waiting = start({"wait"});
  EXPECT_TRUE(goes_on(waiting));
  // It may have begun late, so more than one change is made.
  std::vector<std::string> values;
  ASSERT_TRUE(harness::eventually(
      [&] {
        values.push_back(std::to_string(values.size() + 1));
        publish({item("a", values.back())});
        return !waiting.running();
      },
      10s, 100ms));
  EXPECT_EQ(waiting.wait(), harness::ExitStatus{.code = 0});
}

TEST_F(WaitTest, WaitsForASegmentThatIsNotThereYet) {
  harness::Process any = start({"wait"});
  harness::Process key = start({"wait", "--key", "a"});
  EXPECT_TRUE(goes_on(any));
  attach();  // a page without a configuration does not end it
  EXPECT_TRUE(goes_on(key));
  EXPECT_TRUE(any.running());
  const std::uint64_t generation = publish({item("a", "1")});
  EXPECT_EQ(any.wait(), harness::ExitStatus{.code = 0});
  EXPECT_EQ(key.wait(), harness::ExitStatus{.code = 0});
  EXPECT_EQ(any.stdout_text(), std::to_string(generation) + "\n");
  EXPECT_EQ(key.stdout_text(), std::to_string(generation) + "\n");
}

TEST_F(WaitTest, ABackupHoldsKeysButNoGenerationThatMoves) {
  pack(R"({"a": "1"})", backup_file());
  EXPECT_EQ(run({"wait", "--key", "a", "--timeout", "0s"}).status.code, 0);
  EXPECT_EQ(run({"wait", "--timeout", "0s"}).status.code, 1);
  EXPECT_EQ(run({"wait", "--after", "1", "--timeout", "0s"}).status.code, 1);
}

TEST_F(WaitTest, EndsWhenTheKeyExists) {
  publish({item("a", "1")});
  harness::Process waiting = start({"wait", "--key", "feature/x"});
  EXPECT_TRUE(goes_on(waiting));
  publish({item("a", "2")});
  EXPECT_TRUE(goes_on(waiting));
  publish({item("a", "2"), item("feature/x", "off")});
  EXPECT_EQ(waiting.wait(), harness::ExitStatus{.code = 0});
}

TEST_F(WaitTest, EndsWhenTheKeyHasTheValue) {
  publish({item("feature/x", "off")});
  harness::Process waiting = start({"wait", "--key", "feature/x", "--equals", "on"});
  EXPECT_TRUE(goes_on(waiting));
  publish({item("feature/x", "onward")});
  EXPECT_TRUE(goes_on(waiting));
  publish({item("feature/x", "on")});
  EXPECT_EQ(waiting.wait(), harness::ExitStatus{.code = 0});
}

TEST_F(WaitTest, TimesOutWithOneAndSaysWhatIsMissing) {
  const std::string generation = std::to_string(publish({item("a", "1")}));
  const auto problem_of = [&](Words words) {
    words.insert(words.end(), {"--timeout", "50ms"});
    const auto begin = std::chrono::steady_clock::now();
    const harness::Finished finished = run(words);
    EXPECT_EQ(finished.status.code, 1);
    EXPECT_EQ(finished.out, "");
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 50ms);
    return finished.err;
  };
  EXPECT_EQ(problem_of({"wait"}), "shmconf wait: timed out: the generation is still " + generation + "\n");
  EXPECT_EQ(problem_of({"wait", "--key", "b"}), "shmconf wait: timed out: key 'b' is not there\n");
  EXPECT_EQ(problem_of({"wait", "--key", "a", "--equals", "2"}),
            "shmconf wait: timed out: key 'a' has another value\n");
  ASSERT_TRUE(segment_->remove());
  EXPECT_TRUE(is_one_line_of(problem_of({"wait"}), "wait"));
}

TEST_F(WaitTest, TellsWhenItSawTheChange) {
  const std::uint64_t before = publish({item("a", "1")});
  harness::Process waiting = start({"wait", "--after", std::to_string(before), "--timestamp"});
  EXPECT_TRUE(goes_on(waiting));
  const auto earliest = env_.wall_now();
  publish({item("a", "2")});
  ASSERT_EQ(waiting.wait(), harness::ExitStatus{.code = 0});
  const auto latest = env_.wall_now();
  const std::string text = waiting.stdout_text();
  const std::size_t dot = text.find('.');
  ASSERT_NE(dot, std::string::npos) << text;
  ASSERT_EQ(text.size(), dot + 1 + 9 + 1) << text;
  const std::chrono::nanoseconds seen = std::chrono::seconds(std::stoll(text.substr(0, dot))) +
                                        std::chrono::nanoseconds(std::stoll(text.substr(dot + 1)));
  EXPECT_GE(seen, earliest);
  EXPECT_LE(seen, latest);
}

}  // namespace
}  // namespace shmconf
