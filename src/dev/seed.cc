#include "dev/seed.h"

#include <errno.h>
#include <string.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "dev/consul_json.h"
#include "dev/kv_api.h"

namespace shmconf::dev {
namespace {

using Json = nlohmann::json;

struct Pair {
  std::string key;
  std::string value;
  std::uint64_t flags = 0;
};

// One element of `consul kv export`; nothing when it is not one.
std::optional<Pair> exported(const Json& item) {
  if (!item.is_object() || !item.contains("key") || !item["key"].is_string()) return std::nullopt;
  Pair pair{item["key"].get<std::string>(), {}, 0};
  if (item.contains("flags")) {
    if (!item["flags"].is_number_unsigned()) return std::nullopt;
    pair.flags = item["flags"].get<std::uint64_t>();
  }
  if (item.contains("value") && !item["value"].is_null()) {
    auto bytes = item["value"].is_string() ? decode_base64(item["value"].get<std::string>()) : std::nullopt;
    if (!bytes) return std::nullopt;
    pair.value = std::move(*bytes);
  }
  return pair;
}

}  // namespace

Result<std::size_t> seed_from_json(KvStore& store, std::string_view json, const std::string& name) {
  const auto invalid = [&](const std::string& why) {
    return Error{ErrorCode::kInvalid,
                 name + ": " + why + "; give {\"key\":\"text\"} or the output of `consul kv export`"};
  };
  // The parser would take a NUL, which JSON never holds, for the end of the text.
  if (json.find('\0') != std::string_view::npos) return invalid("not JSON, it holds a NUL");
  const Json document = Json::parse(json, nullptr, false, true);
  std::vector<Pair> pairs;
  if (document.is_object()) {
    for (const auto& [key, value] : document.items()) {
      pairs.push_back({key, value.is_string() ? value.get<std::string>() : value.dump(), 0});
    }
  } else if (document.is_array()) {
    for (std::size_t i = 0; i < document.size(); ++i) {
      auto pair = exported(document[i]);
      if (!pair) return invalid("element " + std::to_string(i) + " is not an exported key");
      pairs.push_back(std::move(*pair));
    }
  } else {
    return invalid(document.is_discarded() ? "not JSON" : "neither an object nor a list");
  }
  for (const auto& pair : pairs) {
    if (pair.key.empty()) return invalid("an empty key");
    const bool too_long = pair.value.size() > kMostBodyBytes;
    if (too_long) return invalid("the value of \"" + pair.key + "\" is above 512 KiB");
  }
  for (auto& pair : pairs) store.put(pair.key, std::move(pair.value), pair.flags);
  return pairs.size();
}

Result<std::size_t> seed_from_file(KvStore& store, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int reason = errno;
    const auto code = reason == ENOENT   ? ErrorCode::kAbsent
                      : reason == EACCES ? ErrorCode::kDenied
                                         : ErrorCode::kSystem;
    return Error{code, "cannot read the seed '" + path + "': " + ::strerror(reason)};
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return seed_from_json(store, text, path);
}

}  // namespace shmconf::dev
