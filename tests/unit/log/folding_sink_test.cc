#include "log/folding_sink.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <spdlog/details/log_msg.h>

#include "log/fields.h"

namespace shmconf::log {
namespace {

using namespace std::chrono_literals;
using spdlog::level::level_enum;
using Lines = std::vector<std::string>;

// Keeps what passes, with the field "repeated" behind it.
class KeptLines final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Lines take() { return std::exchange(lines_, {}); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    lines_.emplace_back(message.payload.data(), message.payload.size());
    if (const auto* fields = Fields::current()) lines_.back() += " " + fields->at("repeated").dump();
  }
  void flush_() override {}

 private:
  Lines lines_;
};

class FoldingSinkTest : public ::testing::Test {
 protected:
  void say(const std::string& text, level_enum level = spdlog::level::warn) {
    sink_->log({now_, {}, "watch", level, text});
  }

  FoldingSink::Time now_{1'000'000s};
  std::shared_ptr<KeptLines> kept_ = std::make_shared<KeptLines>();
  std::unique_ptr<FoldingSink> sink_ = std::make_unique<FoldingSink>(kept_);
};

TEST_F(FoldingSinkTest, TellsWhatRepeatsOnceAMinuteWithACount) {
  for (int second = 0; second < 60; ++second, now_ += 1s) say("refused");
  EXPECT_EQ(kept_->take(), Lines{"refused"});
  say("refused");
  EXPECT_EQ(kept_->take(), Lines{"refused (and 59 times more in the last minute) 59"});
  now_ += 59s;
  sink_->tell_repetitions(now_);
  EXPECT_EQ(kept_->take(), Lines{}) << "not yet";
  now_ += 1s;
  sink_->tell_repetitions(now_);
  EXPECT_EQ(kept_->take(), Lines{"refused (and 1 time more in the last minute) 1"});
}

TEST_F(FoldingSinkTest, TellsNothingOfALineThatWasNotRepeatedAndThenTakesItAsNew) {
  say("refused");
  now_ += 60s;
  sink_->tell_repetitions(now_);
  EXPECT_EQ(kept_->take(), Lines{"refused"});
  say("refused");
  EXPECT_EQ(kept_->take(), Lines{"refused"});
}

TEST_F(FoldingSinkTest, FoldsLinesThatTakeTurns) {
  for (int i = 0; i < 10; ++i) {
    say("refused");
    say("no such host");
    say("generation " + std::to_string(i), spdlog::level::info);
  }
  EXPECT_EQ(kept_->take().size(), 12u);
  now_ += 1min;
  sink_->tell_repetitions(now_);
  EXPECT_EQ(kept_->take(), (Lines{"refused (and 9 times more in the last minute) 9",
                                  "no such host (and 9 times more in the last minute) 9"}));
}

TEST_F(FoldingSinkTest, PassesEveryLineBelowAWarning) {
  for (const auto level : {spdlog::level::trace, spdlog::level::debug, spdlog::level::info}) {
    say("the same", level);
    say("the same", level);
  }
  EXPECT_EQ(kept_->take().size(), 6u);
}

TEST_F(FoldingSinkTest, TellsLevelsApart) {
  for (const auto level : {spdlog::level::warn, spdlog::level::err, spdlog::level::critical}) {
    say("the same", level);
    say("the same", level);
  }
  EXPECT_EQ(kept_->take().size(), 3u);
}

TEST_F(FoldingSinkTest, AFlushTellsAndForgets) {
  say("refused");
  say("refused");
  sink_->flush();
  EXPECT_EQ(kept_->take(), (Lines{"refused", "refused (and 1 time more in the last minute) 1"}));
  say("refused");
  EXPECT_EQ(kept_->take(), Lines{"refused"});
}

TEST_F(FoldingSinkTest, TheEndTellsWhatIsLeft) {
  say("refused");
  say("refused");
  sink_.reset();
  EXPECT_EQ(kept_->take(), (Lines{"refused", "refused (and 1 time more in the last minute) 1"}));
}

TEST_F(FoldingSinkTest, RemembersSoManyLinesAndNoMore) {
  say("first");
  say("first");
  for (std::size_t i = 1; i < FoldingSink::kMostLines; ++i) say("line " + std::to_string(i));
  say("first");
  kept_->take();
  say("one too many");
  EXPECT_EQ(kept_->take(), (Lines{"first (and 2 times more in the last minute) 2", "one too many"}));
  say("first");
  EXPECT_EQ(kept_->take(), Lines{"first"});
}

TEST_F(FoldingSinkTest, AClockThatIsSetBackHoldsNothingBackForLonger) {
  say("refused");
  say("refused");
  now_ -= 24h;
  sink_->tell_repetitions(now_);
  EXPECT_EQ(kept_->take(), (Lines{"refused", "refused (and 1 time more in the last minute) 1"}));
}

}  // namespace
}  // namespace shmconf::log
