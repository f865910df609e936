#include "log/folding_sink.h"

#include <algorithm>
#include <utility>

#include <spdlog/details/log_msg.h>

#include "log/fields.h"

namespace shmconf::log {

FoldingSink::FoldingSink(spdlog::sink_ptr lines) : lines_(std::move(lines)) {}

FoldingSink::~FoldingSink() {
  try {
    FoldingSink::flush_();
  } catch (const std::exception&) {
    // No memory for a last line.
  }
}

void FoldingSink::tell_repetitions(Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  tell_overdue(now);
}

void FoldingSink::sink_it_(const spdlog::details::log_msg& message) {
  if (message.level < spdlog::level::warn) return lines_->log(message);
  tell_overdue(message.time);
  const auto same = std::find_if(said_.begin(), said_.end(), [&](const Said& said) {
    return said.level == message.level && spdlog::string_view_t(said.text) == message.payload;
  });
  if (same != said_.end()) {
    ++same->repeated;
    return;
  }
  if (said_.size() == kMostLines) {
    tell(said_.front(), message.time);
    said_.erase(said_.begin());
  }
  said_.push_back({.logger = {message.logger_name.data(), message.logger_name.size()},
                   .level = message.level,
                   .text = {message.payload.data(), message.payload.size()},
                   .since = message.time});
  lines_->log(message);
}

void FoldingSink::tell_overdue(Time now) {
  std::vector<Said> kept;
  for (Said& said : said_) {
    // The clock may be set back, too.
    const bool over = now >= said.since + kWindow || now < said.since;
    if (over && said.repeated == 0) continue;
    if (over) {
      tell(said, now);
      said.since = now;
      said.repeated = 0;
    }
    kept.push_back(std::move(said));
  }
  said_ = std::move(kept);
}

void FoldingSink::flush_() {
  for (const Said& said : said_) tell(said, spdlog::log_clock::now());
  said_.clear();
  lines_->flush();
}

void FoldingSink::tell(const Said& said, Time now) {
  if (said.repeated == 0) return;
  const std::string text = said.text + " (and " + std::to_string(said.repeated) +
                           (said.repeated == 1 ? " time" : " times") + " more in the last minute)";
  const Fields fields(Fields::Json{{"repeated", said.repeated}});
  lines_->log({now, {}, said.logger, said.level, text});
}

void FoldingSink::set_pattern_(const std::string& pattern) { lines_->set_pattern(pattern); }

void FoldingSink::set_formatter_(std::unique_ptr<spdlog::formatter> formatter) {
  lines_->set_formatter(std::move(formatter));
}

}  // namespace shmconf::log
