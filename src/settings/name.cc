#include "settings/name.h"

#include <algorithm>
#include <string>

namespace shmconf::settings {
namespace {

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool has_control(std::string_view text) { return std::any_of(text.begin(), text.end(), is_control); }

// The name with every byte that is not allowed turned into '-': something to suggest.
std::string nearest_name(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, kLongestName)) {
    const bool allowed = is_alphanumeric(c) || (!out.empty() && (c == '.' || c == '_' || c == '-'));
    if (allowed) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "web" : out;
}

// Consul's HTTP server redirects "//", "." and ".." away and refuses control characters, so such a
// path could be stored by a transaction but never be asked for.
std::optional<Complaint> examine_kv_path(std::string_view path, const std::string& what) {
  if (has_control(path)) {
    return Complaint{what + " " + in_quotes(path) + " holds a control character",
                     "Consul refuses to serve such a path; leave the character out"};
  }
  if (path.front() == '/') {
    const std::size_t start = path.find_first_not_of('/');
    const bool only_slashes = start == std::string_view::npos;
    const std::string rest(only_slashes ? "config/web/" : path.substr(start));
    return Complaint{what + " " + in_quotes(path) + " begins with '/'",
                     "paths in Consul KV begin without one; write " + in_quotes(rest)};
  }
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") {
      return Complaint{what + " " + in_quotes(path) + " holds an empty, '.' or '..' part",
                       "Consul redirects such a path elsewhere; write it without that part"};
    }
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Complaint> examine_name(std::string_view name) {
  const std::string rule = "use a letter or digit, then letters, digits, '.', '_' or '-', 64 at most";
  if (name.empty()) return Complaint{"the name is empty", rule};
  if (name.size() > kLongestName) {
    const std::string length = std::to_string(name.size());
    return Complaint{"the name " + in_quotes(name) + " has " + length + " characters", rule};
  }
  const bool sound = is_alphanumeric(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
                       return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
                     });
  if (sound) return std::nullopt;
  return Complaint{"the name " + in_quotes(name) + " is not allowed",
                   rule + ", for example " + in_quotes(nearest_name(name))};
}

Result<void> check_name(std::string_view name) {
  if (const auto complaint = examine_name(name)) return to_error(*complaint);
  return {};
}

std::optional<Complaint> examine_prefix(std::string_view prefix) {
  if (prefix.empty()) {
    return Complaint{"the prefix is empty", "name a folder of Consul KV, such as config/web/"};
  }
  if (auto complaint = examine_kv_path(prefix, "the prefix")) return complaint;
  if (prefix.back() != '/') {
    return Complaint{"the prefix " + in_quotes(prefix) + " does not end with '/'",
                     "write " + in_quotes(std::string(prefix) + "/") +
                         "; without it Consul also matches longer names; a single key is a \"key\" source"};
  }
  return std::nullopt;
}

std::optional<Complaint> examine_key(std::string_view key) {
  if (key.empty()) return Complaint{"the key is empty", "name a key of Consul KV, such as demo-config"};
  return examine_kv_path(key, "the key");
}

std::optional<Complaint> examine_word(std::string_view word) {
  const bool sound = std::none_of(word.begin(), word.end(), [](char c) { return is_control(c) || c == ' '; });
  if (sound) return std::nullopt;
  return Complaint{in_quotes(word) + " holds a space or a control character", "write it as one plain word"};
}

std::optional<Complaint> examine_path(std::string_view path) {
  if (!has_control(path)) return std::nullopt;
  return Complaint{"the path " + in_quotes(path) + " holds a control character", "write a plain path"};
}

std::optional<Complaint> examine_secret(std::string_view secret) {
  if (!has_control(secret)) return std::nullopt;
  return Complaint{"the secret holds a control character, such as a line's end",
                   "remove it; a secret that ends with a newline can stand in a file named by token_file"};
}

}  // namespace shmconf::settings
