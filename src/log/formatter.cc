#include "log/formatter.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>

#include "log/fields.h"

namespace shmconf::log {
namespace {

using spdlog::details::log_msg;
using Json = Fields::Json;

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%e%z shmconf %n[%P] %l: %v";
constexpr const char* kJournalPattern = "%n: %v";
constexpr const char* kTimePattern = "%Y-%m-%dT%H:%M:%S.%eZ";  // RFC 3339

std::string_view to_view(spdlog::string_view_t text) { return {text.data(), text.size()}; }

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (!is_control(c)) {
      line += c;
      continue;
    }
    char escaped[5];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    line += escaped;
  }
  return line;
}

// The numbers of syslog(3).
char priority(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical: return '2';
    case spdlog::level::err: return '3';
    case spdlog::level::warn: return '4';
    case spdlog::level::info: return '6';
    default: return '7';
  }
}

class LineFormatter final : public spdlog::formatter {
 public:
  enum class Prefix : bool { kNone, kPriority };

  LineFormatter(std::string pattern, Prefix prefix)
      : pattern_(std::move(pattern)), prefix_(prefix), line_(pattern_) {}

  void format(const log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string text = on_one_line(to_view(message.payload));
    log_msg plain = message;
    plain.payload = text;
    if (prefix_ == Prefix::kPriority) {
      for (const char c : {'<', priority(message.level), '>'}) out.push_back(c);
    }
    line_.format(plain, out);
  }

  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(pattern_, prefix_);
  }

 private:
  const std::string pattern_;
  const Prefix prefix_;
  spdlog::pattern_formatter line_;
};

class JsonFormatter final : public spdlog::formatter {
 public:
  explicit JsonFormatter(std::string name)
      : name_(std::move(name)), time_(kTimePattern, spdlog::pattern_time_type::utc, "") {}

  void format(const log_msg& message, spdlog::memory_buf_t& out) override {
    std::string text(to_view(message.payload));
    std::string line = written(message, text);
    if (line.size() > PIPE_BUF) {
      // What is cut is at least as long once it is escaped; a sign cut in two grows by two bytes.
      const std::size_t excess = line.size() - PIPE_BUF + std::string_view("...").size() + 2;
      text.resize(text.size() - std::min(text.size(), excess));
      line = written(message, text + "...");
    }
    out.append(line.data(), line.data() + line.size());
  }

  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>(name_);
  }

 private:
  std::string written(const log_msg& message, const std::string& text) {
    spdlog::memory_buf_t time;
    time_.format(message, time);
    Json line{{"time", std::string(time.data(), time.size())},
              {"level", to_view(spdlog::level::to_string_view(message.level))},
              {"process", to_view(message.logger_name)},
              {"pid", ::getpid()},
              {"name", name_},
              {"message", text}};
    if (const Json* fields = Fields::current()) line.update(*fields);
    return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }

  const std::string name_;
  spdlog::pattern_formatter time_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> make_formatter(settings::Log::Format format, std::string name) {
  using Format = settings::Log::Format;
  if (format == Format::kJson) return std::make_unique<JsonFormatter>(std::move(name));
  if (format == Format::kJournald) {
    return std::make_unique<LineFormatter>(kJournalPattern, LineFormatter::Prefix::kPriority);
  }
  return std::make_unique<LineFormatter>(kTextPattern, LineFormatter::Prefix::kNone);
}

}  // namespace shmconf::log
