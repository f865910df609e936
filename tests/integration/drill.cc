#include "integration/drill.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "harness/eventually.h"
#include "integration/whole_states.h"

namespace shmconf::integration {

using harness::eventually;
using harness::http_request;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr int kKeys = 20;
constexpr int kReaders = 2;
// Beside the configuration; only the write that finds it as it was applies. Servers that were silent
// carry out writes that nobody waits for any more.
constexpr char kGuard[] = "drill";
// Of one attempt: a server that does not answer is asked again, as a client in a hurry would.
constexpr milliseconds kAttempt = seconds(1);
// An election, a server's start and a busy machine.
constexpr milliseconds kOutage = seconds(90);

std::string operation(const std::string& verb, const std::string& key, const std::string& value, std::uint64_t index) {
  return R"({"KV":{"Verb":")" + verb + R"(","Key":")" + key + R"(","Value":")" + harness::base64(value) +
         R"(","Index":)" + std::to_string(index) + "}}";
}

SidecarOptions options(const harness::RealConsul& agent, const std::string& datacenter) {
  return {.consul = agent.url(),
          .variables = {{"SHMCONF_CONSUL_WAIT", std::to_string(Drill::kWait.count()) + "ms"},
                        {"SHMCONF_CONSUL_GRACE", std::to_string(Drill::kGrace.count()) + "ms"},
                        {"SHMCONF_CONSUL_DATACENTER", datacenter}}};
}

double in_seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Drill::Drill(harness::RealConsul& agent, std::string datacenter)
    : agent_(agent), datacenter_(std::move(datacenter)), sidecar_(options(agent, datacenter_)) {}

std::string Drill::look(const Snapshot& snapshot) {
  const std::string state = state_of(snapshot);
  const int number = std::atoi(state.c_str());
  if (number == 0 || state != std::to_string(number) + "*" + std::to_string(kKeys)) {
    return "state '" + state + "' of " + std::to_string(snapshot.key_count()) + " keys";
  }
  const std::lock_guard lock(mutex_);
  seen_.emplace(number, Clock::now());
  const auto here = generations_.emplace(snapshot.generation(), number).first;
  const auto next = std::next(here);
  const bool older = here != generations_.begin() && std::prev(here)->second > number;
  if (older || (next != generations_.end() && next->second < number)) return "an older state, " + state;
  return here->second == number ? "" : "two states in one generation";
}

std::optional<Drill::Clock::time_point> Drill::seen(int number) const {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(number);
  return found == seen_.end() ? std::nullopt : std::optional(found->second);
}

std::string Drill::query(const std::string& parameters) const {
  return "?" + parameters + (datacenter_.empty() ? "" : "&dc=" + datacenter_);
}

bool Drill::write(harness::RealConsul& through) {
  const std::string number = std::to_string(number_);
  const auto guard = http_request(through.host(), through.port(), "GET", "/v1/kv/" + std::string(kGuard) + query("raw"),
                                  {}, {}, kAttempt);
  if (guard.status == 200 && guard.body == number) return true;
  if (guard.status != 200 && guard.status != 404) return false;
  std::string json = "[" + operation("cas", kGuard, number, guard.status == 200 ? guard.index().value_or(0) : 0);
  for (const auto& [key, value] : whole_state(number, kKeys)) json += "," + operation("set", key, value, 0);
  const auto done = http_request(through.host(), through.port(), "PUT", "/v1/txn" + query(""), json + "]", {}, kAttempt);
  return done.status == 200;
}

bool Drill::bare_client_gets_it() {
  const auto answer = http_request(agent_.host(), agent_.port(), "GET", "/v1/kv/config/web/" + query("recurse"), {}, {},
                                   kAttempt);
  const std::string value = "\"" + harness::base64(std::to_string(number_)) + "\"";
  int found = 0;
  for (auto at = answer.body.find(value); at != std::string::npos; at = answer.body.find(value, at + 1)) ++found;
  return answer.status == 200 && found == kKeys;
}

void Drill::start() {
  ASSERT_TRUE(eventually([&] { return write(agent_); }, kOutage));
  sidecar_.start("run");
  auto opened = sidecar_.open();
  ASSERT_TRUE(opened) << opened.error().text;
  reader_.emplace(std::move(*opened));
  ASSERT_TRUE(becomes(*reader_, "1*" + std::to_string(kKeys), seconds(10)));
  ASSERT_TRUE(both_in_contact(*reader_));
  verifying_ = std::make_unique<VerifyingReaders>(*reader_, kReaders, [this](const auto& seen) { return look(seen); });
}

void Drill::advance(harness::RealConsul& through) {
  ++number_;
  ASSERT_TRUE(eventually([&] { return write(through); }, kOutage, milliseconds(50))) << "nobody takes state " << number_;
}

void Drill::expect_recovery(const std::string& what, milliseconds behind) {
  ASSERT_TRUE(eventually([&] { return bare_client_gets_it(); }, kOutage, milliseconds(20)));
  const auto consul = Clock::now();
  // Twice the time, to tell late from never.
  ASSERT_TRUE(eventually([&] { return seen(number_).has_value(); }, 2 * behind)) << "never arrived: " << what;
  const auto late = std::max(*seen(number_) - consul, Clock::duration(0));
  std::printf("recovery: %s %.2f s, after %.1f s of outage\n", what.c_str(), in_seconds(late),
              in_seconds(consul - fault_));
  std::fflush(stdout);
  EXPECT_LE(late, behind);
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive, behind));
  EXPECT_EQ(verifying_->violation(), "");
}

void Drill::expect_last_good() {
  const std::string shown = state_of(reader_->snapshot());
  const auto named = [](int number) { return std::to_string(number) + "*" + std::to_string(kKeys); };
  EXPECT_TRUE(shown == named(number_) || shown == named(number_ - 1)) << shown;
  EXPECT_EQ(verifying_->violation(), "");
}

void Drill::finish() {
  verifying_->stop();
  EXPECT_EQ(verifying_->violation(), "");
}

}  // namespace shmconf::integration
