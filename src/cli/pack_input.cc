#include "cli/pack_input.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "cli/console.h"
#include "consul/base64.h"

namespace shmconf::cli {
namespace {

using nlohmann::json;

constexpr std::string_view kShapes =
    R"(expected {"key": "text", ...}, or the array that `consul kv export` prints)";

// True where `shmconf dump` hides the value.
constexpr std::string_view kMaskedMember = "masked";

// Members of an element of the array that carry no configuration.
bool is_ignored_member(std::string_view name) {
  return name == "createindex" || name == "modifyindex" || name == "lockindex" || name == "session" ||
         name == "namespace" || name == "partition";
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// Takes the parser's events one by one: a document object model would silently keep the last of two
// equal keys, and turn the largest flags into doubles.
class PackInputEvents : public nlohmann::json_sax<json> {
 public:
  [[nodiscard]] std::vector<PackedKey> take_keys() { return std::move(keys_); }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  // Where the text stopped being JSON, counted from 1, when that is the problem.
  [[nodiscard]] std::optional<std::size_t> bad_byte() const { return bad_byte_; }

  bool null() override {
    if (depth_ == 2 && shape_ == Shape::kArray && member_ == "value") return set_value({});
    return scalar("null");
  }
  bool boolean(bool value) override;
  bool number_integer(number_integer_t) override {
    if (at_flags()) return refuse("the flags are negative: they are a whole number of 64 bits");
    return scalar("a number");
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (!at_flags()) return scalar("a number");
    current_.flags = number;
    return true;
  }
  bool number_float(number_float_t, const string_t&) override {
    if (at_flags()) return refuse("the flags are not a whole number of 64 bits");
    return scalar("a number");
  }
  bool string(string_t& text) override;
  bool binary(binary_t&) override { return scalar("binary"); }
  bool start_object(std::size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    bad_byte_ = position;
    return false;
  }

 private:
  enum class Shape { kNone, kObject, kArray };

  [[nodiscard]] bool at_flags() const {
    return depth_ == 2 && shape_ == Shape::kArray && member_ == "flags";
  }
  bool refuse(std::string problem) {
    problem_ = where() + std::move(problem);
    return false;
  }
  [[nodiscard]] std::string where() const;
  bool scalar(std::string_view what);
  bool set_value(std::string_view base64);

  Shape shape_ = Shape::kNone;
  int depth_ = 0;
  std::string member_;         // of the element of the array, in small letters; or the object's key
  PackedKey current_;
  bool has_key_ = false;
  bool has_value_ = false;
  std::vector<PackedKey> keys_;
  std::string problem_;
  std::optional<std::size_t> bad_byte_;
};

std::string PackInputEvents::where() const {
  if (shape_ == Shape::kObject && depth_ == 1) return "key '" + escaped(member_) + "': ";
  if (shape_ != Shape::kArray) return "";
  std::string text = "element " + std::to_string(keys_.size() + 1);
  if (has_key_) text += " (key '" + escaped(current_.key) + "')";
  return text + ": ";
}

bool PackInputEvents::scalar(std::string_view what) {
  if (depth_ == 0) return refuse(std::string(kShapes) + ", found " + std::string(what));
  if (shape_ == Shape::kObject) {
    return refuse("the value is " + std::string(what) + ", but a value is text: write it in quotes");
  }
  if (depth_ == 1) return refuse("found " + std::string(what) + R"(, expected {"key", "flags", "value"})");
  if (is_ignored_member(member_)) return true;
  return refuse("'" + escaped(member_) + "' is " + std::string(what) +
                ", expected a string (value: in base64) or, for the flags, a whole number");
}

bool PackInputEvents::boolean(bool value) {
  if (depth_ != 2 || shape_ != Shape::kArray || member_ != kMaskedMember) return scalar("a bool");
  if (!value) return true;
  return refuse("the value is masked, which nobody must be given as a value: dump again with --show-secrets");
}

bool PackInputEvents::set_value(std::string_view base64) {
  std::string bytes(base64.size(), '\0');
  const auto length = consul::decode_base64(base64, bytes.data());
  if (!length) {
    return refuse("the value is not base64: encode it, or write the file as {\"key\": \"text\"}");
  }
  bytes.resize(*length);
  current_.value = std::move(bytes);
  has_value_ = true;
  return true;
}

bool PackInputEvents::string(string_t& text) {
  if (depth_ == 0 || (depth_ == 1 && shape_ == Shape::kArray)) return scalar("a string");
  if (shape_ == Shape::kObject) {
    current_.value = std::move(text);
    keys_.push_back(std::exchange(current_, {}));
    return true;
  }
  if (member_ == "value") return set_value(text);
  if (member_ != "key") return scalar("a string");
  if (text.empty()) return refuse("the key is empty");
  current_.key = std::move(text);
  has_key_ = true;
  return true;
}

bool PackInputEvents::start_object(std::size_t) {
  if (depth_ == 0) {
    shape_ = Shape::kObject;
  } else if (shape_ == Shape::kObject) {
    return refuse("the value is an object, but a value is text: write the JSON itself as a quoted string");
  } else if (depth_ != 1) {
    return refuse("'" + escaped(member_) + "' is an object, expected a string");
  }
  ++depth_;
  return true;
}

bool PackInputEvents::start_array(std::size_t) {
  if (depth_ == 0) {
    shape_ = Shape::kArray;
  } else if (shape_ == Shape::kObject) {
    return refuse("the value is an array, but a value is text: write the JSON itself as a quoted string");
  } else if (depth_ == 1) {
    return refuse(R"(found an array, expected {"key", "flags", "value"})");
  } else {
    return refuse("'" + escaped(member_) + "' is an array, expected a string");
  }
  ++depth_;
  return true;
}

bool PackInputEvents::key(string_t& name) {
  if (shape_ == Shape::kObject) {
    member_ = name;
    if (name.empty()) return refuse("the key is empty");
    current_.key = std::move(name);
    return true;
  }
  member_ = lower(name);
  const bool known = member_ == "key" || member_ == "value" || member_ == "flags" || member_ == kMaskedMember;
  if (known || is_ignored_member(member_)) return true;
  return refuse("unknown member '" + escaped(name) + "', expected key, flags and value");
}

bool PackInputEvents::end_object() {
  if (shape_ == Shape::kArray) {
    if (!has_key_) return refuse("there is no 'key'");
    if (!has_value_) return refuse("there is no 'value'");
    keys_.push_back(std::exchange(current_, {}));
    has_key_ = has_value_ = false;
  }
  --depth_;
  return true;
}

// "line 3, column 7: " of a byte counted from 1.
std::string place_of(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte == 0 ? 0 : byte - 1);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t last_break = before.rfind('\n');
  const std::size_t column = before.size() - (last_break == std::string_view::npos ? 0 : last_break + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
}

Error invalid(std::string text) { return Error{ErrorCode::kInvalid, std::move(text)}; }

}  // namespace

Result<std::vector<PackedKey>> parse_pack_input(std::string_view text) {
  // The parser would take a NUL, which JSON never holds, for the end of the text.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
    return invalid(place_of(text, zero + 1) + "this is not JSON but a NUL; " + std::string(kShapes));
  }
  PackInputEvents events;
  // The parser's own words may repeat a value, which may be a secret, so only its position is used.
  bool read = false;
  try {
    read = json::sax_parse(text.begin(), text.end(), &events);
  } catch (const std::exception&) {
    read = false;
  }
  if (!read && !events.problem().empty()) return invalid(events.problem());
  if (!read) {
    return invalid(place_of(text, events.bad_byte().value_or(0)) + "this is not JSON; " +
                   std::string(kShapes));
  }
  std::vector<PackedKey> keys = events.take_keys();
  std::sort(keys.begin(), keys.end(), [](const PackedKey& a, const PackedKey& b) { return a.key < b.key; });
  const auto same_key = [](const PackedKey& a, const PackedKey& b) { return a.key == b.key; };
  const auto twice = std::adjacent_find(keys.begin(), keys.end(), same_key);
  if (twice != keys.end()) {
    return invalid("key '" + escaped(twice->key) + "' is there twice: keep one of them");
  }
  return keys;
}

namespace {

// An element up to what follows its flags. Error kInvalid: the key is not UTF-8.
Result<std::string> element_begin(std::string_view key, std::uint64_t flags) {
  try {
    return "\t{\n\t\t\"key\": " + json(key).dump() + ",\n\t\t\"flags\": " + std::to_string(flags) + ",\n\t\t";
  } catch (const json::exception&) {
    return invalid("key '" + escaped(key) + "' is not UTF-8, which JSON cannot carry: dump without --json");
  }
}

}  // namespace

Result<std::string> export_entry(std::string_view key, std::uint64_t flags, std::string_view value) {
  const auto begin = element_begin(key, flags);
  if (!begin) return begin.error();
  return *begin + "\"value\": \"" + consul::encode_base64(value) + "\"\n\t}";
}

Result<std::string> masked_entry(std::string_view key, std::uint64_t flags, std::string_view masked) {
  const auto begin = element_begin(key, flags);
  if (!begin) return begin.error();
  // The mark comes first: whoever reads in order knows what the value is when it comes.
  return *begin + "\"masked\": true,\n\t\t\"value\": " + json(masked).dump() + "\n\t}";
}

}  // namespace shmconf::cli
