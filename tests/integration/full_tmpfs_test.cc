// A tmpfs that fills up under the sidecar: the last good configuration stays, the alarm says what to do,
// and everything goes on by itself when there is room.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
using Role = format::Role;

// A tmpfs of its own for the sidecar, in a mount namespace of its own; where this process may not
// mount, in a user namespace too. Readers reach it through the sidecar's view of the file system.
class FullTmpfs : public testing::Test {
 protected:
  explicit FullTmpfs(std::string size = "400k", Words flags = {}) : size_(std::move(size)), flags_(std::move(flags)) {}
  void SetUp() override {
    auto started = harness::RealConsul::start();
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
    ASSERT_TRUE(put("a", "1"));
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    auto inner = sidecar_->command({"run", "--prefix", "config/web/"});
    inner.argv.insert(inner.argv.end(), flags_.begin(), flags_.end());
    const Words wrapper = {"unshare", ::geteuid() == 0 ? "-m" : "-rm", "sh", "-c",
                           "mount -t tmpfs -o mode=0700,size=$0 tmpfs \"$1\" && shift && exec \"$@\"",
                           size_, sidecar_->root()};
    inner.argv.insert(inner.argv.begin(), wrapper.begin(), wrapper.end());
    auto process = harness::Process::spawn(inner);
    ASSERT_TRUE(process) << process.error().text;
    run_ = std::make_unique<harness::Process>(std::move(*process));
    OpenOptions& options = options_ = sidecar_->open_options();
    options.directory = "/proc/" + std::to_string(run_->pid()) + "/root" + sidecar_->root();
    options.allow_backup = false;
    auto reader = Reader::open("web", options);
    ASSERT_TRUE(eventually([&] { return reader.ok() || (reader = Reader::open("web", options)).ok(); }))
        << reader.error().text << run_->stderr_text();
    reader_ = std::make_unique<Reader>(std::move(*reader));
  }
  bool put(const std::string& key, const std::string& value) {
    return consul_->kv().put("config/web/" + key, value);
  }
  [[nodiscard]] bool fails(Role role = Role::kWatch) const {
    return eventually([&] { return reader_->status().role(role).failing_for.has_value(); }, 60s);
  }
  [[nodiscard]] std::string error(Role role = Role::kWatch) const { return reader_->status().role(role).last_error; }

  std::string size_;
  Words flags_;
  std::unique_ptr<harness::RealConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<harness::Process> run_;
  OpenOptions options_;  // where readers find it
  std::unique_ptr<Reader> reader_;
};

TEST_F(FullTmpfs, TheLastGoodConfigurationStaysUntilThereIsRoom) {
  ASSERT_EQ(reader_->get("a"), "1");
  ASSERT_TRUE(put("a", "2"));
  ASSERT_TRUE(shows(*reader_, "a", "2"));
  ASSERT_TRUE(put("large", std::string(500'000, 'x')));
  ASSERT_TRUE(fails());
  const std::string error = FullTmpfs::error();
  EXPECT_NE(error.find("full"), std::string::npos) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos);
  EXPECT_EQ(reader_->get("a"), "2");
  EXPECT_FALSE(reader_->contains("large"));
  EXPECT_TRUE(reader_->snapshot().verify());
  EXPECT_NE(run_->stderr_text().find(error.substr(0, 20)), std::string::npos) << "it is not logged";

  ASSERT_TRUE(consul_->kv().remove("config/web/large"));
  ASSERT_TRUE(put("a", "3"));
  EXPECT_TRUE(shows(*reader_, "a", "3"));
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
  EXPECT_TRUE(run_->running());
}

// Half of the space is not enough for two generations: the previous one makes room for the next.
TEST_F(FullTmpfs, ThePreviousGenerationMakesRoom) {
  for (const char c : {'b', 'c', 'd'}) {
    const std::string value(240'000, c);
    ASSERT_TRUE(put("half", value));
    if (c != 'b') continue;
    ASSERT_TRUE(shows(*reader_, "half", value));
  }
  // Two such generations never fit, and the one that is served is never given up for the next.
  ASSERT_TRUE(fails());
  EXPECT_EQ(reader_->get("half"), std::string(240'000, 'b'));
  ASSERT_TRUE(put("half", std::string(100'000, 'e')));
  EXPECT_TRUE(shows(*reader_, "half", std::string(100'000, 'e')));
  ASSERT_TRUE(put("half", std::string(240'000, 'f')));
  EXPECT_TRUE(shows(*reader_, "half", std::string(240'000, 'f')));
}

// What a container has unless it is told otherwise, with watch and heartbeat both at work on a configuration
// that grows until no further one fits, in steps. Their drafts are in each other's way before that, and then
// one of them has to wait; in the end there is no room for either.
class ContainerTmpfs : public FullTmpfs {
 protected:
  ContainerTmpfs() : FullTmpfs("64m", {"--heartbeat-interval", "1s"}) {}

  static constexpr int kPartsAStep = 36;
  static constexpr std::size_t kPartBytes = 500'000;  // Consul takes 512 KiB
  static std::string part(int number) { return "part/" + std::to_string(number); }
  static std::string content(int number) { return std::string(kPartBytes, static_cast<char>('a' + number % 26)); }

  // All of its parts, then the number of the step.
  bool put_step(int step) {
    auto kv = consul_->kv();
    for (int i = (step - 1) * kPartsAStep; i < step * kPartsAStep; ++i) {
      if (!kv.put("config/web/" + part(i), content(i))) return false;
    }
    return kv.put("config/web/step", std::to_string(step));
  }
  // The step that is shown, with everything that belongs to it.
  int whole_step() {
    const Snapshot now = reader_->snapshot();
    EXPECT_TRUE(now.verify());
    const int step = std::stoi(std::string(now.get("step").value_or("0")));
    for (int i = 0; i < step * kPartsAStep; ++i) {
      EXPECT_TRUE(now.get(part(i)) == content(i)) << "step " << step << ", part " << i;
    }
    return step;
  }
  // That it cannot publish so much: from then on it has read the whole of it each time.
  [[nodiscard]] bool fails_with(Role role, std::size_t least_bytes) const {
    const auto needed_bytes = [](const std::string& text) {
      constexpr std::string_view kBefore = "next configuration, ";
      const auto at = text.find(kBefore);
      return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + kBefore.size(), nullptr, 10);
    };
    return eventually([&] { return fails(role) && needed_bytes(error(role)) > least_bytes; }, 60s);
  }
  bool enlarge(const std::string& size) {
    Words words = {"nsenter", "--mount", "--target", std::to_string(run_->pid())};
    if (::geteuid() != 0) words.insert(words.end(), {"--user", "--preserve-credentials"});
    words.insert(words.end(), {"mount", "-o", "remount,size=" + size, sidecar_->root()});
    harness::Command command;
    command.argv = words;
    const auto finished = harness::run(command);
    if (!finished || finished->status.code != 0) ADD_FAILURE() << (finished ? finished->err : finished.error().text);
    return finished && finished->status.code == 0;
  }
};

TEST_F(ContainerTmpfs, TwoPublishersFillItAndGoOnInALargerOne) {
  // 18 MB: three of them, the current one and a draft for each, are in it together. What is shown never
  // becomes smaller than that, and beside it there is no room for 54 MB.
  constexpr int kFits = 1;
  constexpr int kNoMore = 3;
  for (int step = 1; step <= kNoMore; ++step) {
    ASSERT_TRUE(put_step(step));
    if (step != kFits) continue;
    ASSERT_TRUE(shows(*reader_, "step", std::to_string(step), 60s)) << error() << run_->stderr_text();
  }
  for (const Role role : {Role::kWatch, Role::kHeartbeat}) {
    ASSERT_TRUE(fails_with(role, kNoMore * kPartsAStep * kPartBytes)) << error(role) << run_->stderr_text();
    EXPECT_TRUE(error(role).starts_with("'" + sidecar_->root() + "' is full: make room")) << error(role);
    EXPECT_NE(error(role).find("enlarge"), std::string::npos) << error(role);
  }
  EXPECT_NE(run_->stderr_text().find("is full: make room"), std::string::npos) << "it is not logged";
  const int kept = whole_step();
  EXPECT_GE(kept, kFits);
  EXPECT_LT(kept, kNoMore);
  EXPECT_TRUE(run_->running());
  EXPECT_EQ(Reader::open("web", options_)->get("step"), std::to_string(kept)) << "a reader that opens now";

  ASSERT_TRUE(enlarge("256m"));
  ASSERT_TRUE(shows(*reader_, "step", std::to_string(kNoMore), 60s)) << error() << run_->stderr_text();
  EXPECT_EQ(whole_step(), kNoMore);
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive, 30s)) << error();
}

}  // namespace
}  // namespace shmconf::integration
