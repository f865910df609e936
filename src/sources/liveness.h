// Liveness: what one process of the sidecar says of itself, on its line of the control page and in
// the log.
//
// Belongs to one thread. The page may be replaced (PublishTarget::renew()); then rewrite().
#ifndef SHMCONF_SOURCES_LIVENESS_H_
#define SHMCONF_SOURCES_LIVENESS_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "env/env.h"
#include "shmconf/result.h"
#include "sources/publish_target.h"

namespace shmconf::sources {

class Liveness {
 public:
  // Both must outlive it. Makes the first stamp.
  Liveness(env::Env& env, PublishTarget& target, std::chrono::nanoseconds stale_after);

  // A contact that is older counts as overdue.
  void set_stale_after(std::chrono::nanoseconds stale_after);
  void stamp();
  // Writes the whole line again, on a page that knows nothing of this process.
  void rewrite();
  // A clean end: no longer alive, by its own will.
  void end();

  // What became of a comparison with Consul.
  void compared(format::Comparison comparison);
  // Consul answered a query.
  void answered();
  // The segment holds what Consul has.
  void succeeded();
  void failed(const Error& error);
  // The backup could not be written: Consul has nothing to do with it, so this is no failure to reach
  // it; backup_written() takes the words back.
  void backup_failed(const std::string& text);
  void backup_written();
  // What is wrong with the token's or certificates' files while what was read of them before is still
  // used; empty: nothing. Logged when it changes; added to the errors.
  void set_credentials_trouble(const std::string& text);
  // Why the backup could not help either; added to the errors until the next success.
  void set_backup_trouble(std::string text) { backup_trouble_ = std::move(text); }

 private:
  // What lasts, whether or not Consul answers.
  [[nodiscard]] std::string troubles() const;
  void show_troubles(const std::string& withdrawn);

  [[nodiscard]] format::RoleState& line() { return target_.segment().role(target_.role()); }
  [[nodiscard]] format::RoleCounters& counters() { return target_.segment().counters(target_.role()); }
  [[nodiscard]] std::uint64_t now_ns() { return static_cast<std::uint64_t>(env_.boottime_now().count()); }
  [[nodiscard]] bool peer_answered_since(std::uint64_t ns);

  env::Env& env_;
  PublishTarget& target_;
  std::uint64_t stale_after_ns_;
  std::uint64_t contact_ns_ = 0;
  std::string backup_trouble_;
  std::string write_trouble_;
  std::string credentials_trouble_;
  bool logged_ = false;  // a failure, since the last success
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_LIVENESS_H_
