#include "fault/chaos/world.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "fault/chaos/value.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::chaos {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
namespace fs = std::filesystem;

constexpr const char* kSegmentSize = "6m";
constexpr const char* kBackupSize = "4m";
constexpr std::array<const char*, kReaders> kModes = {"wait", "poll", "reopen"};

std::string tail(const std::string& text) {
  constexpr std::size_t kMost = 8'000;
  return text.size() <= kMost ? text : text.substr(text.size() - kMost);
}

}  // namespace

Result<std::unique_ptr<World>> World::make(std::string sidecar, Tell violation) {
  std::unique_ptr<World> world(new World(std::move(sidecar), std::move(violation)));
  if (auto mounted = world->segment_disk_.mount(kSegmentSize); !mounted) return mounted.error();
  if (auto mounted = world->backup_disk_.mount(kBackupSize); !mounted) return mounted.error();
  auto cluster = harness::Cluster::start();
  if (!cluster) return cluster.error();
  world->cluster_ = std::move(*cluster);
  if (!eventually([&] { return Writer::write_first(world->servers()); })) {
    return Error{ErrorCode::kUnavailable, "Consul did not take the first state"};
  }
  return world;
}

Writer::Servers World::servers() {
  Writer::Servers servers;
  for (std::size_t i = 0; i < kServers; ++i) {
    servers.emplace_back(cluster_->server(i).host(), cluster_->server(i).port());
  }
  return servers;
}

OpenOptions World::open_options() const {
  OpenOptions options;
  options.directory = segment_disk_ / "root";
  options.backup_file = backup_disk_ / "web.snapshot";
  options.verify = true;
  return options;
}

bool World::start_sidecar_and_readers(History& history, Writer& writer) {
  history_ = &history;
  writer_ = &writer;
  start_supervisor();
  if (!eventually([&] { return Reader::open("web", open_options()).ok() && backup(); })) return false;
  for (std::size_t i = 0; i < kReaders; ++i) {
    ObserverOptions options{.mode = kModes[i],
                            .directory = open_options().directory,
                            .backup = open_options().backup_file,
                            .violation = violation_,
                            .may_be_absent = [this] { return removed_; }};
    observers_[i] = std::make_unique<Observer>(std::move(options), history);
    observers_[i]->start();
    reader_wanted_[i] = true;
  }
  return true;
}

// --- the sidecar ----------------------------------------------------------------------------------

void World::start_supervisor() {
  const OpenOptions place = open_options();
  harness::Command command;
  command.argv = {program_, "run",   "--prefix",    kCommon, "--prefix",             kWeb,
                  "--key",  kSingle, "--log-level", "info",  "--heartbeat-interval", "150ms"};
  command.set_env = {{"SHMCONF_NAME", "web"},
                     {"SHMCONF_DIR", place.directory},
                     {"SHMCONF_BACKUP", place.backup_file},
                     {"SHMCONF_CONSUL_ADDRESS", cluster_->agent().url()},
                     {"SHMCONF_CONSUL_WAIT", "3s"},
                     {kClockVariable, directory_ / "clock"}};
  auto process = harness::Process::spawn(command);
  if (!process) {
    violation_("the sidecar cannot be executed: " + process.error().text);
    return;
  }
  supervisor_.emplace(std::move(*process));
  supervisor_wanted_ = true;
}

void World::stop_supervisor() {
  supervisor_wanted_ = false;
  supervisor_->send_signal(SIGTERM);
}

void World::keep_log() {
  if (!supervisor_) return;
  earlier_log_ = tail(earlier_log_ + supervisor_->stderr_text());
  supervisor_.reset();
}

std::string World::log() const { return tail(earlier_log_ + (supervisor_ ? supervisor_->stderr_text() : "")); }

pid_t World::child(const char* role) { return supervisor_ ? integration::child_of(*supervisor_, role) : 0; }

// All at once, as a wiped tmpfs is: never a directory with half of its files.
void World::remove_segment() {
  const auto held = backup();
  if (!held) return;  // while there is none, this is not survivable
  const std::string root = open_options().directory;
  const std::string aside = segment_disk_ / "removed-" + std::to_string(++removals_);
  removed_ = true;
  std::error_code error;
  const Time before = std::chrono::steady_clock::now();
  fs::rename(root + "/web", aside, error);
  if (error) return;
  history_->removed({.time = before, .backup = *held});
  fs::remove_all(aside, error);
}

std::optional<Stamp> World::backup() {
  const std::string file = open_options().backup_file;
  // The newest one is absent for a moment, or for longer where its writer was killed between two renames.
  for (const std::string& path : {file, file + ".prev"}) {
    const auto reader = Reader::open_backup(path);
    if (!reader && reader.error().code == ErrorCode::kAbsent) continue;
    if (!reader) {
      violation_("the backup: " + reader.error().text);
      return std::nullopt;
    }
    Values values;
    Entries entries = reader->prefix("");
    for (const Entry& entry : entries) values.emplace(entry.key, shortened(entry.value));
    Stamp stamp = 0;
    const std::string problem = history_->identify(values, stamp);
    if (problem.empty()) return stamp;
    violation_("the backup: " + problem);
  }
  return std::nullopt;
}

// --- faults ---------------------------------------------------------------------------------------

void World::begin(const Fault& fault) {
  const std::size_t target = fault.target;
  switch (fault.kind) {
    case Kind::kKillServer: return cluster_->server(target).kill_now();
    case Kind::kStopServer: cluster_->server(target).process().send_signal(SIGTERM); return;
    case Kind::kFreezeServer: cluster_->server(target).freeze(); return;
    case Kind::kKillAgent: return cluster_->agent().kill_now();
    case Kind::kFreezeAgent: cluster_->agent().freeze(); return;
    case Kind::kKillWatch: Grip(child("watch")).send(SIGKILL); return;
    case Kind::kFreezeWatch: (frozen_watch_ = Grip(child("watch"))).send(SIGSTOP); return;
    case Kind::kStutterWatch: stutter_watch_.emplace(Grip(child("watch")), fault.seed); return;
    case Kind::kKillHeartbeat: Grip(child("heartbeat")).send(SIGKILL); return;
    case Kind::kFreezeHeartbeat: (frozen_heartbeat_ = Grip(child("heartbeat"))).send(SIGSTOP); return;
    case Kind::kStutterHeartbeat: stutter_heartbeat_.emplace(Grip(child("heartbeat")), fault.seed); return;
    case Kind::kKillSupervisor: supervisor_wanted_ = false; return keep_log();
    case Kind::kStopSupervisor: return stop_supervisor();
    case Kind::kFreezeSupervisor: supervisor_->freeze(); return;
    case Kind::kKillReader: reader_wanted_[target] = false; return observers_[target]->kill();
    case Kind::kFreezeReader: return observers_[target]->freeze();
    case Kind::kFillSegment: return segment_disk_.fill();
    case Kind::kFillBackup: return backup_disk_.fill();
    case Kind::kMoveClock: return clock_.move_by(fault.shift);
    case Kind::kRemoveSegment: return remove_segment();
    case Kind::kArchive: return writer_->archive();
    case Kind::kRestore: return writer_->restore();
    case Kind::kCount: return;
  }
}

void World::end(const Fault& fault) {
  const std::size_t target = fault.target;
  switch (fault.kind) {
    case Kind::kKillServer:
    case Kind::kStopServer: static_cast<void>(cluster_->server(target).launch()); return;
    case Kind::kFreezeServer: cluster_->server(target).thaw(); return;
    case Kind::kKillAgent: static_cast<void>(cluster_->agent().launch()); return;
    case Kind::kFreezeAgent: cluster_->agent().thaw(); return;
    case Kind::kFreezeWatch: frozen_watch_.send(SIGCONT); return;
    case Kind::kStutterWatch: return stutter_watch_.reset();
    case Kind::kFreezeHeartbeat: frozen_heartbeat_.send(SIGCONT); return;
    case Kind::kStutterHeartbeat: return stutter_heartbeat_.reset();
    case Kind::kStopSupervisor:
      if (!supervisor_->wait(10s)) violation_("the supervisor did not end within 10 s of SIGTERM");
      keep_log();
      return start_supervisor();
    case Kind::kKillSupervisor: return start_supervisor();
    case Kind::kFreezeSupervisor: supervisor_->thaw(); return;
    case Kind::kKillReader: reader_wanted_[target] = true; return observers_[target]->start();
    case Kind::kFreezeReader: return observers_[target]->thaw();
    case Kind::kFillSegment: return segment_disk_.free();
    case Kind::kFillBackup: return backup_disk_.free();
    case Kind::kMoveClock: return clock_.move_by(-fault.shift);
    default: return;  // these are over at once
  }
}

void World::look() {
  for (std::size_t i = 0; i < kReaders; ++i) {
    observers_[i]->drain();
    if (!reader_wanted_[i] || observers_[i]->running()) continue;
    violation_("reader " + observers_[i]->name() + " ended by itself");
    observers_[i]->start();
  }
  if (!supervisor_wanted_ || supervisor_->running()) return;
  supervisor_ended();
}

// A service manager would start it again: where neither a segment nor room for one is left, that is
// all there is to do.
void World::supervisor_ended() {
  constexpr int kNoConfiguration = 3;
  const int code = supervisor_->wait()->shell_code();
  const bool no_room = removed_ && code == kNoConfiguration &&
                       supervisor_->stderr_text().find("make room") != std::string::npos;
  if (!no_room) violation_("the supervisor ended by itself, with code " + std::to_string(code));
  keep_log();
  start_supervisor();
}

void World::heal() {
  for (std::size_t i = 0; i < kServers; ++i) {
    if (!cluster_->server(i).running()) static_cast<void>(cluster_->server(i).launch());
  }
  if (!cluster_->agent().running()) static_cast<void>(cluster_->agent().launch());
}

}  // namespace shmconf::chaos
