#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>

#include "env/env.h"
#include "env/process.h"
#include "place/place.h"
#include "supervisor/claim.h"
#include "supervisor/condition.h"
#include "supervisor/descriptors.h"
#include "supervisor/detached.h"
#include "supervisor/ending.h"
#include "supervisor/holder.h"
#include "supervisor/notify.h"
#include "supervisor/sidecar.h"
#include "supervisor/signals.h"
#include "supervisor/supervisor.h"
#include "supervisor/users.h"

namespace shmconf::supervisor {
namespace {

constexpr int kFailed = 125;
// While the command waits for its configuration, which takes milliseconds when all is well.
constexpr std::chrono::milliseconds kLookInterval{5};
// How often an attached exec asks whether the supervisor that it relies on has ended.
constexpr std::chrono::seconds kTakeOverInterval{1};

class Exec {
 public:
  Exec(const Options& options, const std::vector<std::string>& command, SignalInbox inbox, Users users,
       Claim claim, std::vector<int> inherited)
      : options_(options),
        command_(command),
        environment_(own_environment()),
        inbox_(std::move(inbox)),
        users_(std::move(users)),
        claim_(std::move(claim)),
        inherited_(std::move(inherited)) {
    std::string problem;
    notifier_ = Notifier::from_environment(environment_, problem);
    if (!problem.empty()) spdlog::warn("{}", problem);
    watchdog_ = watchdog_interval(environment_, ::getpid());
    situation_ = {.self = ::getpid(), .command = 0, .session_leader = ::getsid(0) == ::getpid()};
  }

  int loop() {
    readiness_ = Readiness::begin(condition(), options_.settings, Clock::now());
    if (claim_.held()) {
      begin_sidecar();
    } else {
      spdlog::info("'{}' in '{}' is supervised already ({}): using that sidecar", claim_.place().name,
                   claim_.place().root, holder(env_, claim_.place()));
    }
    for (;;) {
      step(Clock::now());
      if (phase_ == Phase::kStopping && (!sidecar_ || sidecar_->stopped())) break;
      inbox_.wait(next_due());
      while (const auto received = inbox_.next()) handle(*received);
    }
    leave_segment();
    return exit_code_;
  }

 private:
  enum class Phase { kWaiting, kRunning, kStopping };

  [[nodiscard]] Condition condition() { return look_at(claim_.segment().page(), env_.boottime_now()); }

  void begin_sidecar() {
    sidecar_.emplace(env_, claim_.segment(), options_.children, sidecar_environment(environment_));
    auto begun = sidecar_->begin(options_.settings, Clock::now());
    if (begun) return;
    spdlog::error("{}", begun.error().text);
    sidecar_.reset();
    if (phase_ == Phase::kWaiting) stop(kFailed);  // else tried again: the command goes on
  }

  void handle(const Received& received) {
    switch (action_of_exec(received, situation_)) {
      case Action::kReap:
        return reap();
      case Action::kForward:
        return forward(received);
      case Action::kStop:
        if (phase_ == Phase::kWaiting) {
          spdlog::info("signal {} before the command was started: stopping", received.number);
        }
        return stop(128 + received.number);
      case Action::kReload:
      case Action::kLogMore:
      case Action::kLogLess:
      case Action::kNothing:
        return;
    }
  }

  void forward(const Received& received) const {
    if (received.code == SI_QUEUE) {
      ::sigqueue(situation_.command, received.number, received.value);
    } else {
      ::kill(situation_.command, received.number);
    }
  }

  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
      if (WIFSTOPPED(status)) {
        if (pid == situation_.command && is_job_control_stop(WSTOPSIG(status))) stop_for_job_control();
        continue;
      }
      if (sidecar_ && sidecar_->on_ended(pid, status, Clock::now())) continue;
      if (pid == situation_.command) on_command_ended(status);
      // Else an orphan, which is reaped and forgotten.
    }
  }

  void on_command_ended(int status) {
    situation_.command = 0;
    spdlog::debug("{} {}", command_.front(), describe_ending(status));
    stop(exec_failure_code_.value_or(exit_code_of(status)));
  }

  void stop(int exit_code) {
    if (phase_ == Phase::kStopping) return;
    phase_ = Phase::kStopping;
    exit_code_ = exit_code;
    notifier_.stopping();
    if (sidecar_) sidecar_->stop(Clock::now());
  }

  void step(Time now) {
    if (sidecar_) sidecar_->tick(now);
    if (sidecar_ && sidecar_->lost() && phase_ != Phase::kStopping) give_way(now);
    if (watchdog_ && now >= watchdog_due_) {
      notifier_.watchdog();
      watchdog_due_ = now + *watchdog_;
    }
    if (phase_ == Phase::kWaiting) look_for_readiness(now);
    if (phase_ == Phase::kRunning && !sidecar_ && now >= take_over_due_) {
      take_over_due_ = now + kTakeOverInterval;
      take_over_if_free();
    }
    if (phase_ == Phase::kRunning && sidecar_) notifier_.status(to_status(condition()));
  }

  // Another process has taken the name over, together with its directory. The command goes on reading.
  void give_way(Time now) {
    sidecar_->stop(now);
    if (!sidecar_->stopped()) return;
    sidecar_.reset();
    claim_.release();
  }

  void look_for_readiness(Time now) {
    if (!sidecar_) take_over_if_free();
    if (phase_ != Phase::kWaiting) return;
    const Condition seen = condition();
    notifier_.status(to_status(seen));
    const Verdict verdict = sidecar_ ? readiness_.judge(seen, now) : readiness_.judge_attached(seen, now);
    if (verdict == Verdict::kGo) return start_command(seen);
    if (verdict == Verdict::kWait) return notifier_.starting(now);
    if (verdict == Verdict::kGiveUp) {
      spdlog::error("{}", no_configuration(readiness_, seen).text);
      stop(kFailed);
    }
  }

  // The other supervisor may be on its way out; one of an earlier release takes its segment with it.
  void take_over_if_free() {
    static_cast<void>(claim_.segment().renew_if_replaced());
    if (!claim_.held() && (!claim_.try_again(env_, "exec") || !claim_.held())) return;
    spdlog::info("the other supervisor ended: taking its place");
    static_cast<void>(claim_.segment().renew_if_replaced());
    readiness_ = Readiness::begin(condition(), options_.settings, Clock::now());
    begin_sidecar();
  }

  void start_command(const Condition& seen) {
    if (sidecar_ && !readiness_.compared(seen)) {
      spdlog::warn("{}", last_known_configuration(readiness_, seen));
    }
    const env::Program program{
        .file = command_.front(),
        .arguments = command_,
        .environment = command_environment(environment_, claim_.place().name, claim_.place().root),
        .signals = inbox_.before()};
    const auto started = env::start_foreground(program);
    if (!started) {
      spdlog::error("{}", started.error().text);
      return stop(kFailed);
    }
    phase_ = Phase::kRunning;
    situation_.command = started->pid;
    leave_to_command(inherited_);
    if (started->exec_errno != 0) {
      exec_failure_code_ = exit_code_of_exec_failure(command_.front(), started->exec_errno);
      spdlog::error("cannot execute '{}': {}", command_.front(), ::strerror(started->exec_errno));
      return;
    }
    spdlog::debug("{} started with generation {}, pid {}", command_.front(), seen.generation, started->pid);
    notifier_.ready();
  }

  [[nodiscard]] Time next_due() const {
    Time due = sidecar_ ? sidecar_->next_due() : Time::max();
    if (watchdog_) due = std::min(due, watchdog_due_);
    if (phase_ == Phase::kWaiting) due = std::min(due, Clock::now() + kLookInterval);
    if (phase_ == Phase::kRunning && !sidecar_) due = std::min(due, take_over_due_);
    return due;
  }

  // The segment goes with the last service that uses it, if it came with one. Others that still do
  // get a sidecar that ends with them; or another exec, which is quicker, goes on in this one's place.
  void leave_segment() {
    if (!claim_.held()) return;
    if (!users_.alone()) {
      claim_.release();
      const auto started = start_detached(options_, STDERR_FILENO, 2 * kTakeOverInterval);
      if (!started) spdlog::error("{}", started.error().text);
      return;
    }
    const auto removed = claim_.segment().remove();
    if (!removed && removed.error().code != ErrorCode::kAbsent) spdlog::warn("{}", removed.error().text);
  }

  env::Env& env_ = env::Env::posix();
  const Options& options_;
  const std::vector<std::string>& command_;
  Environment environment_;
  SignalInbox inbox_;
  Users users_;
  Claim claim_;
  std::vector<int> inherited_;
  Notifier notifier_;
  std::optional<std::chrono::microseconds> watchdog_;
  ExecSituation situation_;
  std::optional<Sidecar> sidecar_;
  Readiness readiness_;
  Time watchdog_due_{};
  Time take_over_due_{};
  Phase phase_ = Phase::kWaiting;
  std::optional<int> exec_failure_code_;
  int exit_code_ = 0;
};

int fail(const Error& error) {
  spdlog::error("{}", error.text);
  return kFailed;
}

}  // namespace

int exec(const Options& options, const std::vector<std::string>& command) {
  if (command.empty()) return fail({ErrorCode::kInvalid, "no command given: write it after '--'"});
  std::vector<int> inherited = inheritable_descriptors();
  occupy_standard_descriptors();
  auto inbox = SignalInbox::open();
  if (!inbox) return fail(inbox.error());
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  auto& env = env::Env::posix();
  auto place = place::place_of(options.settings);
  if (!place) return fail(place.error());
  auto users = Users::join(env, *place);
  if (!users) return fail(users.error());
  auto claim = Claim::open(env, std::move(*place), "exec");
  if (!claim) return fail(claim.error());
  return Exec(options, command, std::move(*inbox), std::move(*users), std::move(*claim), std::move(inherited))
      .loop();
}

}  // namespace shmconf::supervisor
