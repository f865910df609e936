#include "sources/role_process.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <utility>

#include "env/process.h"
#include "log/log.h"
#include "place/place.h"
#include "settings/places.h"
#include "settings/sources_hash.h"
#include "sources/confinement.h"
#include "sources/overlay.h"
#include "sources/restore.h"
#include "sources/spawn.h"
#include "sources/wakeup.h"

namespace shmconf::sources {
namespace {

namespace asio = boost::asio;
using settings::Settings;

constexpr std::chrono::nanoseconds kStampInterval{format::kStampIntervalNs};
// How long Consul is given to supply an empty segment before the backup does.
constexpr std::chrono::milliseconds kConsulFirst{1'000};
// What is still running then is abandoned: an end may take a second.
constexpr std::chrono::milliseconds kLongestEnd{900};

// The watch works at each change, and readers wait for it; the heartbeat every few minutes.
constexpr std::size_t kWarmHeapOfWatchBytes = std::size_t{8} << 20;
constexpr std::size_t kWarmHeapBytes = std::size_t{1} << 20;

std::unique_ptr<backup::Store> open_backup(env::Env& env, const Settings& settings) {
  auto path = settings::backup_file(settings, ::geteuid(), settings::process_environment());
  if (path) return std::make_unique<backup::Store>(env, std::move(*path), settings.backup_key_file);
  spdlog::warn("no backup is kept: {}", path.error().text);
  return nullptr;
}

class RoleProcess {
 public:
  RoleProcess(const RoleKind& kind, Settings settings, const ProcessOptions& options,
              std::unique_ptr<PublishTarget> target)
      : kind_(kind),
        settings_(std::move(settings)),
        options_(options),
        target_(std::move(target)),
        liveness_(env_, *target_, kind.stale_after(settings_)),
        signals_(io_, SIGTERM, SIGINT, SIGHUP),
        stamp_(io_),
        end_by_(io_) {
    signals_.add(SIGUSR1);
    signals_.add(SIGUSR2);
  }

  // False: something would not end, and this object must never be destroyed.
  bool run() {
    env::let_signals_through();  // from here on signals_ has them
    begin_activity();
    spawn(io_, obey_signals());
    spawn(io_, stamp());
    io_.run();
    liveness_.end();
    return activity_ == nullptr;
  }

  [[nodiscard]] const Result<void>& result() const { return result_; }

 private:
  void begin_activity() {
    backup_ = open_backup(env_, settings_);
    activity_ = kind_.make({.io = io_, .env = env_, .target = *target_, .liveness = liveness_, .backup = backup_.get()},
                           settings_);
    activity_->start();
  }

  asio::awaitable<void> obey_signals() {
    while (!ending_) {
      boost::system::error_code error;
      const int number = co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (error || ending_) co_return;
      if (number == SIGHUP) {
        reload();
      } else if (number == SIGUSR1) {
        change_log_level(log::more_verbose(settings_.log.level));
      } else if (number == SIGUSR2) {
        change_log_level(log::less_verbose(settings_.log.level));
      } else {
        spdlog::info("signal {}: stopping", number);
        end();
      }
    }
  }

  asio::awaitable<void> stamp() {
    static_cast<void>(co_await stamp_.wait_for(kConsulFirst));
    while (!ending_) {
      liveness_.stamp();
      log::tell_repetitions();
      const bool renewed = renew();
      if (!renewed) restore();
      static_cast<void>(co_await stamp_.wait_for(renewed ? kConsulFirst : kStampInterval));
    }
  }

  bool renew() {
    auto renewed = target_->renew();
    if (!renewed) {
      if (renewed.error().code == ErrorCode::kDenied) {
        result_ = renewed.error();
        end();
      } else {
        liveness_.failed(renewed.error());
      }
      return false;
    }
    if (!*renewed) return false;
    spdlog::warn("the segment was removed or replaced; attached anew");
    liveness_.rewrite();
    if (activity_ && !restarting_) activity_->renewed();
    return true;
  }

  void restore() {
    if (!backup_) return;
    auto restored = restore_if_empty(*target_, *backup_, sources_hash(settings_.sources, settings_.consul));
    const std::string text = restored ? *restored : restored.error().text;
    liveness_.set_backup_trouble(restored ? std::string() : text);
    if (text.empty() || text == restore_logged_) return;
    restore_logged_ = text;
    spdlog::warn("{}", text);
  }

  void reload() {
    if (!options_.reload) return;
    spdlog::default_logger_raw()->flush();  // whoever asks again is told again
    auto loaded = options_.reload();
    if (const auto* problems = std::get_if<std::vector<settings::Problem>>(&loaded)) {
      for (const auto& problem : *problems) spdlog::error("{}", settings::to_string(problem));
      spdlog::error("the settings were read again and are bad: the earlier ones stay");
      return;
    }
    auto& read = std::get<Settings>(loaded);
    if (read.name != settings_.name || read.directory != settings_.directory || read.group != settings_.group) {
      spdlog::error(
          "name, directory and group cannot change while running: the earlier settings stay; restart instead");
      return;
    }
    Settings but_log = read;
    but_log.log = settings_.log;
    const bool only_log = read != settings_ && but_log == settings_;
    settings_ = std::move(read);
    log::change(settings_.log);
    if (only_log) return;
    spdlog::info("the settings were read again");
    if (std::exchange(restarting_, true)) return;  // the start that is under way takes these
    activity_->stop([this] {
      activity_.reset();
      if (std::exchange(restarting_, false) && !ending_) {
        liveness_.set_stale_after(kind_.stale_after(settings_));
        begin_activity();
      }
    });
  }

  void change_log_level(settings::Log::Level level) {
    settings_.log.level = level;
    log::change(settings_.log);
  }

  void end() {
    if (std::exchange(ending_, true)) return;
    end_by_.expires_after(kLongestEnd);
    end_by_.async_wait([this](const boost::system::error_code& error) {
      if (!error) io_.stop();
    });
    stamp_.notify();
    signals_.cancel();
    activity_->stop([this] {
      activity_.reset();
      end_by_.cancel();
    });
  }

  const RoleKind kind_;
  Settings settings_;
  const ProcessOptions& options_;
  env::Env& env_ = env::Env::posix();
  std::unique_ptr<PublishTarget> target_;
  Liveness liveness_;
  asio::io_context io_{1};
  asio::signal_set signals_;
  Wakeup stamp_;
  asio::steady_timer end_by_;
  std::unique_ptr<backup::Store> backup_;
  std::unique_ptr<Activity> activity_;
  Result<void> result_;
  std::string restore_logged_;
  bool restarting_ = false;
  bool ending_ = false;
};

}  // namespace

Result<void> run_role(const RoleKind& kind, const Settings& settings, const ProcessOptions& options) {
  if (options.supervised) {
    if (auto armed = env::die_with_parent(); !armed) return armed;
  }
  auto place = place::place_of(settings);
  if (!place) return std::move(place).error();
  confine(settings, *place);
  auto target = PublishTarget::attach(env::Env::posix(), std::move(*place), kind.role);
  if (!target) return std::move(target).error();
  env::keep_heap_warm(kind.role == format::Role::kWatch ? kWarmHeapOfWatchBytes : kWarmHeapBytes);
  ::signal(SIGPIPE, SIG_IGN);  // a log that nobody reads any more must not end the process
  auto process = std::make_unique<RoleProcess>(kind, settings, options, std::move(*target));
  const bool ended = process->run();
  Result<void> result = process->result();
  // Whatever did not end in time (a look-up of a name, say) would make the destructor wait for it;
  // the process is about to exit.
  if (!ended) static_cast<void>(process.release());
  return result;
}

}  // namespace shmconf::sources
