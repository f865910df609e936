#include "supervisor/log.h"

#include <unistd.h>

#include <memory>

#include <spdlog/spdlog.h>

#include "supervisor/unblocked_sink.h"

namespace shmconf::supervisor {

void start_log(const std::string& process, settings::Log::Level level) {
  auto logger = std::make_shared<spdlog::logger>(process, std::make_shared<UnblockedSink>(STDERR_FILENO));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %n[%P] %l: %v");
  spdlog::set_default_logger(std::move(logger));
  set_log_level(level);
}

void set_log_level(settings::Log::Level level) {
  using settings::Log;
  switch (level) {
    case Log::Level::kTrace:
      return spdlog::set_level(spdlog::level::trace);
    case Log::Level::kDebug:
      return spdlog::set_level(spdlog::level::debug);
    case Log::Level::kInfo:
      return spdlog::set_level(spdlog::level::info);
    case Log::Level::kWarn:
      return spdlog::set_level(spdlog::level::warn);
    case Log::Level::kError:
      return spdlog::set_level(spdlog::level::err);
    case Log::Level::kOff:
      return spdlog::set_level(spdlog::level::off);
  }
}

}  // namespace shmconf::supervisor
