#include "fault/chaos/observer.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <utility>

#include "shmconf/result.h"

namespace shmconf::chaos {
namespace {

constexpr bool means_absent(int code) {
  return code == static_cast<int>(ErrorCode::kAbsent) || code == static_cast<int>(ErrorCode::kNotReady);
}

}  // namespace

Observer::Observer(ObserverOptions options, const History& history)
    : options_(std::move(options)), history_(history) {}

void Observer::start() {
  drain();
  output_ = directory_ / std::to_string(++lives_);
  offset_ = 0;
  gap_ = true;
  reads_before_ += std::exchange(reads_, 0);
  harness::Command command;
  command.argv = {CHAOS_READER, options_.mode, options_.directory, options_.backup, output_};
  auto process = harness::Process::spawn(command);
  if (!process) {
    std::fprintf(stderr, "%s\n", process.error().text.c_str());
    std::abort();
  }
  process_.emplace(std::move(*process));
}

void Observer::kill() {
  process_->kill_now();
  drain();
  std::filesystem::remove(output_);
  output_.clear();
}

void Observer::freeze() { process_->freeze(); }

void Observer::thaw() {
  gap_ = true;
  process_->thaw();
}

void Observer::drain() {
  if (output_.empty()) return;
  std::ifstream file(output_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset_));
  std::ostringstream read;
  read << file.rdbuf();
  const std::string text = std::move(read).str();
  // A last line without its end is still being written, or was when its writer was killed.
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    take(std::string_view(text).substr(begin, end - begin));
  }
  offset_ += begin;
}

void Observer::take(std::string_view line) {
  if (line.starts_with("S ")) return take_snapshot(line.substr(2));
  if (line.starts_with("O ")) {
    const int code = std::atoi(std::string(line.substr(2)).c_str());
    if (means_absent(code) && options_.may_be_absent()) return;
  }
  options_.violation("reader " + name() + ": " + std::string(line));
}

void Observer::take_snapshot(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::int64_t time_ns = 0;
  char from = 0;
  words >> time_ns >> from >> reads_;
  Values values;
  for (std::string pair; words >> pair;) {
    const std::size_t equal = pair.rfind('=');
    values.emplace(pair.substr(0, equal), pair.substr(equal + 1));
  }
  ++snapshots_;
  Observation seen{.time = Time(std::chrono::nanoseconds(time_ns)), .from_backup = from == 'b',
                   .first = std::exchange(gap_, false)};
  const std::string problem = history_.identify(values, seen.stamp);
  if (problem.empty()) {
    seen_.push_back(seen);
  } else {
    options_.violation("reader " + name() + ": " + problem);
  }
}

void Observer::forget() {
  if (seen_.size() > 1) seen_.erase(seen_.begin(), seen_.end() - 1);
  // Appending goes on at the beginning.
  if (!output_.empty() && ::truncate(output_.c_str(), 0) == 0) offset_ = 0;
}

}  // namespace shmconf::chaos
