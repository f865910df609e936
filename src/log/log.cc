#include "log/log.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <spdlog/spdlog.h>

#include "log/folding_sink.h"
#include "log/formatter.h"
#include "log/journal_stream.h"
#include "log/unblocked_sink.h"

namespace shmconf::log {
namespace {

using Level = settings::Log::Level;
using Format = settings::Log::Format;

// What the default logger was made of. spdlog keeps that logger in a global too.
struct Log {
  std::string name;
  settings::Log how;
  std::shared_ptr<FoldingSink> lines;
};

Log& current() {
  static Log log;
  return log;
}

Format resolved(Format format) {
  if (format != Format::kAuto) return format;
  const char* stream = ::secure_getenv("JOURNAL_STREAM");
  return stream != nullptr && is_journal_stream(stream, STDERR_FILENO) ? Format::kJournald : Format::kText;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kTrace: return spdlog::level::trace;
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
    case Level::kOff: return spdlog::level::off;
  }
  return spdlog::level::info;
}

void choose_formatter() {
  current().lines->set_formatter(make_formatter(resolved(current().how.format), current().name));
}

}  // namespace

void start(const std::string& process, const std::string& name, const settings::Log& how) {
  auto lines = std::make_shared<FoldingSink>(std::make_shared<UnblockedSink>(STDERR_FILENO));
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(process, lines));
  spdlog::set_level(to_spdlog(how.level));
  current() = {.name = name, .how = how, .lines = std::move(lines)};
  choose_formatter();
}

void change(const settings::Log& how) {
  if (current().lines == nullptr) return;
  const Level before = std::exchange(current().how, how).level;
  choose_formatter();
  if (how.level == before) return;
  spdlog::set_level(to_spdlog(how.level));
  const auto name = spdlog::level::to_string_view(to_spdlog(how.level));
  const std::string text = "the log's level is now " + std::string(name.data(), name.size());
  // Past the logger, whose level might keep this back.
  current().lines->log({spdlog::default_logger_raw()->name(), spdlog::level::info, text});
}

void stderr_changed() {
  if (current().lines != nullptr) choose_formatter();
}

bool is_text() { return current().lines == nullptr || resolved(current().how.format) == Format::kText; }

void tell_repetitions() {
  if (current().lines != nullptr) current().lines->tell_repetitions(spdlog::log_clock::now());
}

Level more_verbose(Level level) { return level == Level::kTrace ? level : Level(static_cast<int>(level) - 1); }

Level less_verbose(Level level) { return level >= Level::kError ? level : Level(static_cast<int>(level) + 1); }

}  // namespace shmconf::log
