#include "http/serve.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "env/process.h"
#include "hardening/confine.h"
#include "http/journal.h"
#include "http/routes.h"
#include "http/server.h"
#include "log/log.h"
#include "settings/places.h"

namespace shmconf::http {
namespace {

namespace asio = boost::asio;
using settings::Settings;

// Ages and verdicts change by themselves.
constexpr std::chrono::seconds kStateInterval{5};

OpenOptions where_of(const Settings& settings) {
  OpenOptions where;
  where.directory = settings.directory;
  where.backup_file = settings.backup_file;
  // What is cut short under this process must not end it, and no old generation is to stay in the tmpfs
  // for as long as nobody asks.
  where.private_copy = true;
  return where;
}

void confine(const Settings& settings) {
  if (!settings.hardening) return;
  hardening::Needs needs;
  needs.accepts = true;
  needs.paths.push_back({"the segment's root", settings::root_directory(settings, ::geteuid()).path,
                         hardening::Need::Access::kRead});
  for (const hardening::Note& note : hardening::confine(needs)) {
    if (note.kind == hardening::Note::Kind::kKept) {
      spdlog::info("{}", note.text);
    } else {
      spdlog::warn("not hardened as it should be: {}; --hardening=false silences this", note.text);
    }
  }
}

display::WallTime wall_now() { return std::chrono::system_clock::now(); }

class ServeProcess {
 public:
  ServeProcess(const Settings& settings, const settings::ListenAddress& address, const ServeOptions& options,
               env::Fd socket)
      : options_(options),
        address_(address),
        log_(settings.log),
        show_values_(address.is_unix() || settings.http_values),
        signals_(io_, SIGTERM, SIGINT, SIGHUP),
        tick_(io_),
        view_(settings.name, where_of(settings)),
        shown_(settings, show_values_),
        metrics_(settings),
        routes_(view_, shown_, metrics_, wall_now),
        server_(io_, std::move(socket), address, routes_),
        journal_(std::make_unique<Journal>(settings.name, where_of(settings), shown_, [this](Met met) {
          asio::post(io_, [this, met = std::move(met)] { server_.broadcast(routes_.met(met)); });
        })) {
    signals_.add(SIGUSR1);
    signals_.add(SIGUSR2);
  }

  void run() {
    env::let_signals_through();  // from here on signals_ has them
    obey_signals();
    tick();
    io_.run();
  }

 private:
  void obey_signals() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      switch (number) {
        case SIGHUP: reload(); break;
        case SIGUSR1: change_log_level(log::more_verbose(log_.level)); break;
        case SIGUSR2: change_log_level(log::less_verbose(log_.level)); break;
        default: spdlog::info("signal {}: stopping", number); return end();
      }
      obey_signals();
    });
  }

  void reload() {
    if (!options_.reload) return;
    spdlog::default_logger_raw()->flush();  // whoever asks again is told again
    auto loaded = options_.reload();
    if (const auto* read = std::get_if<Settings>(&loaded)) {
      shown_ = Shown(*read, show_values_);
      metrics_ = Metrics(*read);
      routes_.show_anew();
      log::change(log_ = read->log);
      spdlog::info("the settings were read again");
      return;
    }
    for (const auto& problem : std::get<std::vector<settings::Problem>>(loaded)) {
      spdlog::error("{}", settings::to_string(problem));
    }
  }

  void change_log_level(settings::Log::Level level) {
    log_.level = level;
    log::change(log_);
  }

  void tick() {
    tick_.expires_after(kStateInterval);
    tick_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      log::tell_repetitions();
      if (server_.streams() != 0) server_.broadcast(routes_.state_event());
      tick();
    });
  }

  void end() {
    if (address_.is_unix()) ::unlink(address_.path.c_str());  // before another process can listen there
    tick_.cancel();
    server_.stop();
    io_.stop();
  }

  const ServeOptions& options_;
  const settings::ListenAddress& address_;
  settings::Log log_;
  const bool show_values_;
  asio::io_context io_{1};
  asio::signal_set signals_;
  asio::steady_timer tick_;
  View view_;
  Shown shown_;
  Metrics metrics_;
  Routes routes_;
  Server server_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace

Result<void> serve(const Settings& settings, const ServeOptions& options) {
  if (options.supervised) {
    if (auto armed = env::die_with_parent(); !armed) return armed;
  }
  const auto address = settings::parse_listen_address(settings.http);
  if (!address) return address.error();
  auto socket = listen_at(*address, settings.group);
  if (!socket) return std::move(socket).error();
  confine(settings);
  ::signal(SIGPIPE, SIG_IGN);
  env::keep_heap_warm(std::size_t{1} << 20);
  ServeProcess process(settings, *address, options, std::move(*socket));
  spdlog::info("serving '{}' at {}", settings.name, settings.http);
  process.run();
  // The journal's thread looks up once a second: nobody is to wait for that.
  spdlog::shutdown();
  ::_exit(0);
}

}  // namespace shmconf::http
