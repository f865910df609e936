#include "cli/top_text.h"

#include <algorithm>
#include <utility>

#include "cli/console.h"

namespace shmconf::cli {
namespace {

constexpr std::size_t kNameColumn = 15;  // as in `shmconf status`
constexpr std::size_t kWidestKey = 40;
constexpr std::size_t kMostChanges = 8;
constexpr std::size_t kFewestKeys = 3;
constexpr std::size_t kLongestCharacterBytes = 4;

using Lines = std::vector<StyledLine>;

Style style_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kLive: return Style::kGood;
    case Verdict::kStale:
    case Verdict::kBackup: return Style::kWarning;
    case Verdict::kDead: return Style::kBad;
  }
  return Style::kBad;
}

StyledLine named(std::string_view name, Style style, std::string text) {
  std::string column = std::string(name) + std::string(kNameColumn - name.size(), ' ');
  return {{Style::kFaint, std::move(column)}, {style, std::move(text)}};
}

void add_role(Lines& lines, std::string_view name, const RoleStatus& role) {
  const Style style = role.alive || role.starts == 0 ? Style::kPlain : Style::kBad;
  lines.push_back(named(name, style, display::role_line(role)));
  if (!role.failing_for) return;
  std::string failing = "failing for " + display::age_text(*role.failing_for);
  if (const std::string error = display::role_error(role); !error.empty()) failing += ": " + error;
  lines.push_back(named("", Style::kWarning, std::move(failing)));
}

Lines head(const TopView& view) {
  const Status& status = view.status;
  Lines lines;
  lines.push_back({{Style::kStrong, fitted(escaped(view.name), std::max(kNameColumn, view.name.size() + 2))},
                   {style_of(status.verdict), display::verdict_line(status, view.now)}});
  if (!status.problem.empty()) lines.push_back(named("problem", Style::kWarning, escaped(status.problem)));
  lines.push_back(named("configuration", Style::kPlain,
                        counted(status.key_count, "key") + ", " + counted(status.key_value_bytes, "byte") + ", from " +
                            origin_name(status.origin) + " at index " + display::index_list(status)));
  lines.push_back(named("generation", Style::kPlain,
                        std::to_string(status.generation) + ", published " +
                            display::age_text(view.now - status.published) + " ago"));
  lines.push_back(named("last contact", Style::kPlain,
                        status.contact_age ? display::age_text(*status.contact_age) + " ago" : "none"));
  for (std::size_t i = 0; i < display::kRoleNames.size(); ++i) add_role(lines, display::kRoleNames[i], status.roles[i]);
  return lines;
}

// "12:03:04.678" of the day, in UTC.
std::string time_text(WallTime time) {
  const std::string text = display::utc_text(time);
  const std::size_t day = text.find('T');
  return day == std::string::npos ? text : text.substr(day + 1, text.size() - day - 2);
}

StyledLine change_line(const SeenChange& change, std::size_t columns) {
  StyledLine line = {{Style::kFaint, time_text(change.published) + "  "},
                     {Style::kStrong, cut(change.key, columns / 3) + "  "}};
  if (!change.before) line.push_back({Style::kGood, "new "});
  if (change.before) line.push_back({Style::kFaint, cut(*change.before, columns / 4)});
  if (change.before && change.after) line.push_back({Style::kFaint, " -> "});
  line.push_back(change.after ? Span{Style::kPlain, *change.after} : Span{Style::kBad, " removed"});
  return line;
}

// What changed, in `rows` lines at most.
Lines change_lines(const TopView& view, std::size_t rows, std::size_t columns) {
  Lines lines;
  if (rows < 3) return lines;
  lines.emplace_back();
  lines.push_back({{Style::kStrong, "Changes"},
                   {Style::kFaint, view.changes.empty() ? "  none while this was watched" : ""}});
  for (std::size_t i = 0; i < view.changes.size() && lines.size() < rows; ++i) {
    lines.push_back(change_line(view.changes[i], columns));
  }
  return lines;
}

struct KeyLine {
  std::string key;
  std::string value;
};

// The lines of the keys behind the first `skip`, as many as there are or `rows`.
std::vector<KeyLine> key_lines(const TopView& view, std::size_t skip, std::size_t rows, std::size_t most_value_bytes) {
  std::vector<KeyLine> lines;
  Entries entries = view.snapshot.prefix("");
  for (const Entry& entry : entries) {
    if (lines.size() == rows) break;
    if (skip != 0) {
      --skip;
      continue;
    }
    lines.push_back({escaped(entry.key), shown_value(view.words, entry.key, entry.value, most_value_bytes)});
  }
  if (entries.damaged()) lines.push_back({"", "the segment was damaged while it was read: restart the sidecar"});
  return lines;
}

std::size_t key_column(const std::vector<KeyLine>& lines, std::size_t most) {
  std::size_t widest = 0;
  for (const KeyLine& line : lines) widest = std::max(widest, width_of(line.key));
  return std::min(widest, most);
}

void add_keys(Lines& lines, const TopView& view, std::size_t columns, KeyWindow& window) {
  const std::size_t count = view.snapshot.key_count();
  window.first = std::min(window.first, count > window.rows ? count - window.rows : 0);
  const auto shown = key_lines(view, window.first, window.rows, columns * kLongestCharacterBytes);
  std::string range = "  none";
  if (count != 0) {
    range = "  " + std::to_string(window.first + 1) + "-" + std::to_string(window.first + shown.size()) + " of " +
            std::to_string(count);
  }
  lines.push_back({{Style::kStrong, "Keys"}, {Style::kFaint, std::move(range)}});
  const std::size_t column = key_column(shown, columns / 2);
  for (const KeyLine& line : shown) {
    lines.push_back({{Style::kPlain, fitted(line.key, column) + "  "}, {Style::kStrong, line.value}});
  }
}

}  // namespace

std::string shown_value(const SecretWords& words, std::string_view key, std::string_view value,
                        std::size_t most_bytes) {
  if (const auto masked = words.masked(key, value)) return escaped(std::string_view(*masked).substr(0, most_bytes));
  return escaped(value.substr(0, most_bytes));
}

std::vector<StyledLine> top_lines(const TopView& view, std::size_t rows, std::size_t columns, KeyWindow& window) {
  Lines lines = head(view);
  // Behind the head: the changes, an empty line, the keys with their title, an empty line, and help.
  const std::size_t fixed = lines.size() + 4;
  const std::size_t left = rows > fixed ? rows - fixed : 0;
  const std::size_t for_changes = left > kFewestKeys ? std::min(left - kFewestKeys, kMostChanges + 2) : 0;
  Lines changes = change_lines(view, for_changes, columns);
  window.rows = left - changes.size();
  std::move(changes.begin(), changes.end(), std::back_inserter(lines));
  if (window.rows != 0) {
    lines.emplace_back();
    add_keys(lines, view, columns, window);
  }
  if (lines.size() >= rows) {
    lines.resize(rows);  // too small a terminal keeps the verdict
    return lines;
  }
  lines.resize(rows - 1);
  lines.push_back({{Style::kFaint, "q: quit   arrows, page up and down, home, end: move through the keys"}});
  return lines;
}

std::string top_text(const TopView& view) {
  std::string text = display::status_text(view.status, view.name, view.now) + "\n";
  const auto lines = key_lines(view, 0, view.snapshot.key_count(), std::string::npos);
  const std::size_t column = key_column(lines, kWidestKey);
  for (const KeyLine& line : lines) {
    const std::size_t width = width_of(line.key);
    text += line.key + std::string(std::max(column, width) - width, ' ') + "  " + line.value + "\n";
  }
  return text;
}

}  // namespace shmconf::cli
