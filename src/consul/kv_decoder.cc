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

static_assert(Body::kPaddingBytes >= simdjson::SIMDJSON_PADDING);

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

// The field whose name stands at text, a quote behind it. At least Body::kPaddingBytes can be read there.
Field field_at(const char* text) noexcept {
  const auto is = [text](std::string_view name) { return std::memcmp(text, name.data(), name.size()) == 0; };
  if (is("Key\"")) return kKey;
  if (is("Value\"")) return kValue;
  if (is("Flags\"")) return kFlags;
  if (is("CreateIndex\"")) return kCreateIndex;
  if (is("ModifyIndex\"")) return kModifyIndex;
  if (is("LockIndex\"")) return kLockIndex;
  if (is("Session\"")) return kSession;
  return kUnknown;
}

// What was wrong first, and where.
struct Failure {
  const char* what = nullptr;
  std::size_t offset = 0;
};

class Decoder {
 public:
  explicit Decoder(Body& body) noexcept : body_(body) {}

  bool read_list(std::vector<KvPair>& pairs) {
    ondemand::array list;
    if (const auto error = parser_.iterate(body_.data(), body_.size(), body_.size() + Body::kPaddingBytes)
                               .get(document_);
        error != simdjson::SUCCESS) {
      return fail(body_.data(), simdjson::error_message(error));
    }
    if (document_.get_array().get(list) != simdjson::SUCCESS) return fail(body_.data(), "expected a list");
    for (auto&& element : list) {
      ondemand::value value;
      if (const auto error = std::move(element).get(value); error != simdjson::SUCCESS) {
        return fail_here(simdjson::error_message(error));
      }
      KvPair pair;
      if (!read_pair(value, pair)) return false;
      in_order_ = in_order_ && (pairs.empty() || pairs.back().key < pair.key);
      pairs.push_back(pair);
      reserve_by_sample(pairs);
      give_back_what_was_read();
    }
    const char* rest = nullptr;
    if (document_.current_location().get(rest) == simdjson::OUT_OF_BOUNDS) return true;
    return fail_here("more behind the list");
  }

  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }
  // Consul answers so; only keys that are not UTF-8 can come otherwise.
  [[nodiscard]] bool in_order() const noexcept { return in_order_; }
  // How much of the body holds what was decoded.
  [[nodiscard]] std::size_t decoded_bytes() const noexcept { return static_cast<std::size_t>(write_ - body_.data()); }

 private:
  bool fail(const char* at, const char* what) noexcept {
    if (failure_.what != nullptr) return false;
    failure_ = {what, static_cast<std::size_t>(at - body_.data())};
    return false;
  }
  bool fail_here(const char* what) noexcept { return fail(body_.data() + read_bytes(), what); }
  std::size_t read_bytes() noexcept {
    const char* at = nullptr;
    return document_.current_location().get(at) == simdjson::SUCCESS ? static_cast<std::size_t>(at - body_.data())
                                                                     : body_.size();
  }

  bool read_pair(ondemand::value entry, KvPair& pair) {
    ondemand::object object;
    if (entry.get_object().get(object) != simdjson::SUCCESS) return fail_here("expected an object");
    unsigned seen = 0;
    for (auto&& member : object) {
      ondemand::field field;
      Field which = kUnknown;
      if (std::move(member).get(field) != simdjson::SUCCESS || !read_name(field, which)) {
        return fail_here("expected a field");
      }
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
    quoted.append(Body::kPaddingBytes, '\0');
    which = field_at(quoted.data());
    return true;
  }

  bool read_field(ondemand::value value, Field field, KvPair& pair) {
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

  bool read_number(ondemand::value value, std::uint64_t& out) {
    return value.get_uint64().get(out) == simdjson::SUCCESS || fail_here("expected a whole number of 64 bits");
  }

  // The string between its quotes, escapes and all; false where it is none. Consumes the value only if it
  // has no escape.
  bool raw_text(ondemand::value& value, std::string_view& out, bool& escaped) {
    const std::string_view token = value.raw_json_token();
    if (token.empty() || token.front() != '"') return fail(token.data(), "expected a string");
    out = token.substr(1, token.rfind('"') - 1);
    escaped = std::memchr(out.data(), '\\', out.size()) != nullptr;
    ondemand::raw_json_string raw;
    return escaped || value.get_raw_json_string().get(raw) == simdjson::SUCCESS || fail_here("expected a string");
  }

  // Of a string without an escape, the index of structure has checked the rest.
  bool read_text(ondemand::value value, std::string_view& out) {
    bool escaped = false;
    if (!raw_text(value, out, escaped)) return false;
    if (escaped && value.get_string().get(out) != simdjson::SUCCESS) return fail_here("a bad escape in a string");
    out = keep(out);
    return true;
  }

  bool read_base64(ondemand::value value, std::string_view& out) {
    bool null = false;
    if (value.is_null().get(null) == simdjson::SUCCESS && null) return true;
    bool escaped = false;
    if (!raw_text(value, out, escaped)) return false;
    if (escaped && value.get_string().get(out) != simdjson::SUCCESS) return fail_here("a bad escape in a string");
    const auto size = decode_base64(out, write_);
    if (!size && escaped) return fail_here("a Value that is not base64");
    if (!size) return fail(out.data(), "a Value that is not base64");
    out = {write_, *size};
    write_ += *size;
    return true;
  }

  // Behind what was decoded before: nothing grows longer by that, so what is still to be read is not
  // reached, and the bytes that are used lie together.
  std::string_view keep(std::string_view text) noexcept {
    if (!text.empty()) std::memmove(write_, text.data(), text.size());
    write_ += text.size();
    return {write_ - text.size(), text.size()};
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

  // A vector that doubles would for a moment hold one and a half times its content. Once a few pairs
  // show how long they are, one reservation does; what it has too much is never touched.
  void reserve_by_sample(std::vector<KvPair>& pairs) {
    constexpr std::size_t kSample = 64;
    if (pairs.size() != kSample) return;
    const std::size_t bytes_per_pair = std::max<std::size_t>(1, read_bytes() / kSample);
    pairs.reserve(body_.size() / bytes_per_pair * 5 / 4 + kSample);
  }

  // Memory that nothing will be decoded into, if the rest is like what was read: now and then, since it
  // is a system call.
  void give_back_what_was_read() noexcept {
    constexpr std::size_t kEvery = std::size_t{256} << 10;
    if (decoded_bytes() < given_back_at_ + kEvery) return;
    given_back_at_ = decoded_bytes();
    const std::size_t read_bytes = this->read_bytes();
    const std::size_t left = body_.size() - read_bytes;
    const std::size_t to_come = left * decoded_bytes() / read_bytes;
    body_.forget(decoded_bytes() + to_come, read_bytes);
  }

  Body& body_;
  ondemand::parser parser_;
  ondemand::document document_;
  char* write_ = body_.data();  // never beyond what was read
  std::size_t given_back_at_ = 0;
  bool in_order_ = true;
  Failure failure_;
};

Error unexpected(const std::string& what) {
  return {ErrorCode::kUnavailable, "Consul's answer is not its documented list of keys: " + what +
                                       "; check that consul.address is Consul's own HTTP address"};
}

// Keys are unequal in what this leaves.
Result<void> sort_by_key(std::vector<KvPair>& pairs) {
  std::sort(pairs.begin(), pairs.end(), [](const KvPair& a, const KvPair& b) { return a.key < b.key; });
  const auto twice = std::adjacent_find(pairs.begin(), pairs.end(),
                                        [](const KvPair& a, const KvPair& b) { return a.key == b.key; });
  if (twice == pairs.end()) return {};
  return Error{ErrorCode::kUnavailable,
               "Consul's answer holds one key twice: keys that are not UTF-8 look alike in it, rename them"};
}

}  // namespace

Result<KvList> decode_kv(Body body) try {
  if (body.size() == 0) return unexpected("it is empty");
  body.shrink(body.size());  // a huge page may reach far beyond the end
  std::vector<KvPair> pairs;
  std::size_t decoded_bytes = 0;
  {
    Decoder decoder(body);
    if (!decoder.read_list(pairs)) {
      const Failure& failure = decoder.failure();
      return unexpected(std::string(failure.what) + " at byte " + std::to_string(failure.offset) + " of " +
                        std::to_string(body.size()));
    }
    if (!decoder.in_order()) {
      if (auto sorted = sort_by_key(pairs); !sorted) return std::move(sorted).error();
    }
    decoded_bytes = decoder.decoded_bytes();
  }
  body.shrink(decoded_bytes);
  return KvList(std::move(body), std::move(pairs));
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::kNoSpace,
               "no memory to decode Consul's answer: raise the memory limit or narrow the prefix"};
}

}  // namespace shmconf::consul
