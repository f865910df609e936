#include "dev/consul_json.h"

#include <array>
#include <cstdint>

namespace shmconf::dev {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Builds indented or compact JSON, like Go's encoder with four blanks.
class Writer {
 public:
  explicit Writer(Layout layout) : pretty_(layout == Layout::kPretty) {}

  void open(char bracket) {
    text_ += bracket;
    ++depth_;
    first_ = true;
  }
  void close(char bracket) {
    --depth_;
    if (!first_) line();
    text_ += bracket;
    first_ = false;
  }
  // Before each element, and before each name.
  void next() {
    if (!first_) text_ += ',';
    first_ = false;
    line();
  }
  void member(std::string_view name, std::string_view json) {
    next();
    text_ += quoted(name);
    text_ += pretty_ ? ": " : ":";
    text_ += json;
  }
  void raw(std::string_view json) { text_ += json; }
  // What Consul sends: an indented body ends with a newline.
  std::string finish() && {
    if (pretty_) text_ += '\n';
    return std::move(text_);
  }

 private:
  void line() {
    if (!pretty_) return;
    text_ += '\n';
    text_.append(static_cast<std::size_t>(depth_) * 4, ' ');
  }

  bool pretty_;
  bool first_ = true;
  int depth_ = 0;
  std::string text_;
};

void write_entry(Writer& out, std::string_view key, const Entry& entry, bool without_value = false) {
  out.open('{');
  out.member("LockIndex", "0");
  out.member("Key", quoted(key));
  out.member("Flags", std::to_string(entry.flags));
  const bool no_bytes = without_value || entry.value.empty();
  out.member("Value", no_bytes ? "null" : '"' + encode_base64(entry.value) + '"');
  out.member("CreateIndex", std::to_string(entry.create_index));
  out.member("ModifyIndex", std::to_string(entry.modify_index));
  out.close('}');
}

// Length of the UTF-8 sequence at the front of text; 0 when there is none. Surrogates, overlong
// forms and numbers above U+10FFFF are none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if (lead == 0xe0 && second < 0xa0) return 0;
  if (lead == 0xed && second >= 0xa0) return 0;
  if (lead == 0xf0 && second < 0x90) return 0;
  if (lead == 0xf4 && second >= 0x90) return 0;
  return length;
}

// An ASCII character as Go's encoder writes it: also '<', '>' and '&' are escaped.
void append_ascii(std::string& into, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    into += {'\\', c};
  } else if (c == '\n' || c == '\r' || c == '\t') {
    into += {'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : 't'};
  } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
    into += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  } else {
    into += c;
  }
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto sequence = text.substr(0, length);
    if (length == 0) {
      result += "\\ufffd";
    } else if (length == 1) {
      append_ascii(result, text[0]);
    } else if (sequence == "\xe2\x80\xa8" || sequence == "\xe2\x80\xa9") {  // end a JavaScript line
      result += sequence == "\xe2\x80\xa8" ? "\\u2028" : "\\u2029";
    } else {
      result += sequence;
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result + '"';
}

std::string encode_base64(std::string_view bytes) {
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t present = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < present ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) result += j <= present ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return result;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.size() > padding && text[text.size() - 1 - padding] == '=') ++padding;
  std::string result;
  result.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    for (std::size_t j = i; j < i + 4; ++j) {
      const auto digit = j >= text.size() - padding ? 0 : kAlphabet.find(text[j]);
      if (digit == std::string_view::npos) return std::nullopt;
      group = group << 6 | static_cast<std::uint32_t>(digit);
    }
    for (const int shift : {16, 8, 0}) result += static_cast<char>(group >> shift & 255);
  }
  result.resize(result.size() - (result.empty() ? 0 : padding));
  return result;
}

std::string render_entries(const KvStore::Range& range, Layout layout) {
  Writer out(layout);
  out.open('[');
  for (auto i = range.begin; i != range.end; ++i) {
    out.next();
    write_entry(out, i->first, i->second);
  }
  out.close(']');
  return std::move(out).finish();
}

std::string render_entry(std::string_view key, const Entry& entry, Layout layout) {
  Writer out(layout);
  out.open('[');
  out.next();
  write_entry(out, key, entry);
  out.close(']');
  return std::move(out).finish();
}

std::string render_strings(const std::vector<std::string>& strings, Layout layout) {
  Writer out(layout);
  out.open('[');
  for (const auto& text : strings) {
    out.next();
    out.raw(quoted(text));
  }
  out.close(']');
  return std::move(out).finish();
}

std::string render_txn(const KvStore::TxnResult& result, bool read_only, Layout layout) {
  Writer out(layout);
  out.open('{');
  out.member("Results", result.errors.empty() ? "" : "null");
  if (result.errors.empty()) {
    out.open('[');
    for (const auto& item : result.items) {
      out.next();
      out.open('{');
      out.member("KV", "");
      write_entry(out, item.key, item.entry, item.without_value);
      out.close('}');
    }
    out.close(']');
  }
  out.member("Errors", result.errors.empty() ? "null" : "");
  if (!result.errors.empty()) {
    out.open('[');
    for (const auto& error : result.errors) {
      out.next();
      out.open('{');
      out.member("OpIndex", std::to_string(error.operation));
      out.member("What", quoted(error.what));
      out.close('}');
    }
    out.close(']');
  }
  if (read_only) {
    out.member("Index", "0");
    out.member("LastContact", "0");
    out.member("KnownLeader", "true");
    out.member("ConsistencyLevel", "\"\"");
  }
  out.close('}');
  return std::move(out).finish();
}

}  // namespace shmconf::dev
