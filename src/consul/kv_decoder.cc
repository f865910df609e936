#include "consul/kv_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consul/base64.h"

namespace shmconf::consul {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(Buffer::kPaddingBytes >= simdjson::SIMDJSON_PADDING);

constexpr int kMaxDepth = 64;

enum Field : unsigned {
  kKey = 1u << 0,
  kValue = 1u << 1,
  kFlags = 1u << 2,
  kCreateIndex = 1u << 3,
  kModifyIndex = 1u << 4,
  kLockIndex = 1u << 5,
  kSession = 1u << 6,
  kUnknown = 0,
};

// The field whose name stands at text, a quote behind it. At least Buffer::kPaddingBytes can be read there.
Field field_at(const char* text) noexcept {
  const auto is = [text](std::string_view name) { return std::memcmp(text, name.data(), name.size()) == 0; };
  switch (*text) {  // no two begin alike
    case 'K': return is("Key\"") ? kKey : kUnknown;
    case 'V': return is("Value\"") ? kValue : kUnknown;
    case 'F': return is("Flags\"") ? kFlags : kUnknown;
    case 'C': return is("CreateIndex\"") ? kCreateIndex : kUnknown;
    case 'M': return is("ModifyIndex\"") ? kModifyIndex : kUnknown;
    case 'L': return is("LockIndex\"") ? kLockIndex : kUnknown;
    case 'S': return is("Session\"") ? kSession : kUnknown;
    default: return kUnknown;
  }
}

// What was wrong first, and where.
struct Failure {
  const char* what = nullptr;
  std::size_t offset = 0;
};

// Reads one list.
class ListReader {
 public:
  // The text, behind which Buffer::kPaddingBytes can be read, is not changed. out has room for as many
  // bytes, and that padding; what the pairs point to goes there.
  ListReader(ondemand::parser& parser, std::string_view text, char* out) noexcept
      : parser_(parser), text_(text), out_(out) {}

  bool read(KvPairs& pairs) {
    ondemand::array list;
    if (const auto error = parser_.iterate(text_.data(), text_.size(), text_.size() + Buffer::kPaddingBytes)
                               .get(document_);
        error != simdjson::SUCCESS) {
      if (error == simdjson::MEMALLOC) throw std::bad_alloc();
      return fail(text_.data(), simdjson::error_message(error));
    }
    if (document_.get_array().get(list) != simdjson::SUCCESS) return fail(text_.data(), "expected a list");
    for (auto&& element : list) {
      ondemand::value value;
      if (const auto error = std::move(element).get(value); error != simdjson::SUCCESS) {
        return fail_here(simdjson::error_message(error));
      }
      if (!read_pair(value, pairs.emplace_back())) return false;
    }
    const char* rest = nullptr;
    if (document_.current_location().get(rest) == simdjson::OUT_OF_BOUNDS) return true;
    return fail_here("more behind the list");
  }

  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }
  // Behind what was written.
  [[nodiscard]] char* out() const noexcept { return out_; }

 private:
  bool fail(const char* at, const char* what) noexcept {
    if (failure_.what != nullptr) return false;
    failure_ = {what, static_cast<std::size_t>(at - text_.data())};
    return false;
  }
  bool fail_here(const char* what) noexcept {
    const char* at = nullptr;
    return fail(document_.current_location().get(at) == simdjson::SUCCESS ? at : text_.data() + text_.size(), what);
  }

  bool read_pair(ondemand::value entry, KvPair& pair) {
    ondemand::object object;
    if (entry.get_object().get(object) != simdjson::SUCCESS) return fail_here("expected an object");
    unsigned seen = 0;
    // By reference: copies of simdjson's small structures are stored in halves and loaded whole, which
    // makes the processor wait.
    for (auto&& member : object) {
      if (member.error() != simdjson::SUCCESS) return fail_here("expected a field");
      ondemand::field&& field = std::move(member).value_unsafe();
      Field which = kUnknown;
      if (!read_name(field, which)) return fail_here("expected a field");
      if ((seen & which) != 0) return fail_here("a field given twice");
      seen |= which;
      if (!read_field(field.value(), which, pair)) return false;
    }
    if ((seen & kKey) == 0) return fail_here("an entry without Key");
    if ((seen & kValue) == 0) return fail_here("an entry without Value");
    if ((seen & kModifyIndex) == 0) return fail_here("an entry without ModifyIndex");
    return true;
  }

  // simdjson unescapes names byte by byte where it was compiled for a baseline processor; Consul escapes
  // none of ours.
  static bool read_name(ondemand::field& field, Field& which) {
    which = field_at(field.key().raw());
    if (which != kUnknown) return true;
    std::string_view name;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return false;
    if (name.find('"') != std::string_view::npos) return true;
    std::string quoted = std::string(name) + '"';
    quoted.append(Buffer::kPaddingBytes, '\0');
    which = field_at(quoted.data());
    return true;
  }

  bool read_field(ondemand::value& value, Field field, KvPair& pair) {
    switch (field) {
      case kKey: return read_text(value, pair.key);
      case kValue: return read_base64(value, pair.value);
      case kFlags: return read_number(value, pair.flags);
      case kCreateIndex: return read_number(value, pair.create_index);
      case kModifyIndex: return read_number(value, pair.modify_index);
      case kLockIndex: return read_number(value, pair.lock_index);
      case kSession: return read_text(value, pair.session);
      case kUnknown: return check(value, 0);
    }
    return false;
  }

  bool read_number(ondemand::value& value, std::uint64_t& out) {
    return value.get_uint64().get(out) == simdjson::SUCCESS || fail_here("expected a whole number of 64 bits");
  }

  // The string between its quotes, escapes and all; false where it is none. Does not consume the value.
  bool raw_text(ondemand::value& value, std::string_view& out) {
    const std::string_view token = value.raw_json_token();
    if (token.empty() || token.front() != '"') return fail(token.data(), "expected a string");
    out = token.substr(1, token.rfind('"') - 1);
    return true;
  }
  // Of a string without an escape, the index of structure has checked the rest.
  bool consume_plain(ondemand::value& value) {
    ondemand::raw_json_string raw;
    return value.get_raw_json_string().get(raw) == simdjson::SUCCESS || fail_here("expected a string");
  }
  bool consume_escaped(ondemand::value& value, std::string_view& out) {
    return value.get_string().get(out) == simdjson::SUCCESS || fail_here("a bad escape in a string");
  }
  static bool is_escaped(std::string_view raw) { return std::memchr(raw.data(), '\\', raw.size()) != nullptr; }

  bool read_text(ondemand::value& value, std::string_view& out) {
    if (!raw_text(value, out)) return false;
    if (!(is_escaped(out) ? consume_escaped(value, out) : consume_plain(value))) return false;
    out = keep(out);
    return true;
  }

  bool read_base64(ondemand::value& value, std::string_view& out) {
    bool null = false;
    if (value.is_null().get(null) == simdjson::SUCCESS && null) return true;
    std::string_view text;
    if (!raw_text(value, text)) return false;
    // First as it stands, since no character of base64 begins an escape.
    auto size = decode_base64(text, out_);
    if (size) {
      if (!consume_plain(value)) return false;
    } else {
      if (!is_escaped(text)) return fail(text.data(), "a Value that is not base64");
      if (!consume_escaped(value, text)) return false;
      size = decode_base64(text, out_);
      if (!size) return fail_here("a Value that is not base64");
    }
    out = {out_, *size};
    out_ += *size;
    return true;
  }

  std::string_view keep(std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(out_, text.data(), text.size());
    out_ += text.size();
    return {out_ - text.size(), text.size()};
  }

  // simdjson only skips what nobody reads. A truncated or spoilt answer must show there too.
  bool check(ondemand::value value, int depth) {
    if (depth > kMaxDepth) return fail_here("a value nested too deeply");
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return fail_here("expected a value");
    switch (type) {
      case ondemand::json_type::array: return check_array(value, depth);
      case ondemand::json_type::object: return check_object(value, depth);
      case ondemand::json_type::number: {
        double number = 0;
        return value.get_double().get(number) == simdjson::SUCCESS || fail_here("a bad number");
      }
      case ondemand::json_type::string: {
        std::string_view text;
        return value.get_string().get(text) == simdjson::SUCCESS || fail_here("a bad escape in a string");
      }
      case ondemand::json_type::boolean: {
        bool flag = false;
        return value.get_bool().get(flag) == simdjson::SUCCESS || fail_here("expected true or false");
      }
      case ondemand::json_type::null: {
        bool null = false;
        return (value.is_null().get(null) == simdjson::SUCCESS && null) || fail_here("expected null");
      }
    }
    return fail_here("expected a value");
  }

  bool check_array(ondemand::value value, int depth) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return fail_here("a list that does not end");
    for (auto&& element : array) {
      ondemand::value inner;
      if (std::move(element).get(inner) != simdjson::SUCCESS) return fail_here("expected a value");
      if (!check(inner, depth + 1)) return false;
    }
    return true;
  }

  bool check_object(ondemand::value value, int depth) {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return fail_here("an object that does not end");
    for (auto&& member : object) {
      ondemand::field field;
      std::string_view name;
      if (std::move(member).get(field) != simdjson::SUCCESS || field.unescaped_key().get(name) != simdjson::SUCCESS) {
        return fail_here("expected a field");
      }
      if (!check(field.value(), depth + 1)) return false;
    }
    return true;
  }

  ondemand::parser& parser_;
  ondemand::document document_;
  const std::string_view text_;
  char* out_;
  Failure failure_;
};

Error no_memory() {
  return {ErrorCode::kNoSpace, "no memory to decode Consul's answer: raise the memory limit or narrow the prefix"};
}

Error unexpected(const std::string& what) {
  return {ErrorCode::kUnavailable, "Consul's answer is not its documented list of keys: " + what +
                                       "; check that consul.address is Consul's own HTTP address"};
}

// Whether each key from this one on is behind the one before it.
bool in_order_from(const KvPairs& pairs, std::size_t first) {
  const auto begin = pairs.begin() + static_cast<std::ptrdiff_t>(first == 0 ? 0 : first - 1);
  const auto not_before = [](const KvPair& a, const KvPair& b) { return a.key >= b.key; };
  return std::adjacent_find(begin, pairs.end(), not_before) == pairs.end();
}

// Keys are unequal in what this leaves.
Result<void> sort_by_key(KvPairs& pairs) {
  std::sort(pairs.begin(), pairs.end(), [](const KvPair& a, const KvPair& b) { return a.key < b.key; });
  const auto twice = std::adjacent_find(pairs.begin(), pairs.end(),
                                        [](const KvPair& a, const KvPair& b) { return a.key == b.key; });
  if (twice == pairs.end()) return {};
  return Error{ErrorCode::kUnavailable,
               "Consul's answer holds one key twice: keys that are not UTF-8 look alike in it, rename them"};
}

// What stands between two entries of the list, as its beginning shows: "},{" and the name of the first
// field. Nothing where the list does not begin with an entry, as Consul writes it.
//
// In JSON, these bytes are never inside a string. Its quote, which follows a brace, is not escaped, so it
// would end the string; but a letter follows it.
std::string seam_of(std::string_view list) {
  constexpr std::string_view kBegin = "[{\"";
  constexpr std::size_t kLongestName = 64;
  if (!list.starts_with(kBegin)) return {};
  const std::string_view rest = list.substr(kBegin.size(), kLongestName);
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  const std::string_view name(rest.begin(), std::ranges::find_if_not(rest, is_letter));
  if (name.empty() || !rest.substr(name.size()).starts_with("\":")) return {};
  return "},{\"" + std::string(name) + "\":";
}

}  // namespace

struct KvDecoder::State {
  State(std::size_t expected_pairs, std::size_t bytes) : batch_bytes(bytes) {
    try {
      pairs.reserve(expected_pairs);
    } catch (const std::bad_alloc&) {
      // There may come fewer: after a large list was deleted, of which memory for a second is not to be had.
    }
  }

  const std::size_t batch_bytes;
  std::size_t try_at_bytes = batch_bytes;  // of text
  ondemand::parser parser;
  Buffer text;                  // what is not decoded yet
  std::size_t text_offset = 0;  // of it in the answer
  std::string seam;
  std::vector<Buffer> decoded;
  KvPairs pairs;
  bool in_order = true;  // as Consul answers; only keys that are not UTF-8 can come otherwise

  // Decodes the whole entries of the text, if it is plain where they end.
  Result<void> decode_batch() {
    if (text_offset == 0 && seam.empty()) seam = seam_of(text.view());
    const std::size_t at = seam.empty() ? std::string_view::npos : text.view().rfind(seam);
    auto read = at == std::string_view::npos ? Result<bool>(false) : decode_before(at + 1);
    if (!read) return std::move(read).error();
    try_at_bytes = *read ? batch_bytes : 2 * text.size();
    return {};
  }

  // Makes a list of what stands before the comma, and a list's beginning of what follows. Whatever fails
  // fails again at the end, with the rest of the text: entries may hold lists with seams of their own.
  Result<bool> decode_before(std::size_t comma) {
    text.data()[comma] = ']';
    Failure ignored;
    auto read = decode(comma + 1, ignored);
    const bool is_decoded = read && *read;
    text.data()[comma] = is_decoded ? '[' : ',';
    if (!is_decoded) return read;
    text.consume(comma);
    text_offset += comma;
    return read;
  }

  // Decodes the first bytes, which must be a list. False, and nothing has changed: they are none.
  Result<bool> decode(std::size_t bytes, Failure& failure) {
    if (auto reserved = reserve_decoded(bytes); !reserved) return std::move(reserved).error();
    const std::size_t pairs_before = pairs.size();
    Buffer& into = decoded.back();
    char* const out = into.data() + into.size();
    ListReader list(parser, text.view().substr(0, bytes), out);
    if (list.read(pairs)) {
      into.commit(static_cast<std::size_t>(list.out() - out));
      in_order = in_order && in_order_from(pairs, pairs_before);
      return true;
    }
    failure = list.failure();
    pairs.resize(pairs_before);
    return false;
  }

  // What an entry is decoded to is never longer than its text. Each block is as large as all before it.
  Result<void> reserve_decoded(std::size_t bytes) {
    if (!decoded.empty() && decoded.back().room() >= bytes) return {};
    if (!decoded.empty() && decoded.back().size() == 0) decoded.pop_back();
    std::size_t before = 0;
    for (const Buffer& block : decoded) before += block.size();
    Buffer block;
    if (auto reserved = block.reserve(std::max(bytes, before)); !reserved) return reserved;
    decoded.push_back(std::move(block));
    return {};
  }
};

KvDecoder::KvDecoder(std::size_t expected_pairs, std::size_t batch_bytes)
    : state_(std::make_unique<State>(expected_pairs, batch_bytes)) {}

KvDecoder::KvDecoder(KvDecoder&&) noexcept = default;
KvDecoder& KvDecoder::operator=(KvDecoder&&) noexcept = default;
KvDecoder::~KvDecoder() = default;

// By batches also where more comes at once, so that no more text is held than a batch needs.
Result<void> KvDecoder::append(std::string_view text) try {
  State& state = *state_;
  while (!text.empty()) {
    const std::size_t held = state.text.size();
    const std::size_t wanted = held < state.try_at_bytes ? state.try_at_bytes - held : state.batch_bytes;
    const std::string_view piece = text.substr(0, wanted);
    text.remove_prefix(piece.size());
    if (auto appended = state.text.append(piece); !appended) return appended;
    if (state.text.size() < state.try_at_bytes) continue;
    if (auto decoded = state.decode_batch(); !decoded) return decoded;
  }
  return {};
} catch (const std::bad_alloc&) {
  return no_memory();
}

Result<KvList> KvDecoder::finish() try {
  State& state = *state_;
  const std::size_t bytes = state.text_offset + state.text.size();
  if (bytes == 0) return unexpected("it is empty");
  Failure failure;
  auto read = state.decode(state.text.size(), failure);
  if (!read) return std::move(read).error();
  if (!*read) {
    return unexpected(std::string(failure.what) + " at byte " + std::to_string(state.text_offset + failure.offset) +
                      " of " + std::to_string(bytes));
  }
  if (!state.in_order) {
    if (auto sorted = sort_by_key(state.pairs); !sorted) return std::move(sorted).error();
  }
  return KvList(std::move(state.decoded), std::move(state.pairs));
} catch (const std::bad_alloc&) {
  return no_memory();
}

}  // namespace shmconf::consul
