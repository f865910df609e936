#include "manual/settings_page.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "settings/field_table.h"

namespace shmconf::manual {
namespace {

std::string_view trimmed(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t") + 1 - begin);
}

std::string_view without_comma(std::string_view line) {
  if (line.ends_with(',')) line.remove_suffix(1);
  return line;
}

// A key of the reference with what stands above and behind it.
struct Entry {
  std::vector<std::string> path;
  std::string comment;
  std::string value;   // as it is written there; empty: an object
  std::string listed;  // the lines of a list
};

// The reference taken apart, line by line.
class Reference {
 public:
  explicit Reference(std::string_view text) {
    while (!text.empty()) {
      const std::size_t newline = text.find('\n');
      take(text.substr(0, newline));
      text.remove_prefix(newline == text.npos ? text.size() : newline + 1);
    }
  }

  std::string opening;  // the comment above the whole
  std::vector<Entry> entries;

 private:
  void take(std::string_view whole) {
    const std::string_view line = without_comma(trimmed(whole));
    if (in_list_) {
      if (line != "]") entries.back().listed += std::string(whole) + "\n";
      in_list_ = line != "]";
    } else if (line.starts_with("//")) {
      const std::string_view words = trimmed(trimmed(whole).substr(2));
      comment_ += words.empty() ? ".sp\n" : prose(words) + "\n";
    } else if (line == "{") {
      opening = std::exchange(comment_, {});
    } else if (line == "}") {
      if (!place_.empty()) place_.pop_back();
    } else if (line.starts_with('"')) {
      take_key(line);
    }
  }

  void take_key(std::string_view line) {
    const std::size_t end = line.find('"', 1);
    const std::string key(line.substr(1, end - 1));
    const std::string_view value = trimmed(line.substr(std::min(line.size(), end + 2)));
    Entry entry{place_, std::exchange(comment_, {}), std::string(value), {}};
    entry.path.push_back(key);
    if (value == "{") {
      place_.push_back(key);
      entry.value.clear();
    }
    in_list_ = value == "[";
    entries.push_back(std::move(entry));
  }

  std::vector<std::string> place_;
  std::string comment_;
  bool in_list_ = false;
};

std::string joined(const std::vector<std::string>& path, std::string_view with) {
  std::string text;
  for (const std::string& part : path) text += (text.empty() ? "" : std::string(with)) + part;
  return text;
}

std::string pointer_of(const Entry& entry) { return std::string("/").append(joined(entry.path, "/")); }

std::string sentence(std::string_view words) {
  std::string text(words);
  if (!text.empty()) text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return prose(text) + ".\n";
}

std::string described(const Entry& entry, const settings::Field* field) {
  std::string page = ".TP\n" + bold(joined(entry.path, "."));
  if (!entry.value.empty() && entry.value != "[") page += ": " + plain(entry.value);
  page += "\n";
  // Of several keys that share a comment, only the first has more than its variables.
  if (field != nullptr && entry.comment.starts_with('$')) page += sentence(field->about);
  page += entry.comment;
  if (!entry.listed.empty()) page += ".IP\n" + literal(entry.listed);
  return page;
}

// What keeps the reference from being complete.
std::optional<std::string> gap(const Reference& reference) {
  for (const settings::Field& field : settings::field_table()) {
    if (field.path.empty()) continue;
    const auto found = std::find_if(reference.entries.begin(), reference.entries.end(),
                                    [&](const Entry& entry) { return pointer_of(entry) == field.path; });
    if (found == reference.entries.end()) return "lacks the setting " + std::string(field.path);
    if (found->comment.empty()) return "says nothing of " + std::string(field.path);
  }
  for (const Entry& entry : reference.entries) {
    const bool for_editors = entry.path.back().starts_with('$');
    if (!entry.value.empty() && !for_editors && settings::field_by_path(pointer_of(entry)) == nullptr) {
      return "has " + pointer_of(entry) + ", which is no setting";
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> settings_page(std::string_view text, const Edition& edition) {
  const Reference reference(text);
  if (const auto missing = gap(reference)) return Error{ErrorCode::kInvalid, "the reference " + *missing};
  std::string page = title("SHMCONF.JSON", 5, edition);
  page +=
      ".SH NAME\n"
      "shmconf.json \\- settings of shmconf\n"
      ".SH DESCRIPTION\n" + reference.opening +
      ".SH SETTINGS\n" +
      prose("Each with its default, or with an example where it has none. A dot stands for an object inside an object.") +
      "\n";
  for (const Entry& entry : reference.entries) page += described(entry, settings::field_by_path(pointer_of(entry)));
  return page +
         ".SH FILES\n"
         ".TP\n" + italic("/usr/share/doc/shmconf/examples/shmconf.json") + "\nAll of this as a file to begin with.\n"
         ".SH SEE ALSO\n"
         ".BR shmconf (1)\n";
}

}  // namespace shmconf::manual
