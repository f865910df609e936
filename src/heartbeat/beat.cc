#include "heartbeat/beat.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <string>
#include <utility>

#include "settings/sources_hash.h"
#include "sources/overlay.h"
#include "sources/report.h"
#include "sources/within_memory.h"

namespace shmconf::heartbeat {
namespace {

namespace asio = boost::asio;

// After so many reads that another process overtook, that process keeps the segment supplied.
constexpr int kAttempts = 3;
// Generations that follow one another this closely are backed up once.
constexpr std::chrono::milliseconds kBackupDelay{300};

}  // namespace

Beat::Beat(const sources::Surroundings& surroundings, const settings::Settings& settings, sources::ReadLimits limits,
           std::chrono::milliseconds write_again)
    : Activity(surroundings.io),
      settings_(settings),
      around_(surroundings),
      sources_hash_(settings::sources_hash(settings.sources, settings.consul)),
      credentials_(std::make_shared<consul::Credentials>(settings.consul)),
      client_(surroundings.io, settings.consul, consul::Limits(), credentials_),
      reader_(surroundings.io, settings,
              {.answered = [this] { around_.liveness.answered(); },
               .waiting = [this](const std::string& why) {
                 around_.liveness.failed({ErrorCode::kUnavailable, why});
               }},
              limits, surroundings.backup),
      backoff_(consul::process_seed()),
      pace_(settings.heartbeat_interval, consul::process_seed()),
      next_(surroundings.io),
      generation_moved_(std::make_shared<sources::Wakeup>(surroundings.io)),
      calm_(surroundings.io),
      write_again_(write_again) {}

void Beat::start() {
  watch_generations();
  spawn(read_now_and_then());
  if (around_.backup != nullptr) spawn(keep_backup());
}

void Beat::renewed() {
  watch_generations();
  next_.notify();
}

void Beat::interrupt() {
  generations_.reset();
  reader_.stop();
  client_.close();
  next_.notify();
  generation_moved_->notify();
  calm_.notify();
}

void Beat::watch_generations() {
  around_.target.segment().page().backup_path.store(around_.backup != nullptr ? around_.backup->path() : std::string());
  if (around_.backup == nullptr) return;
  start_watch();
  generation_moved_->notify();  // for what was published before anybody watched
}

void Beat::start_watch() {
  generations_.reset();
  auto changed = [&io = io(), moved = generation_moved_] { asio::post(io, [moved] { moved->notify(); }); };
  auto watch = GenerationWatch::start(around_.env, around_.target.segment().directory(), std::move(changed));
  if (watch) {
    generations_ = std::move(*watch);
    watch_trouble_.clear();
  } else if (watch.error().text != watch_trouble_) {
    watch_trouble_ = watch.error().text;
    spdlog::warn("backups follow new generations late: {}", watch_trouble_);
  }
}

asio::awaitable<void> Beat::read_now_and_then() {
  while (!stopping()) {
    sources::StateReader::Lanes lanes(settings_.sources.size(), &client_);
    auto published =
        co_await sources::within_memory(reader_.synchronize(std::move(lanes), around_.target, kAttempts));
    client_.close();
    reader_.forget();
    ::malloc_trim(0);  // what a large read took is not needed before the next one
    if (stopping()) co_return;
    around_.liveness.set_credentials_trouble(credentials_->trouble());
    const bool good = sources::report(published, around_.target, around_.liveness);
    if (good) {
      backoff_.succeed();
      write_backup();
      if (write_failed_) generation_moved_->notify();  // whoever sleeps until one moves must try again
    }
    const std::chrono::nanoseconds pause = good ? pace_.next() : backoff_.fail(client_.is_local());
    static_cast<void>(co_await next_.wait_for(pause));
  }
}

asio::awaitable<void> Beat::keep_backup() {
  while (!stopping()) {
    if (write_failed_ || !generations_) {
      static_cast<void>(co_await generation_moved_->wait_for(write_again_));
      if (!stopping() && !generations_) start_watch();
    } else {
      co_await generation_moved_->wait();
    }
    if (!stopping()) static_cast<void>(co_await calm_.wait_for(kBackupDelay));
    // At the end too: what was published in the last moment must outlive this process.
    const auto current = around_.target.current();
    if (current && current->header().generation != backed_up_) write_backup();
  }
}

void Beat::write_backup() {
  if (around_.backup == nullptr) return;
  const auto current = around_.target.current();
  // A restored backup is no news, and other sources' configuration must not replace this one's.
  if (!current || current->header().origin != format::Origin::kConsul ||
      current->header().sources_hash != sources_hash_) {
    return;
  }
  const auto written = write(*current);
  write_failed_ = !written;
  if (written) return around_.liveness.backup_written();
  backed_up_ = 0;
  around_.liveness.backup_failed("the backup was not written: " + written.error().text);
}

Result<void> Beat::write(const SnapshotView& current) {
  const std::uint64_t generation = current.header().generation;
  if (auto sound = current.verify(); !sound) {
    static_cast<void>(around_.target.check_snapshot());  // retires the page; the next stamp tells
    return sound;
  }
  if (auto written = around_.backup->write(current.bytes()); !written) return written;
  backed_up_ = generation;
  return {};
}

}  // namespace shmconf::heartbeat
