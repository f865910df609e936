#include "bench/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace shmconf::bench {

namespace {

// Three digits, so that figures of every size read alike.
std::string number(double value) {
  char text[64];
  const double size = std::fabs(value);
  std::snprintf(text, sizeof text, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
  return text;
}

std::string both(const Spread& spread, const std::string& unit) {
  return number(spread.median) + " / " + number(spread.p99) + " " + unit;
}

double compared(const Measure& measure, Bar::Of of) {
  const auto figure = [&](const Spread& spread) { return measure.p99_counts ? spread.p99 : spread.median; };
  const double ours = figure(measure.ours);
  if (of == Bar::Of::kOurs || !measure.peer) return ours;
  return of == Bar::Of::kRatio ? ours / figure(*measure.peer) : ours - figure(*measure.peer);
}

std::string text_of_comparison(const Measure& measure) {
  const Bar::Of of = measure.bar ? measure.bar->of : Bar::Of::kRatio;
  if (!measure.peer) return "";
  if (of == Bar::Of::kDifference) {
    const double more = compared(measure, of);
    return (more < 0 ? "" : "+") + number(more) + " " + measure.unit;
  }
  const double ratio = compared(measure, Bar::Of::kRatio);
  // "0.00" says nothing of a peer that is a thousand times slower.
  return ratio < 0.01 ? "1/" + number(1 / ratio) : number(ratio);
}

std::string text_of_bar(const Measure& measure) {
  if (!measure.bar) return "";
  const std::string sign = measure.bar->at_least ? ">= " : "<= ";
  const std::string about = measure.p99_counts ? " (p99)" : "";
  switch (measure.bar->of) {
    case Bar::Of::kRatio: return sign + number(measure.bar->limit) + about;
    case Bar::Of::kDifference: return sign + "+" + number(measure.bar->limit) + " " + measure.unit + about;
    case Bar::Of::kOurs: break;
  }
  return sign + number(measure.bar->limit) + " " + measure.unit + about;
}

std::string verdict(const Measure& measure) {
  if (!measure.bar) return "";
  const double figure = compared(measure, measure.bar->of);
  return (measure.bar->at_least ? figure >= measure.bar->limit : figure <= measure.bar->limit) ? "yes" : "**no**";
}

void append(const std::string& file, const std::string& line) {
  std::ofstream stream(file, std::ios::app);
  stream << line << '\n';
  if (!stream.flush()) {
    std::fprintf(stderr, "bench: cannot write %s\n", file.c_str());
    std::exit(1);
  }
}

}  // namespace

double percentile(std::vector<double> samples, double share) {
  if (samples.empty()) return std::nan("");
  std::sort(samples.begin(), samples.end());
  return samples[static_cast<std::size_t>(std::ceil(share * static_cast<double>(samples.size() - 1)))];
}

Spread spread_of(std::vector<double> samples) {
  return {.median = percentile(samples, 0.5), .p99 = percentile(samples, 0.99)};
}

Report::Report(int& argc, char** argv)
    : rows_file_(take_flag(argc, argv, "--rows", "")), points_file_(take_flag(argc, argv, "--points", "")) {}

void Report::add(const Measure& measure) {
  const std::string ours = both(measure.ours, measure.unit);
  const std::string peer = measure.peer ? measure.peer_name + " " + both(*measure.peer, measure.unit) : "";
  std::printf("%-64s %-24s %-50s %-10s %-16s %s\n", measure.what.c_str(), ours.c_str(), peer.c_str(),
              text_of_comparison(measure).c_str(), text_of_bar(measure).c_str(), verdict(measure).c_str());
  std::fflush(stdout);
  if (rows_file_.empty()) return;
  append(rows_file_, "| " + measure.what + " | " + ours + " | " + peer + " | " + text_of_comparison(measure) + " | " +
                         text_of_bar(measure) + " | " + verdict(measure) + " |");
}

void Report::add_point(const std::string& series, std::size_t keys, double value) {
  if (points_file_.empty()) return;
  append(points_file_, series + "\t" + std::to_string(keys) + "\t" + std::to_string(value));
}

std::string take_flag(int& argc, char** argv, const std::string& flag, const std::string& otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (flag != argv[i]) continue;
    std::string value = argv[i + 1];
    std::copy(argv + i + 2, argv + argc + 1, argv + i);
    argc -= 2;
    return value;
  }
  return otherwise;
}

long take_number(int& argc, char** argv, const std::string& flag, long otherwise) {
  const std::string text = take_flag(argc, argv, flag, "");
  if (text.empty()) return otherwise;
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (*end != '\0' || value < 1) {
    std::fprintf(stderr, "bench: %s takes a number of 1 or more, not '%s'\n", flag.c_str(), text.c_str());
    std::exit(2);
  }
  return value;
}

}  // namespace shmconf::bench
