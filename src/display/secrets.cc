#include "display/secrets.h"

#include <algorithm>
#include <array>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

namespace shmconf::display {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 7> kWords = {"password", "passwd",     "passphrase", "secret",
                                                    "token",    "credential", "key"};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// Deeper ones are no documents to the publisher either, and a path in them may be as long as the value.
constexpr std::size_t kDeepest = 64;

// Writes a document down as the parser meets it.
class MaskedDocument : public nlohmann::json_sax<json> {
 public:
  MaskedDocument(const SecretWords& words, std::string_view key) : words_(words), path_(key) {}

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool hid_something() const { return hid_something_; }

  bool null() override { return leaf("null"); }
  bool boolean(bool value) override { return leaf(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return leaf(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return leaf(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& as_written) override { return leaf(as_written); }
  bool string(string_t& value) override { return leaf(quoted(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open('{'); }
  bool start_array(std::size_t) override { return open('['); }
  bool end_object() override { return close('}'); }
  bool end_array() override { return close(']'); }
  bool key(string_t& name) override {
    separate();
    path_.resize(open_.back().path_bytes);
    path_ += '/';
    path_ += name;
    text_ += quoted(name) + ": ";
    after_name_ = true;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  struct Open {
    std::size_t path_bytes;
    bool is_empty = true;
  };

  static std::string quoted(const std::string& text) { return json(text).dump(); }

  // Between two members or elements.
  void separate() {
    if (std::exchange(after_name_, false) || open_.empty()) return;
    if (!std::exchange(open_.back().is_empty, false)) text_ += ", ";
  }
  bool leaf(const std::string& written) {
    separate();
    const bool hide = words_.in(path_);
    hid_something_ = hid_something_ || hide;
    text_ += hide ? '"' + std::string(kMask) + '"' : written;
    return true;
  }
  bool open(char bracket) {
    if (open_.size() == kDeepest) return false;
    separate();
    text_ += bracket;
    open_.push_back({.path_bytes = path_.size()});
    return true;
  }
  bool close(char bracket) {
    text_ += bracket;
    path_.resize(open_.back().path_bytes);
    open_.pop_back();
    return true;
  }

  const SecretWords& words_;
  std::string path_;
  std::string text_;
  std::vector<Open> open_;
  bool after_name_ = false;
  bool hid_something_ = false;
};

bool looks_like_a_document(std::string_view value) {
  if (value.starts_with("\xef\xbb\xbf")) value.remove_prefix(3);  // a byte order mark, which the parser skips too
  const std::size_t first = value.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (value[first] == '{' || value[first] == '[');
}

}  // namespace

std::span<const std::string_view> default_secret_words() { return kWords; }

SecretWords::SecretWords(const std::vector<std::string>& more) : words_(kWords.begin(), kWords.end()) {
  for (const std::string& word : more) words_.push_back(lower(word));
}

bool SecretWords::in(std::string_view path) const {
  const std::string small = lower(path);
  return std::any_of(words_.begin(), words_.end(),
                     [&](const std::string& word) { return small.find(word) != std::string::npos; });
}

std::optional<std::string> SecretWords::masked(std::string_view key, std::string_view value) const {
  if (in(key)) return std::string(kMask);
  if (!looks_like_a_document(value)) return std::nullopt;
  MaskedDocument document(*this, key);
  bool read = false;
  try {
    read = json::sax_parse(value.begin(), value.end(), &document);
  } catch (const std::exception&) {
    read = false;
  }
  if (!read) return in(value) ? std::optional(std::string(kMask)) : std::nullopt;
  if (!document.hid_something()) return std::nullopt;
  return document.text();
}

}  // namespace shmconf::display
