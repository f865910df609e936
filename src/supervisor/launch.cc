#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "env/env.h"
#include "place/place.h"
#include "shm/segment.h"
#include "supervisor/condition.h"
#include "supervisor/detached.h"
#include "supervisor/ending.h"
#include "supervisor/supervisor.h"
#include "supervisor/users.h"

namespace shmconf::supervisor {
namespace {

constexpr std::chrono::milliseconds kLookInterval{5};
// Where another supervisor has the name, it may end before it has a configuration.
constexpr std::chrono::milliseconds kNextStart{250};

class Launch {
 public:
  Launch(const Options& options, shm::Segment segment) : options_(options), segment_(std::move(segment)) {}

  Result<void> wait() {
    const Readiness readiness = Readiness::begin(condition(), options_.settings, Clock::now());
    for (;; env_.sleep_for(kLookInterval)) {
      const Time now = Clock::now();
      if (auto started = start_if_due(now); !started) return started;
      if (auto there = look_after_sidecar(now); !there) return there;
      static_cast<void>(segment_.renew_if_replaced());
      const Condition seen = condition();
      const Verdict verdict = is_taken_ ? readiness.judge_attached(seen, now) : readiness.judge(seen, now);
      if (verdict == Verdict::kGo) return {};
      if (verdict == Verdict::kGiveUp) return no_configuration(readiness, seen);
    }
  }

 private:
  [[nodiscard]] Condition condition() { return look_at(segment_.page(), env_.boottime_now()); }

  // Only who holds the lock knows that the name is free, so each start is an attempt.
  Result<void> start_if_due(Time now) {
    if (sidecar_ != 0 || now < start_due_) return {};
    const auto started = start_detached(options_, STDOUT_FILENO, std::chrono::milliseconds(0));
    if (!started) return started.error();
    sidecar_ = *started;
    return {};
  }

  Result<void> look_after_sidecar(Time now) {
    int status = 0;
    if (sidecar_ == 0 || ::waitpid(sidecar_, &status, WNOHANG) != sidecar_) return {};
    sidecar_ = 0;
    is_taken_ = WIFEXITED(status) && WEXITSTATUS(status) == kTakenExitCode;
    start_due_ = now + kNextStart;
    if (is_taken_) return {};
    return Error{ErrorCode::kNotReady, "the sidecar " + describe_ending(status) + "; its log says why"};
  }

  env::Env& env_ = env::Env::posix();
  const Options& options_;
  shm::Segment segment_;
  pid_t sidecar_ = 0;      // 0: none of our own
  bool is_taken_ = false;  // another supervisor has the name
  Time start_due_{};
};

}  // namespace

Result<void> launch(const Options& options) {
  ::signal(SIGCHLD, SIG_DFL);
  auto& env = env::Env::posix();
  auto place = place::place_of(options.settings);
  if (!place) return place.error();
  const auto users = Users::join(env, *place);
  if (!users) return users.error();
  auto segment = shm::Segment::attach(env, std::move(*place));
  if (!segment) return segment.error();
  return Launch(options, std::move(*segment)).wait();
}

Result<void> make_root(const settings::Settings& settings) {
  auto place = place::place_of(settings);
  if (!place) return place.error();
  const auto root = shm::open_root(env::Env::posix(), *place);
  if (!root) return root.error();
  return {};
}

}  // namespace shmconf::supervisor
