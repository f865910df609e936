#include "fault/chaos/writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fault/chaos/value.h"

namespace shmconf::chaos {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kGuard = "chaos/guard";  // in no source
constexpr milliseconds kPatience = 3s;         // with one answer
constexpr milliseconds kRestorePatience = 20s;
constexpr std::size_t kNames = 14;  // of each prefix; those of the two overlap by half
constexpr Stamp kFirst = 1;

std::string name(std::size_t number) { return "key-" + std::to_string(number); }

nlohmann::json operation(const char* verb, const std::string& key) {
  return {{"Verb", verb}, {"Key", key}};
}

nlohmann::json set(const std::string& key, const std::string& value) {
  nlohmann::json made = operation("set", key);
  made["Value"] = harness::base64(value);
  return made;
}

// The number stands in the flags, which a read of the guard tells without any decoding.
nlohmann::json guard(const char* verb, Stamp stamp) {
  nlohmann::json made = operation(verb, kGuard);
  made["Flags"] = stamp;
  return made;
}

harness::HttpResponse transaction(harness::ConsulKv& kv, const nlohmann::json& operations) {
  nlohmann::json body = nlohmann::json::array();
  for (const auto& one : operations) body.push_back({{"KV", one}});
  return kv.connection().request("PUT", "/v1/txn", body.dump(), {}, kPatience);
}

}  // namespace

std::pair<Stamp, Values> Writer::first_state() {
  Values state;
  for (std::size_t i = 0; i < kNames; ++i) {
    state[kCommon + name(i)] = shortened(kFirst, i);
    state[kWeb + name(i + kNames / 2)] = shortened(kFirst, 2 * i);
  }
  state[kCommon + std::string(kStamps[0])] = shortened(kFirst, 0);
  state[kWeb + std::string(kStamps[1])] = shortened(kFirst, 0);
  state[kSingle] = shortened(kFirst, 0);
  return {kFirst, state};
}

bool Writer::write_first(const Servers& servers) {
  harness::ConsulKv kv(servers.front().first, servers.front().second);
  nlohmann::json operations = nlohmann::json::array({guard("set", kFirst)});
  for (const auto& [key, value] : first_state().second) {
    operations.push_back(set(key, value_of(kFirst, std::stoul(value.substr(value.find('.') + 1)))));
  }
  return transaction(kv, operations).status == 200;
}

Writer::Writer(Servers servers, History& history, std::uint64_t seed)
    : servers_(std::move(servers)), history_(history), random_(seed), next_(history.head() + 1) {
  next_server();
  thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
  stop_.store(true);
  resume();
  thread_.join();
}

void Writer::ask(Task task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(task);
}

std::optional<Time> Writer::calm(milliseconds limit) {
  std::unique_lock lock(mutex_);
  rest_asked_ = true;
  changed_.wait_for(lock, limit, [this] { return resting_since_.has_value() || !broken_.empty(); });
  return resting_since_;
}

void Writer::resume() {
  const std::lock_guard lock(mutex_);
  rest_asked_ = false;
  resting_since_.reset();
  changed_.notify_all();
}

WriterCounts Writer::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::string Writer::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

void Writer::fail(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (broken_.empty()) broken_ = what;
  changed_.notify_all();
}

// --- the thread -----------------------------------------------------------------------------------

void Writer::run() {
  learn();
  while (!stop_.load() && broken().empty()) {
    std::vector<Task> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (const Task task : tasks) (this->*task)();
    const bool acknowledged = transact();
    if (rest_if_asked(acknowledged) || --burst_ > 0) continue;
    burst_ = static_cast<int>(random_.between(1, 40));
    pause(random_.between(0ms, 250ms));
  }
}

// Blocks for as long as the rest lasts; false: none was asked for.
bool Writer::rest_if_asked(bool acknowledged) {
  std::unique_lock lock(mutex_);
  if (!rest_asked_ || !acknowledged) return false;
  archive_.reset();  // the history forgets what was before
  resting_since_ = steady_clock::now();
  changed_.notify_all();
  changed_.wait(lock, [this] { return !rest_asked_; });
  return true;
}

void Writer::pause(milliseconds length) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, length, [this] { return stop_.load(); });
}

// True: Consul acknowledged it.
bool Writer::transact() {
  const Stamp parent = history_.head();
  const Stamp stamp = next_++;
  Values state = history_.state(parent);
  const auto changes = any_changes(state, stamp);
  for (const Change& change : changes) {
    if (change.padding) {
      state[change.key] = shortened(stamp, *change.padding);
    } else {
      state.erase(change.key);
    }
  }
  history_.propose(stamp, parent, std::move(state));
  const Outcome outcome = send(stamp, changes);
  if (outcome == Outcome::kApplied) {
    history_.became(stamp, steady_clock::now());
    const std::lock_guard lock(mutex_);
    ++counts_.acknowledged;
    return true;
  }
  learn();
  const std::lock_guard lock(mutex_);
  if (outcome == Outcome::kUnknown) {
    ++counts_.unknown;
    counts_.unknown_applied += history_.head() == stamp ? 1 : 0;
  }
  return false;
}

std::vector<Writer::Change> Writer::any_changes(const Values& state, Stamp stamp) {
  std::vector<Change> changes;
  const auto which = 1 + random_.below(7);  // one source alone, or two or three together
  if ((which & 1) != 0) change_source(kCommon, 0, kStamps[0], changes);
  if ((which & 2) != 0) change_source(kWeb, kNames / 2, kStamps[1], changes);
  if ((which & 4) == 0) return changes;
  // Only another source can tell the stamp of a state without the single key.
  const bool drop = which != 4 && state.contains(kSingle) && random_.one_in(6);
  changes.push_back({kSingle, drop ? std::nullopt : std::optional<std::size_t>(stamp % 9)});
  return changes;
}

void Writer::change_source(const char* prefix, std::size_t first, const char* stamp, std::vector<Change>& changes) {
  changes.push_back({prefix + std::string(stamp), 0});
  std::vector<std::size_t> used;
  for (auto left = random_.below(4); left > 0; --left) {
    const std::size_t number = first + random_.below(kNames);
    if (std::find(used.begin(), used.end(), number) != used.end()) continue;
    used.push_back(number);
    std::optional<std::size_t> padding = random_.one_in(60)  ? random_.below(60'000)
                                         : random_.one_in(8) ? random_.below(2'000)
                                                             : random_.below(30);
    if (random_.one_in(3)) padding.reset();
    changes.push_back({prefix + name(number), padding});
  }
}

Writer::Outcome Writer::send(Stamp stamp, const std::vector<Change>& changes) {
  nlohmann::json operations = nlohmann::json::array({guard("cas", stamp)});
  operations[0]["Index"] = guard_index_;
  for (const Change& change : changes) {
    operations.push_back(change.padding ? set(change.key, value_of(stamp, *change.padding))
                                        : operation("delete", change.key));
  }
  const auto response = transaction(*kv_, operations);
  if (response.status == 409) return Outcome::kRefused;
  const auto answer = nlohmann::json::parse(response.body, nullptr, false);
  if (response.status != 200 || answer.is_discarded()) return Outcome::kUnknown;
  guard_index_ = answer.at("Results").at(0).at("KV").at("ModifyIndex").get<std::uint64_t>();
  return Outcome::kApplied;
}

// What Consul has now, from whoever can tell.
void Writer::learn() {
  Stamp stamp = 0;
  while (!stop_.load() && !read_guard(stamp)) try_another();
  if (stop_.load() || history_.became(stamp, steady_clock::now())) return;
  fail("Consul has transaction " + std::to_string(stamp) + ", which does not follow from " +
       std::to_string(history_.head()));
}

bool Writer::read_guard(Stamp& stamp) {
  const auto response = kv_->get(kGuard, "consistent", kPatience);
  const auto answer = nlohmann::json::parse(response.body, nullptr, false);
  if (response.status != 200 || !answer.is_array()) return false;
  stamp = answer.at(0).at("Flags").get<Stamp>();
  guard_index_ = answer.at(0).at("ModifyIndex").get<std::uint64_t>();
  return true;
}

void Writer::next_server() {
  server_ = (server_ + 1) % servers_.size();
  kv_ = std::make_unique<harness::ConsulKv>(servers_[server_].first, servers_[server_].second);
}

void Writer::try_another() {
  next_server();
  pause(50ms);
}

void Writer::archive_now() {
  learn();
  const Stamp stamp = history_.head();
  const std::uint64_t index = guard_index_;
  std::string bytes = kv_->snapshot();
  learn();
  // What came in between may be in it or not.
  if (bytes.empty() || history_.head() != stamp) return;
  archive_ = Archive{.stamp = stamp, .guard_index = index, .bytes = std::move(bytes)};
}

void Writer::restore_now() {
  if (!archive_) return;
  learn();
  const auto response =
      kv_->connection().request("PUT", "/v1/snapshot", archive_->bytes, {}, kRestorePatience);
  Stamp stamp = 0;
  while (!stop_.load() && !read_guard(stamp)) try_another();
  // By its index too: a transaction that was late may follow the archived state.
  const bool done = guard_index_ == archive_->guard_index || response.status == 200;
  if (stop_.load()) return;
  if (done) history_.restored(archive_->stamp, steady_clock::now());
  if (!history_.became(stamp, steady_clock::now())) fail("a restore left " + std::to_string(stamp));
  const std::lock_guard lock(mutex_);
  counts_.restores += done ? 1 : 0;
}

}  // namespace shmconf::chaos
