#include "addon/values.h"

#include <cstdlib>

namespace shmconf::node {
namespace {

// How many bytes follow the first one of a character, and the least and greatest second byte, which
// rule out overlong forms, surrogates and what is beyond U+10FFFF.
struct Sequence {
  std::size_t following;
  unsigned char least;
  unsigned char greatest;
};

constexpr std::size_t kNoCharacter = 9;

constexpr Sequence sequence_of(unsigned char first) noexcept {
  if (first < 0x80) return {0, 0, 0};
  if (first >= 0xC2 && first <= 0xDF) return {1, 0x80, 0xBF};
  if (first == 0xE0) return {2, 0xA0, 0xBF};
  if (first == 0xED) return {2, 0x80, 0x9F};
  if (first >= 0xE1 && first <= 0xEF) return {2, 0x80, 0xBF};
  if (first == 0xF0) return {3, 0x90, 0xBF};
  if (first >= 0xF1 && first <= 0xF3) return {3, 0x80, 0xBF};
  if (first == 0xF4) return {3, 0x80, 0x8F};
  return {kNoCharacter, 0, 0};
}

// As JSON.parse would, so that a leaf read by its pointer is the one that the document holds.
double parsed_number(std::string_view text) { return std::strtod(std::string(text).c_str(), nullptr); }

}  // namespace

bool is_utf8(std::string_view bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size();) {
    const Sequence sequence = sequence_of(static_cast<unsigned char>(bytes[at++]));
    if (sequence.following > bytes.size() - at) return false;
    for (std::size_t i = 0; i < sequence.following; ++i) {
      const auto byte = static_cast<unsigned char>(bytes[at++]);
      const bool fits = i == 0 ? byte >= sequence.least && byte <= sequence.greatest : (byte & 0xC0) == 0x80;
      if (!fits) return false;
    }
  }
  return true;
}

napi_value text_or_buffer(napi_env env, std::string_view bytes) noexcept {
  if (is_utf8(bytes)) return make_text(env, bytes);
  napi_value made = nullptr;
  napi_create_buffer_copy(env, bytes.size(), bytes.data(), nullptr, &made);
  return made;
}

napi_value entry_value(napi_env env, const shmconf_entry& entry) noexcept {
  const std::string_view value(entry.value, entry.value_bytes);
  switch (entry.kind) {
    case SHMCONF_KIND_INTEGER:
    case SHMCONF_KIND_DOUBLE: return guarded(env, [&] { return make_double(env, parsed_number(value)); });
    case SHMCONF_KIND_BOOL: return make_bool(env, value == "true");
    case SHMCONF_KIND_NULL: return null(env);
    case SHMCONF_KIND_DOCUMENT: break;
    default: return text_or_buffer(env, value);
  }
  napi_value document = nullptr;
  napi_create_object(env, &document);
  set(env, document, "document", make_text(env, value));
  return document;
}

}  // namespace shmconf::node
