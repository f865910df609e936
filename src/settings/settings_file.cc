#include "settings/settings_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "settings/duplicate_keys.h"
#include "settings/suggestion.h"
#include "settings/text_file.h"

namespace shmconf::settings {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestFileBytes = std::size_t{1} << 20;

std::string line_and_column(const std::string& text, std::size_t byte) {
  const std::size_t end = std::min(byte == 0 ? 0 : byte - 1, text.size());
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  const std::size_t newline = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
  const std::size_t column = newline == std::string::npos ? end + 1 : end - newline;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// The parser's reason without the piece of the file that it quotes, which may be a secret.
std::string reason(const std::string& what) {
  const std::size_t dash = what.find(" - ");
  if (dash == std::string::npos) return {};
  const std::string tail = what.substr(dash + 3);
  std::string out = ": " + tail.substr(0, tail.find(';'));
  const std::size_t expected = tail.rfind("; expected ");
  if (expected != std::string::npos) out += "; expected " + tail.substr(expected + 11);
  return out;
}

struct Parsed {
  json document;
  std::vector<std::string> duplicates;
};

std::variant<Parsed, Complaint> parse(const std::string& text) {
  // The parser would take it for the end of the file.
  if (const std::size_t zero = text.find('\0'); zero != std::string::npos) {
    return Complaint{"a zero byte at " + line_and_column(text, zero + 1), "write the file as UTF-8 text"};
  }
  DuplicateKeys duplicates;
  const auto observe = [&duplicates](int, json::parse_event_t event, json& value) {
    switch (event) {
      case json::parse_event_t::object_start: duplicates.begin_object(); break;
      case json::parse_event_t::array_start: duplicates.begin_array(); break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end: duplicates.end(); break;
      case json::parse_event_t::key: duplicates.key(value.get_ref<const std::string&>()); break;
      case json::parse_event_t::value: duplicates.value(); break;
    }
    return true;
  };
  try {
    json document = json::parse(text, observe, true, true);
    return Parsed{std::move(document), duplicates.found()};
  } catch (const json::parse_error& failure) {
    return Complaint{"not valid JSON at " + line_and_column(text, failure.byte) + reason(failure.what()),
                     "look there for a missing or extra comma, quote or brace; comments are allowed"};
  } catch (const json::exception&) {
    return Complaint{"not valid JSON", "look for a number that is too large to represent"};
  }
}

std::string type_name(const json& value) {
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "true or false";
  if (value.is_number()) return "a number";
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return "null";
}

Complaint wrong_type(const json& value, const std::string& wanted, const std::string& example) {
  std::string hint = "write " + example;
  if (value.is_null()) hint += ", or leave the key out";
  return {"is " + type_name(value) + ", not " + wanted, hint};
}

class FileReader {
 public:
  explicit FileReader(Assembly& assembly) : assembly_(assembly) {}

  void read_object(const json& object, const std::string& path) {
    for (const auto& [key, value] : object.items()) {
      const std::string child = child_path(path, key);
      // For editors: where the schema of this file is. JSON Schema says that such a key is a string.
      if (child == "/$schema" && value.is_string()) continue;
      if (const Field* field = field_by_path(child)) {
        read_field(*field, value, child);
      } else if (!is_section(child)) {
        assembly_.complain(child, {"is not a setting", unknown_hint(path, key)});
      } else if (!value.is_object()) {
        assembly_.complain(child, wrong_type(value, "an object", "an object in braces"));
      } else {
        read_object(value, child);
      }
    }
  }

 private:
  static bool is_section(const std::string& path) {
    const auto fields = field_table();
    return std::any_of(fields.begin(), fields.end(),
                       [&](const Field& f) { return f.path.starts_with(path + "/"); });
  }

  // Names that may stand in the object at this path.
  static std::vector<std::string_view> keys_below(const std::string& path) {
    std::vector<std::string_view> keys;
    for (const Field& field : field_table()) {
      if (!field.path.starts_with(path + "/")) continue;
      const std::string_view rest = field.path.substr(path.size() + 1);
      const std::string_view key = rest.substr(0, rest.find('/'));
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    return keys;
  }

  static std::string unknown_hint(const std::string& path, const std::string& key) {
    // The right key in the wrong section is a likelier slip than a mistyped one.
    for (const Field& field : field_table()) {
      if (field.path.ends_with("/" + key)) return "did you mean " + std::string(field.path) + "?";
    }
    const std::vector<std::string_view> keys = keys_below(path);
    const std::string_view near = nearest(key, keys);
    if (!near.empty()) return "did you mean " + child_path(path, near) + "?";
    std::string hint = "allowed here:";
    for (const std::string_view allowed : keys) {
      hint += (hint.back() == ':' ? " " : ", ") + std::string(allowed);
    }
    return hint;
  }

  void read_field(const Field& field, const json& value, const std::string& path) {
    const Origin origin{Layer::kFile, path};
    if (std::holds_alternative<SwitchSlot>(field.slot)) {
      if (!value.is_boolean()) {
        return assembly_.complain(path, wrong_type(value, "true or false", "true or false without quotes"));
      }
      return assembly_.set_switch(field, value.get<bool>(), origin);
    }
    if (std::holds_alternative<SizeSlot>(field.slot)) {
      if (!value.is_number_unsigned()) {
        return assembly_.complain(path,
                                  {"is not a whole number of bytes", "write digits alone, such as 1048576"});
      }
      return assembly_.set_size(field, value.get<std::uint64_t>(), origin);
    }
    if (std::holds_alternative<SourceListSlot>(field.slot)) return read_sources(value, path);
    if (!value.is_string()) {
      const bool duration = std::holds_alternative<DurationSlot>(field.slot);
      if (!duration) return assembly_.complain(path, wrong_type(value, "a string", "it in double quotes"));
      return assembly_.complain(path, wrong_type(value, "a duration", "number and unit, such as \"30s\""));
    }
    const auto& text = value.get_ref<const std::string&>();
    // Where a value is required, an empty one is a slip and not a wish for the default.
    if (text.empty() && field.path == "/name") {
      return assembly_.complain(path,
                                {"the name is empty", "write a name such as \"web\", or leave the key out"});
    }
    assembly_.set_text(field, text, origin);
  }

  void read_sources(const json& list, const std::string& path) {
    if (!list.is_array()) {
      return assembly_.complain(path,
                                wrong_type(list, "a list", "a list such as [{\"prefix\": \"config/web/\"}]"));
    }
    for (std::size_t i = 0; i < list.size(); ++i) read_source(list[i], child_path(path, std::to_string(i)));
  }

  void read_source(const json& source, const std::string& path) {
    const std::string form = "{\"prefix\": \"config/web/\"} or {\"key\": \"demo-config\"}";
    if (!source.is_object()) return assembly_.complain(path, wrong_type(source, "an object", form));
    bool sound = true;
    for (const auto& [key, value] : source.items()) {
      const std::string child = child_path(path, key);
      if (key != "prefix" && key != "key") {
        assembly_.complain(child, {"is not part of a source", "write " + form});
        sound = false;
      } else if (!value.is_string()) {
        assembly_.complain(child, wrong_type(value, "a string", "it in double quotes"));
        sound = false;
      }
    }
    if (!sound) return;
    if (source.size() != 1) {
      return assembly_.complain(path, {source.empty() ? "names no source" : "names both a prefix and a key",
                                       "write one of them per source: " + form});
    }
    const auto kind = source.contains("prefix") ? Source::Kind::kPrefix : Source::Kind::kKey;
    const std::string key = source.begin().key();
    assembly_.add_source(kind, source.begin()->get_ref<const std::string&>(),
                         {Layer::kFile, child_path(path, key)});
  }

  Assembly& assembly_;
};

}  // namespace

void read_settings_file(const std::string& path, Assembly& assembly) {
  const Result<std::string> text = read_text_file(path, kLargestFileBytes);
  if (!text) {
    return assembly.complain(path, {"the settings file cannot be read: " + text.error().text,
                                    "name a file that this user may read"});
  }
  read_settings_text(*text, path, assembly);
}

void read_settings_text(const std::string& text, const std::string& where, Assembly& assembly) {
  auto parsed = parse(text);
  if (const auto* complaint = std::get_if<Complaint>(&parsed)) return assembly.complain(where, *complaint);
  const auto& [document, duplicates] = std::get<Parsed>(parsed);
  for (const std::string& duplicate : duplicates) {
    assembly.complain(duplicate, {"stands twice in the file", "keep one of the two"});
  }
  if (!document.is_object()) {
    return assembly.complain(where, wrong_type(document, "an object", "the settings in braces"));
  }
  FileReader(assembly).read_object(document, "");
}

}  // namespace shmconf::settings
