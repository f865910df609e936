#include "supervisor/sidecar.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <spdlog/spdlog.h>

#include "env/process.h"
#include "log/log.h"
#include "settings/handover.h"
#include "supervisor/ending.h"
#include "supervisor/signals.h"

namespace shmconf::supervisor {
namespace {

constexpr std::chrono::milliseconds kPatience{4'000};
// How long after that a child that does not go is left to the kernel.
constexpr std::chrono::milliseconds kLastWait{900};
constexpr std::chrono::nanoseconds kStampInterval{format::kStampIntervalNs};
// This process is due at each stamp. If it comes much later, it was frozen, and the children with it.
constexpr std::chrono::nanoseconds kFrozenAfter{2 * kStampInterval};
constexpr const char* kBinary = "/proc/self/exe";  // also when the file was replaced: never a mixed pair

Result<env::Fd> memory_file() {
  env::Fd file(::memfd_create("shmconf-settings", MFD_CLOEXEC));
  if (!file.valid()) return env::system_error(errno, "make", "memory for the settings");
  return file;
}

settings::Settings without_secrets(settings::Settings settings) {
  settings.consul.token.clear();
  settings.consul.http_auth.clear();
  return settings;
}

// New settings may be told to a child that has just been started: SIGHUP, and who changes its log's level,
// wait until it can obey.
env::SignalState signals_of_child() {
  env::SignalState state = plain_signals();
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&state.mask, number);
  return state;
}

}  // namespace

std::vector<ChildPlan> sidecar_children(const settings::Settings& settings) {
  const std::string fd = std::to_string(env::kHandedDescriptor);
  std::vector<ChildPlan> plans = {
      {"watch", format::Role::kWatch, {"watch", "--supervised", "--settings-fd", fd}},
      {"heartbeat", format::Role::kHeartbeat, {"heartbeat", "--supervised", "--settings-fd", fd}}};
  if (!settings.http.empty()) {
    plans.push_back({"serve", std::nullopt, {"serve", "--supervised", "--settings-fd", fd}, false, settings.http});
  }
  return plans;
}

Sidecar::Sidecar(env::Env& env, shm::Segment& segment, std::vector<ChildPlan> plans, Environment environment)
    : env_(env), segment_(segment), environment_(std::move(environment)) {
  for (ChildPlan& plan : plans) children_.push_back({std::move(plan), ChildState(Time{})});
}

Result<void> Sidecar::begin(const settings::Settings& settings, Time now) {
  for (env::Fd* file : {&settings_file_, &public_settings_file_}) {
    auto made = memory_file();
    if (!made) return made.error();
    *file = std::move(*made);
  }
  if (auto written = write_settings(settings); !written) return written;
  segment_.role(format::Role::kSupervisor).starts.fetch_add(1, std::memory_order_relaxed);
  stamp_due_ = now;
  return {};
}

Result<void> Sidecar::write_settings(const settings::Settings& settings) {
  if (auto written = settings::write_handover(env_, settings_file_.get(), settings); !written) return written;
  return settings::write_handover(env_, public_settings_file_.get(), without_secrets(settings));
}

Result<void> Sidecar::change_settings(const settings::Settings& settings) {
  if (auto written = write_settings(settings); !written) return written;
  for (const Child& child : children_) {
    if (child.state.pid() != 0) ::kill(child.state.pid(), SIGHUP);
  }
  return {};
}

void Sidecar::tick(Time now) {
  if (kill_due_) return end_in_time(now);
  if (ticked_ != Time{} && now - ticked_ > kFrozenAfter) {
    for (Child& child : children_) child.state.excuse(now);
  }
  ticked_ = now;
  const auto word = segment_.page().generation.load(std::memory_order_acquire);
  // A child that finds the segment damaged replaces it.
  if (now >= stamp_due_ || word == format::kRetired) stamp(now);
  for (Child& child : children_) {
    if (const auto due = child.state.start_due(); due && now >= *due) launch(child, now);
    kill_if_hung(child, now);
  }
}

void Sidecar::end_in_time(Time now) {
  if (now < *kill_due_) return;
  abandoned_ = now >= *kill_due_ + kLastWait;
  if (std::exchange(killed_, true) && !abandoned_) return;
  for (const Child& child : children_) {
    if (child.state.pid() == 0) continue;
    ::kill(child.state.pid(), SIGKILL);
    spdlog::warn("{} (pid {}) did not end in time and is {}", child.plan.name, child.state.pid(),
                 abandoned_ ? "left to the kernel" : "killed");
  }
}

Time Sidecar::next_due() const {
  if (kill_due_) return killed_ ? *kill_due_ + kLastWait : *kill_due_;
  Time due = stamp_due_;
  for (const Child& child : children_) {
    due = std::min(due, child.state.start_due().value_or(Time::max()));
    if (child.plan.role) due = std::min(due, child.state.hung_due().value_or(Time::max()));
  }
  return due;
}

void Sidecar::launch(Child& child, Time now) {
  env::Program program{.file = kBinary,
                       .arguments = {"shmconf"},
                       .environment = environment_,
                       .signals = signals_of_child()};
  program.arguments.insert(program.arguments.end(), child.plan.arguments.begin(), child.plan.arguments.end());
  const auto started = env::start_bound(
      program, child.plan.with_secrets ? settings_file_.get() : public_settings_file_.get());
  if (!started) {
    count_failure("starting " + child.plan.name + ": " + started.error().text);
    child.state.ended(now);
    return;
  }
  child.state.started(started->pid, stamp_of(child), now);
  if (started->exec_errno != 0) {
    count_failure("starting " + child.plan.name + ": cannot execute " + kBinary + ": " +
                  ::strerror(started->exec_errno));
  } else {
    if (!child.plan.role) {
      segment_.counters(format::Role::kSupervisor).server_starts.fetch_add(1, std::memory_order_relaxed);
    }
    spdlog::debug("{} started, pid {}", child.plan.name, started->pid);
  }
}

void Sidecar::kill_if_hung(Child& child, Time now) {
  if (!child.plan.role || !child.state.hung(stamp_of(child), now)) return;
  ::kill(child.state.pid(), SIGKILL);
  count_failure(child.plan.name + " (pid " + std::to_string(child.state.pid()) + ") has not moved for " +
                std::to_string(kHungAfter.count()) + " s and is killed");
}

bool Sidecar::on_ended(pid_t pid, int status, Time now) {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const Child& child) { return child.state.pid() == pid; });
  if (found == children_.end()) return false;
  const auto pause = found->state.ended(now);
  const std::string text = found->plan.name + " (pid " + std::to_string(pid) + ") " + describe_ending(status);
  if (kill_due_) {
    spdlog::debug("{}", text);
  } else if (exit_code_of(status) == kExitAddressTaken) {
    count_taken_address(found->plan);
  } else {
    count_failure(text + "; next start in " + std::to_string(pause.count()) + " ms");
  }
  return true;
}

// In the supervisor's own line of the control page, which `status` shows.
void Sidecar::count_failure(const std::string& text) {
  spdlog::error("{}", text);
  auto& state = segment_.role(format::Role::kSupervisor);
  state.failures.fetch_add(1, std::memory_order_relaxed);
  state.last_error.store(text);
}

// In the same words each time: the log folds them, and the status shows them for as long as it lasts.
void Sidecar::count_taken_address(const ChildPlan& plan) {
  count_failure(plan.name + " cannot listen at '" + plan.listens_at +
                "', where somebody else does: stop that one, or choose another --http; it is tried again");
  auto& failing_since = segment_.role(format::Role::kSupervisor).failing_since_ns;
  if (failing_since.load(std::memory_order_relaxed) != 0) return;
  failing_since.store(static_cast<std::uint64_t>(env_.boottime_now().count()), std::memory_order_relaxed);
}

// Who finds its address taken ends at once.
void Sidecar::look_for_taken_address_over(Time now) {
  auto& failing_since = segment_.role(format::Role::kSupervisor).failing_since_ns;
  if (failing_since.load(std::memory_order_relaxed) == 0) return;
  const bool listens = std::ranges::all_of(children_, [now](const Child& child) {
    return child.plan.listens_at.empty() || child.state.running_for(now) >= kStampInterval;
  });
  if (!listens) return;
  failing_since.store(0, std::memory_order_relaxed);
  spdlog::default_logger_raw()->flush();  // failures that come after this are news
}

void Sidecar::stamp(Time now) {
  stamp_due_ = now + kStampInterval;
  log::tell_repetitions();
  look_for_taken_address_over(now);
  const auto renewed = segment_.renew_if_replaced();
  const std::string trouble = renewed ? "" : renewed.error().text;
  if (!trouble.empty() && trouble != segment_trouble_) spdlog::error("the segment was removed: {}", trouble);
  if (renewed && *renewed) spdlog::warn("the segment was removed or replaced; attached anew");
  segment_trouble_ = trouble;
  if (!renewed && renewed.error().code == ErrorCode::kDenied) lost_ = renewed.error();
  const auto alive = static_cast<std::uint64_t>(env_.boottime_now().count());
  segment_.role(format::Role::kSupervisor).alive_ns.store(alive, std::memory_order_relaxed);
}

void Sidecar::stop(Time now) {
  if (kill_due_) return;
  kill_due_ = now + kPatience;
  for (const Child& child : children_) {
    if (child.state.pid() != 0) ::kill(child.state.pid(), SIGTERM);
  }
  segment_.role(format::Role::kSupervisor).alive_ns.store(0, std::memory_order_relaxed);
}

bool Sidecar::stopped() const {
  return abandoned_ || std::all_of(children_.begin(), children_.end(),
                                   [](const Child& child) { return child.state.pid() == 0; });
}

std::uint64_t Sidecar::stamp_of(const Child& child) const {
  return !child.plan.role ? 0 : segment_.role(*child.plan.role).alive_ns.load(std::memory_order_relaxed);
}

}  // namespace shmconf::supervisor
