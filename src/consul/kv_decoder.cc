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

Field field_of(std::string_view name) noexcept {
  if (name == "Key") return kKey;
  if (name == "Value") return kValue;
  if (name == "Flags") return kFlags;
  if (name == "CreateIndex") return kCreateIndex;
  if (name == "ModifyIndex") return kModifyIndex;
  if (name == "LockIndex") return kLockIndex;
  if (name == "Session") return kSession;
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
      pairs.push_back(pair);
      reserve_by_sample(pairs);
    }
    const char* rest = nullptr;
    if (document_.current_location().get(rest) == simdjson::OUT_OF_BOUNDS) return true;
    return fail_here("more behind the list");
  }

  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }

 private:
  bool fail(const char* at, const char* what) noexcept {
    if (failure_.what != nullptr) return false;
    failure_ = {what, static_cast<std::size_t>(at - body_.data())};
    return false;
  }
  bool fail_here(const char* what) noexcept {
    const char* at = body_.data() + body_.size();
    if (document_.current_location().get(at) != simdjson::SUCCESS) at = body_.data() + body_.size();
    return fail(at, what);
  }

  bool read_pair(ondemand::value entry, KvPair& pair) {
    ondemand::object object;
    if (entry.get_object().get(object) != simdjson::SUCCESS) return fail_here("expected an object");
    unsigned seen = 0;
    for (auto&& member : object) {
      ondemand::field field;
      std::string_view name;
      if (std::move(member).get(field) != simdjson::SUCCESS || field.unescaped_key().get(name) != simdjson::SUCCESS) {
        return fail_here("expected a field");
      }
      const Field which = field_of(name);
      if ((seen & which) != 0) return fail_here("a field given twice");
      seen |= which;
      if (!read_field(field.value(), which, pair)) return false;
    }
    if ((seen & kKey) == 0) return fail_here("an entry without Key");
    if ((seen & kValue) == 0) return fail_here("an entry without Value");
    if ((seen & kModifyIndex) == 0) return fail_here("an entry without ModifyIndex");
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

  // The string's bytes, unescaped, where they stand in the body: no copy is kept, and what stands for
  // an escape is never longer than the escape.
  bool read_text(ondemand::value value, std::string_view& out) {
    const std::string_view token = value.raw_json_token();
    char* const begin = body_.data() + (token.data() - body_.data()) + 1;
    std::string_view text;
    if (token.empty() || token.front() != '"') return fail(token.data(), "expected a string");
    const std::size_t size = token.rfind('"') - 1;
    if (std::memchr(begin, '\\', size) == nullptr) {
      // Consumes it. Of a string without an escape, the index of structure has checked the rest.
      ondemand::raw_json_string raw;
      if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS) return fail_here("expected a string");
      out = {begin, size};
      return true;
    }
    if (value.get_string().get(text) != simdjson::SUCCESS) return fail_here("a bad escape in a string");
    std::memcpy(begin, text.data(), text.size());
    out = {begin, text.size()};
    return true;
  }

  bool read_base64(ondemand::value value, std::string_view& out) {
    bool null = false;
    if (value.is_null().get(null) == simdjson::SUCCESS && null) return true;
    if (!read_text(value, out)) return false;
    char* const begin = body_.data() + (out.data() - body_.data());
    const auto size = decode_base64_in_place(begin, out.size());
    if (!size) return fail(begin, "a Value that is not base64");
    out = {begin, *size};
    return true;
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
  void reserve_by_sample(std::vector<KvPair>& pairs) const {
    constexpr std::size_t kSample = 64;
    if (pairs.size() != kSample) return;
    const auto read = static_cast<std::size_t>(pairs.back().key.data() - body_.data());
    const std::size_t bytes_per_pair = std::max<std::size_t>(1, read / kSample);
    pairs.reserve(body_.size() / bytes_per_pair * 5 / 4 + kSample);
  }

  Body& body_;
  ondemand::parser parser_;
  ondemand::document document_;
  Failure failure_;
};

Error unexpected(const std::string& what) {
  return {ErrorCode::kUnavailable, "Consul's answer is not its documented list of keys: " + what +
                                       "; check that consul.address is Consul's own HTTP address"};
}

// Consul answers in this order already; only keys that are not UTF-8 can come otherwise.
Result<void> sort_by_key(std::vector<KvPair>& pairs) {
  const auto by_key = [](const KvPair& a, const KvPair& b) { return a.key < b.key; };
  if (!std::is_sorted(pairs.begin(), pairs.end(), by_key)) std::sort(pairs.begin(), pairs.end(), by_key);
  const auto twice = std::adjacent_find(pairs.begin(), pairs.end(),
                                        [](const KvPair& a, const KvPair& b) { return a.key == b.key; });
  if (twice == pairs.end()) return {};
  return Error{ErrorCode::kUnavailable,
               "Consul's answer holds one key twice: keys that are not UTF-8 look alike in it, rename them"};
}

}  // namespace

Result<KvList> decode_kv(Body body) try {
  if (body.size() == 0) return unexpected("it is empty");
  Decoder decoder(body);
  std::vector<KvPair> pairs;
  if (!decoder.read_list(pairs)) {
    const Failure& failure = decoder.failure();
    return unexpected(std::string(failure.what) + " at byte " + std::to_string(failure.offset) + " of " +
                      std::to_string(body.size()));
  }
  if (auto sorted = sort_by_key(pairs); !sorted) return std::move(sorted).error();
  return KvList(std::move(body), std::move(pairs));
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::kNoSpace,
               "no memory to decode Consul's answer: raise the memory limit or narrow the prefix"};
}

}  // namespace shmconf::consul
