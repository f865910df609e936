#include "sources/liveness.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <string>
#include <utility>

namespace shmconf::sources {
namespace {

// One writer for each line: no read-modify-write is needed.
void set(std::atomic<std::uint64_t>& field, std::uint64_t value) { field.store(value, std::memory_order_relaxed); }
void add_one(std::atomic<std::uint64_t>& field) { set(field, field.load(std::memory_order_relaxed) + 1); }

}  // namespace

Liveness::Liveness(env::Env& env, PublishTarget& target, std::chrono::nanoseconds stale_after)
    : env_(env), target_(target), stale_after_ns_(static_cast<std::uint64_t>(stale_after.count())) {
  rewrite();
}

void Liveness::rewrite() {
  set(line().stale_after_ns, stale_after_ns_);
  if (contact_ns_ != 0) set(line().contact_ns, contact_ns_);
  add_one(line().starts);
  if (const std::string text = troubles(); !text.empty()) line().last_error.store(text);
  stamp();
}

std::string Liveness::troubles() const {
  const bool both = !credentials_trouble_.empty() && !write_trouble_.empty();
  return credentials_trouble_ + (both ? "; " : "") + write_trouble_;
}

// What else was said last, of a failure that may be over, stays.
void Liveness::show_troubles(const std::string& withdrawn) {
  std::string said;
  const std::string left = troubles();
  if (!left.empty() || (line().last_error.load(said) && said.find(withdrawn) != std::string::npos)) {
    line().last_error.store(left);
  }
}

void Liveness::set_stale_after(std::chrono::nanoseconds stale_after) {
  stale_after_ns_ = static_cast<std::uint64_t>(stale_after.count());
  set(line().stale_after_ns, stale_after_ns_);
}

void Liveness::stamp() { set(line().alive_ns, now_ns()); }

void Liveness::end() { set(line().alive_ns, 0); }

void Liveness::compared(format::Comparison comparison) {
  add_one(counters().comparisons[static_cast<std::size_t>(comparison)]);
}

void Liveness::answered() { add_one(line().queries); }

void Liveness::succeeded() {
  contact_ns_ = now_ns();
  set(line().contact_ns, contact_ns_);
  backup_trouble_.clear();
  if (line().failing_since_ns.load(std::memory_order_relaxed) == 0) return;
  set(line().failing_since_ns, 0);
  if (!std::exchange(logged_, false)) return;
  spdlog::default_logger_raw()->flush();  // failures that come after this are news
  spdlog::info("Consul answers again, and the configuration is compared with it");
}

void Liveness::failed(const Error& error) {
  std::string text = error.text;
  for (const std::string& trouble : {credentials_trouble_, backup_trouble_}) {
    if (!trouble.empty()) text += "; " + trouble;
  }
  line().last_error.store(text);
  add_one(line().failures);
  add_one(counters().errors[static_cast<std::size_t>(error.code)]);
  const std::uint64_t since = line().failing_since_ns.load(std::memory_order_relaxed);
  if (since == 0 || peer_answered_since(since)) set(line().failing_since_ns, now_ns());
  spdlog::warn("{}", text);
  logged_ = true;
}

// Readers let a contact of the heartbeat vouch for Consul if it is of a time when the watch had begun
// to fail already. The watch asks all the time: what it is refused after that contact counts more.
bool Liveness::peer_answered_since(std::uint64_t ns) {
  if (target_.role() != format::Role::kWatch) return false;
  const auto& heartbeat = target_.segment().role(format::Role::kHeartbeat);
  return heartbeat.contact_ns.load(std::memory_order_relaxed) >= ns;
}

void Liveness::backup_failed(const std::string& text) {
  add_one(line().failures);
  add_one(counters().backup_failures);
  if (text != write_trouble_) spdlog::error("{}", text);
  show_troubles(std::exchange(write_trouble_, text));
}

void Liveness::backup_written() {
  if (write_trouble_.empty()) return;
  spdlog::info("the backup is written again");
  show_troubles(std::exchange(write_trouble_, {}));
}

void Liveness::set_credentials_trouble(const std::string& text) {
  if (text == credentials_trouble_) return;
  show_troubles(std::exchange(credentials_trouble_, text));
  if (text.empty()) {
    spdlog::info("the token and certificates are those of their files again");
  } else {
    spdlog::warn("{}; what was read before is used meanwhile", text);
  }
}

}  // namespace shmconf::sources
