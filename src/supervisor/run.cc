#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>

#include <spdlog/spdlog.h>

#include "env/env.h"
#include "log/log.h"
#include "place/place.h"
#include "supervisor/claim.h"
#include "supervisor/condition.h"
#include "supervisor/descriptors.h"
#include "supervisor/holder.h"
#include "supervisor/notify.h"
#include "supervisor/run.h"
#include "supervisor/sidecar.h"
#include "supervisor/signals.h"
#include "supervisor/supervisor.h"
#include "supervisor/users.h"

namespace shmconf::supervisor {
namespace {

// How often a page without a configuration is looked at: often at first, since somebody waits.
constexpr std::chrono::milliseconds kLookOften{10};
constexpr std::chrono::milliseconds kLookSeldom{1'000};
constexpr std::chrono::seconds kOftenFor{10};

// How often a launched sidecar asks whether it still has users.
constexpr std::chrono::seconds kUsersInterval{1};

class Run {
 public:
  Run(const Options& options, SignalInbox inbox, Claim claim, const Environment& environment)
      : options_(options),
        settings_(options.settings),
        inbox_(std::move(inbox)),
        claim_(std::move(claim)),
        sidecar_(env_, claim_.segment(), options.children, sidecar_environment(environment)) {}

  void notify(Notifier notifier, std::optional<std::chrono::microseconds> watchdog) {
    notifier_ = std::move(notifier);
    watchdog_ = watchdog;
  }
  void live_for(Users users) { users_ = std::move(users); }

  Result<void> loop() {
    readiness_ = Readiness::begin(condition(), settings_, Clock::now());
    if (auto begun = sidecar_.begin(settings_, readiness_.began); !begun) return begun;
    while (!stopping_ || !sidecar_.stopped()) {
      step(Clock::now());
      if (stopping_ && sidecar_.stopped()) break;
      inbox_.wait(next_due());
      while (const auto received = inbox_.next()) handle(*received);
    }
    leave_segment();
    return result_;
  }

 private:
  [[nodiscard]] Condition condition() { return look_at(claim_.segment().page(), env_.boottime_now()); }

  void handle(const Received& received) {
    switch (action_of_run(received)) {
      case Action::kReap:
        return reap();
      case Action::kStop:
        spdlog::info("signal {}: stopping", received.number);
        return stop();
      case Action::kReload:
        return reload();
      case Action::kLogMore:
        return change_log_level(log::more_verbose(settings_.log.level));
      case Action::kLogLess:
        return change_log_level(log::less_verbose(settings_.log.level));
      case Action::kForward:
      case Action::kNothing:
        return;
    }
  }

  void reap() {
    int status = 0;
    // As pid 1, orphans of others turn up here too.
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      sidecar_.on_ended(pid, status, Clock::now());
    }
  }

  void stop() {
    if (stopping_) return;
    stopping_ = true;
    notifier_.stopping();
    sidecar_.stop(Clock::now());
  }

  void step(Time now) {
    sidecar_.tick(now);
    if (watchdog_ && now >= watchdog_due_) {
      notifier_.watchdog();
      watchdog_due_ = now + *watchdog_;
    }
    if (users_ && !stopping_ && now >= users_due_) look_for_users(now);
    if (stopping_) return;
    if (sidecar_.lost()) {
      result_ = *sidecar_.lost();
      return stop();
    }
    const Condition seen = condition();
    notifier_.status(to_status(seen));
    if (!ready_) look_for_readiness(seen, now);
  }

  void look_for_users(Time now) {
    users_due_ = now + kUsersInterval;
    if (!users_->alone()) return;
    spdlog::info("the last user of '{}' has gone: stopping", claim_.place().name);
    stop();
  }

  // Of a launched sidecar it goes with the last user.
  void leave_segment() {
    if (!users_ || !users_->alone()) {
      spdlog::info("stopped; readers keep the configuration that they have");
      return;
    }
    const auto removed = claim_.segment().remove();
    if (!removed && removed.error().code != ErrorCode::kAbsent) spdlog::warn("{}", removed.error().text);
  }

  void look_for_readiness(const Condition& seen, Time now) {
    const Verdict verdict = readiness_.judge(seen, now);
    if (verdict == Verdict::kGo) {
      ready_ = true;
      notifier_.ready();
      if (!readiness_.compared(seen)) spdlog::warn("{}", last_known_configuration(readiness_, seen));
      spdlog::info("generation {} is published for '{}' in '{}'", seen.generation, claim_.place().name,
                   claim_.place().root);
    } else if (verdict == Verdict::kGiveUp && settings_.require_configuration) {
      result_ = no_configuration(readiness_, seen);
      stop();
    } else {
      notifier_.starting(now);
      look_due_ = now + (now < readiness_.began + kOftenFor ? kLookOften : kLookSeldom);
    }
  }

  [[nodiscard]] Time next_due() const {
    Time due = sidecar_.next_due();
    if (watchdog_) due = std::min(due, watchdog_due_);
    if (!ready_ && !stopping_) due = std::min(due, look_due_);
    if (users_ && !stopping_) due = std::min(due, users_due_);
    return due;
  }

  void reload() {
    if (stopping_) return;
    if (!options_.reload) return;
    spdlog::default_logger_raw()->flush();  // whoever asks again is told again
    notifier_.reloading();
    auto loaded = options_.reload();
    if (const auto* problems = std::get_if<std::vector<settings::Problem>>(&loaded)) {
      for (const auto& problem : *problems) spdlog::error("{}", settings::to_string(problem));
      spdlog::error("the settings were read again and are bad (problems: {}): the earlier ones stay",
                    problems->size());
    } else {
      adopt(std::get<settings::Settings>(loaded));
    }
    if (ready_) notifier_.ready();
  }

  void adopt(const settings::Settings& settings) {
    if (settings.name != settings_.name || settings.directory != settings_.directory ||
        settings.group != settings_.group || settings.http != settings_.http ||
        settings.http_values != settings_.http_values) {
      spdlog::error("name, directory, group, http and http_values cannot change while running: the earlier settings "
                    "stay; restart instead");
      return;
    }
    if (auto changed = sidecar_.change_settings(settings); !changed) {
      spdlog::error("{}: the earlier settings stay", changed.error().text);
      return;
    }
    settings_ = settings;
    log::change(settings_.log);
    spdlog::info("the settings were read again");
  }

  // The children, also those that are started later, take it from the settings.
  void change_log_level(settings::Log::Level level) {
    settings_.log.level = level;
    log::change(settings_.log);
    if (stopping_) return;
    if (auto changed = sidecar_.change_settings(settings_); !changed) spdlog::error("{}", changed.error().text);
  }

  env::Env& env_ = env::Env::posix();
  const Options& options_;
  settings::Settings settings_;  // the last good ones
  SignalInbox inbox_;
  Claim claim_;
  Notifier notifier_;
  std::optional<std::chrono::microseconds> watchdog_;
  Sidecar sidecar_;
  std::optional<Users> users_;
  Readiness readiness_;
  Time users_due_{};
  Time watchdog_due_{};
  Time look_due_{};
  bool ready_ = false;
  bool stopping_ = false;
  Result<void> result_;
};

}  // namespace

Result<void> run(const Options& options) {
  occupy_standard_descriptors();
  auto inbox = SignalInbox::open();
  if (!inbox) return inbox.error();
  auto& env = env::Env::posix();
  auto place = place::place_of(options.settings);
  if (!place) return place.error();
  auto claim = Claim::open(env, std::move(*place), "run");
  if (!claim) return claim.error();
  if (!claim->held()) {
    return Error{ErrorCode::kDenied, "'" + claim->place().name + "' in '" + claim->place().root +
                                         "' is supervised already (" + holder(env, claim->place()) +
                                         "): stop that one, or choose another --name or --dir"};
  }
  const Environment environment = own_environment();
  std::string problem;
  auto notifier = Notifier::from_environment(environment, problem);
  if (!problem.empty()) spdlog::warn("{}", problem);
  Run run(options, std::move(*inbox), std::move(*claim), environment);
  run.notify(std::move(notifier), watchdog_interval(environment, ::getpid()));
  return run.loop();
}

Result<void> run_for_users(const Options& options, Claim claim, Users users) {
  auto inbox = SignalInbox::open();
  if (!inbox) return inbox.error();
  Run run(options, std::move(*inbox), std::move(claim), own_environment());
  run.live_for(std::move(users));
  return run.loop();
}

}  // namespace shmconf::supervisor
