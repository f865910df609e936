#include "fault/chaos/chaos.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fault/chaos/history.h"
#include "fault/chaos/random.h"
#include "fault/chaos/schedule.h"
#include "fault/chaos/world.h"
#include "fault/chaos/writer.h"
#include "harness/eventually.h"

namespace shmconf::chaos {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Between two looks at the readers' files.
constexpr milliseconds kLook = 20ms;
// In which a whole cluster must take a write again; an agent that hung on a frozen server needs 30 s.
constexpr milliseconds kConsulRecovers = 120s;
// In which the newest state must be everywhere then.
constexpr milliseconds kRecovers = 60s;

class Run {
 public:
  explicit Run(const Options& options) : options_(options), random_(options.seed), start_(steady_clock::now()) {}

  int run() {
    std::printf("chaos: seed %" PRIu64 ", %lld s\n", options_.seed, static_cast<long long>(options_.length.count()));
    auto made = World::make(options_.sidecar, [this](const std::string& what) { violate(what); });
    if (!made) return give_up(made.error().text);
    world_ = std::move(*made);
    auto [stamp, state] = Writer::first_state();
    History history(stamp, std::move(state), steady_clock::now());
    Writer writer(world_->servers(), history, options_.seed + 1);
    history_ = &history;
    writer_ = &writer;
    if (!world_->start_sidecar_and_readers(history, writer)) return give_up("no configuration\n" + world_->log());
    while (steady_clock::now() - start_ < options_.length && violations_ == 0) {
      break_things();
      if (!calm_down()) break;
    }
    print_report();
    if (violations_ != 0) return 1;
    return consul_recovered_ ? 0 : give_up("Consul did not recover: " + writer.broken());
  }

 private:
  void say(const std::string& what) { say(steady_clock::now(), what); }
  void say(Time at, const std::string& what) {
    const auto passed = std::chrono::duration_cast<milliseconds>(at - start_).count();
    std::printf("%4lld.%03d %s\n", static_cast<long long>(passed / 1000), static_cast<int>(passed % 1000), what.c_str());
  }

  void violate(const std::string& what) { violate(steady_clock::now(), what); }
  void violate(Time at, const std::string& what) {
    constexpr std::uint64_t kMostTold = 50;
    if (++violations_ <= kMostTold) say(at, "VIOLATION: " + what);
    if (violations_ == 1) std::printf("--- the sidecar's log\n%s---\n", world_->log().c_str());
  }

  static int give_up(const std::string& why) {
    std::printf("chaos: could not be run to its end: %s\n", why.c_str());
    return 3;
  }

  void break_things() {
    ++rounds_;
    struct Step {
      milliseconds at;
      const Fault* fault;
      bool begins;
    };
    const std::vector<Fault> faults = make_round(random_);
    std::vector<Step> steps;
    for (const Fault& fault : faults) {
      steps.push_back({fault.begin, &fault, true});
      steps.push_back({fault.end(), &fault, false});
    }
    std::ranges::stable_sort(steps, {}, &Step::at);
    const auto begin = steady_clock::now();
    say("round " + std::to_string(rounds_));
    for (const Step& step : steps) {
      look_until(begin + step.at);
      if (step.begins) {
        say(describe(*step.fault));
        ++faults_[static_cast<std::size_t>(step.fault->kind)];
        world_->begin(*step.fault);
      } else {
        world_->end(*step.fault);
      }
    }
  }

  void look_until(Time deadline) {
    for (;;) {
      world_->look();
      const auto left = deadline - steady_clock::now();
      if (left <= 0ns) return;
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, kLook));
    }
  }

  // False: Consul takes no writes again, so that nothing can be judged any more.
  bool calm_down() {
    world_->heal();
    say("calm");
    const auto acknowledged = writer_->calm(kConsulRecovers);
    consul_recovered_ = acknowledged.has_value();
    if (!consul_recovered_) return false;
    const Stamp newest = history_->head();
    const bool recovered = harness::eventually([&] { return world_->look(), everyone_has(newest); }, kRecovers, kLook);
    for (auto& observer : world_->observers()) {
      const Findings findings = history_->judge(observer->seen());
      for (const Violation& violation : findings.violations) {
        violate(violation.seen, "reader " + observer->name() + ": " + violation.text);
      }
      longest_age_ = std::max(longest_age_, findings.longest_age);
    }
    if (!recovered) violate("not recovered: " + what_is_missing(newest));
    note_staleness(*acknowledged, newest);
    for (auto& observer : world_->observers()) observer->forget();
    history_->forget();
    world_->forget_removals();
    writer_->resume();
    return true;
  }

  static bool has(const Observer& observer, Stamp newest) {
    return !observer.seen().empty() && observer.seen().back().stamp == newest && !observer.seen().back().from_backup;
  }

  bool is_live() {
    const auto reader = Reader::open("web", world_->open_options());
    return reader && reader->status().verdict == shmconf::Verdict::kLive;
  }

  bool everyone_has(Stamp newest) {
    const auto& observers = world_->observers();
    return std::ranges::all_of(observers, [&](const auto& observer) { return has(*observer, newest); }) && is_live() &&
           world_->backup() == newest;
  }

  std::string what_is_missing(Stamp newest) {
    std::string text = "state " + std::to_string(newest);
    for (const auto& observer : world_->observers()) {
      if (!has(*observer, newest)) text += " has not reached reader " + observer->name();
    }
    if (world_->backup() != newest) text += " has not reached the backup";
    if (!is_live()) text += " and status does not say live";
    return text + "; the sidecar's log:\n" + world_->log();
  }

  void note_staleness(Time acknowledged, Stamp newest) {
    milliseconds longest{0};
    for (const auto& observer : world_->observers()) {
      if (!has(*observer, newest)) continue;
      const auto took = std::chrono::duration_cast<milliseconds>(observer->seen().back().time - acknowledged);
      longest = std::max(longest, took);
    }
    say("state " + std::to_string(newest) + " is everywhere after " + std::to_string(longest.count()) + " ms");
    longest_staleness_ = std::max(longest_staleness_, longest);
  }

  void print_report() {
    const WriterCounts counts = writer_->counts();
    std::uint64_t snapshots = 0;
    std::uint64_t reads = 0;
    for (const auto& observer : world_->observers()) {
      snapshots += observer->snapshots();
      reads += observer->reads();
    }
    std::uint64_t faults = 0;
    for (const std::uint64_t count : faults_) faults += count;
    std::printf("\nrounds %d\noperations: %" PRIu64 " writes acknowledged, %" PRIu64 " unknown, of which %" PRIu64
                " were applied; Consul restored %" PRIu64 " times\nfaults %" PRIu64 ":",
                rounds_, counts.acknowledged, counts.unknown, counts.unknown_applied, counts.restores, faults);
    for (std::size_t i = 0; i < kKinds; ++i) {
      if (faults_[i] != 0) std::printf(" %s %" PRIu64 ",", name_of(static_cast<Kind>(i)), faults_[i]);
    }
    std::printf("\nsnapshots checked %" PRIu64 ", keys read %" PRIu64 "\n", snapshots, reads);
    std::printf("longest staleness, once everything was well: %lld ms; longest age of a state that was read: %lld ms\n",
                static_cast<long long>(longest_staleness_.count()), static_cast<long long>(longest_age_.count()));
    std::printf("violations %" PRIu64 "\nseed %" PRIu64 "\n", violations_, options_.seed);
  }

  const Options options_;
  Random random_;
  const Time start_;
  std::unique_ptr<World> world_;
  History* history_ = nullptr;
  Writer* writer_ = nullptr;
  int rounds_ = 0;
  std::array<std::uint64_t, kKinds> faults_{};
  std::uint64_t violations_ = 0;
  bool consul_recovered_ = true;
  milliseconds longest_staleness_{0};
  milliseconds longest_age_{0};
};

}  // namespace

int run(const Options& options) { return Run(options).run(); }

}  // namespace shmconf::chaos
