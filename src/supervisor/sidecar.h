// Sidecar: the supervised processes of one name. Starts them, starts them again when they die or
// hang, hands settings to them, and stops them.
//
// Not thread-safe; the caller's loop drives it: on_ended() for each child that was reaped, tick()
// at next_due() and after anything happened. Nothing here waits, except a start for its exec.
// The children die with this process, so the destructor leaves them alone; see stop().
#ifndef SHMCONF_SUPERVISOR_SIDECAR_H_
#define SHMCONF_SUPERVISOR_SIDECAR_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "env/env.h"
#include "env/fd.h"
#include "settings/settings.h"
#include "shm/segment.h"
#include "shmconf/format.h"
#include "shmconf/result.h"
#include "supervisor/child_state.h"
#include "supervisor/environment.h"
#include "supervisor/supervisor.h"

namespace shmconf::supervisor {

class Sidecar {
 public:
  // segment outlives this object. environment is what the children get.
  Sidecar(env::Env& env, shm::Segment& segment, std::vector<ChildPlan> plans, Environment environment);

  // Puts settings where the children read them, and makes the first starts due. Error: kSystem.
  Result<void> begin(const settings::Settings& settings, Time now);

  // Replaces the settings and tells the children. Error: kSystem; the old ones stay.
  Result<void> change_settings(const settings::Settings& settings);

  // Starts what is due, kills what hangs, stamps the supervisor's own liveness.
  void tick(Time now);
  [[nodiscard]] Time next_due() const;

  // True: pid was one of these; the next start is planned.
  bool on_ended(pid_t pid, int status, Time now);

  // Set once another process has taken the name over: the caller must stop().
  [[nodiscard]] const std::optional<Error>& lost() const noexcept { return lost_; }

  // Asks the children to end, and kills them kPatience later; no starts any more.
  void stop(Time now);
  // At the latest five seconds after stop(), also where the kernel does not let go of a child.
  [[nodiscard]] bool stopped() const;

 private:
  struct Child {
    ChildPlan plan;
    ChildState state;
  };

  Result<void> write_settings(const settings::Settings& settings);
  void launch(Child& child, Time now);
  void kill_if_hung(Child& child, Time now);
  void count_failure(const std::string& text);
  void count_taken_address(const ChildPlan& plan);
  void look_for_taken_address_over(Time now);
  void stamp(Time now);
  void end_in_time(Time now);
  [[nodiscard]] std::uint64_t stamp_of(const Child& child) const;

  env::Env& env_;
  shm::Segment& segment_;
  std::vector<Child> children_;
  Environment environment_;
  env::Fd settings_file_;
  env::Fd public_settings_file_;  // without secrets
  Time stamp_due_{};
  std::optional<Time> kill_due_;  // set: stopping
  bool killed_ = false;
  bool abandoned_ = false;
  Time ticked_{};
  std::optional<Error> lost_;
  std::string segment_trouble_;  // reported already
};

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_SIDECAR_H_
