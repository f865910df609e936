#include "dev/txn_request.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "dev/consul_json.h"

namespace shmconf::dev {
namespace {

using Json = nlohmann::json;

Error refused(const std::string& why) { return {ErrorCode::kInvalid, "Failed to parse body: " + why}; }

// Go takes a field's name in any case.
std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Sets one field; a text says why it could not.
std::optional<std::string> set_field(Operation& operation, const std::string& name, const Json& value) {
  const std::string field = lower(name);
  const auto wrong = [&] {
    return "json: cannot unmarshal " + std::string(value.type_name()) + " into KV." + name;
  };
  if (value.is_null()) return std::nullopt;
  if (field == "verb" || field == "key" || field == "value" || field == "session") {
    if (!value.is_string()) return wrong();
    if (field == "verb") operation.verb = value.get<std::string>();
    if (field == "key") operation.key = value.get<std::string>();
    if (field != "value") return std::nullopt;
    auto bytes = decode_base64(value.get_ref<const std::string&>());
    if (!bytes) return "illegal base64 data";
    operation.value = std::move(*bytes);
    return std::nullopt;
  }
  if (field == "flags" || field == "index") {
    if (!value.is_number_unsigned()) return wrong();
    (field == "flags" ? operation.flags : operation.index) = value.get<std::uint64_t>();
    return std::nullopt;
  }
  constexpr std::array<std::string_view, 2> kIgnored{"namespace", "partition"};
  if (std::ranges::count(kIgnored, field) > 0) return std::nullopt;
  return "json: unknown field \"" + name + "\"";
}

Result<std::optional<Operation>> parse_operation(const Json& item) {
  if (!item.is_object()) return refused("json: an operation is an object");
  std::optional<Operation> result;
  for (const auto& [kind, fields] : item.items()) {
    if (fields.is_null()) continue;
    if (lower(kind) != "kv") {
      return Error{ErrorCode::kInvalid, "shmconf dev has keys and values only and does not support \"" +
                                            kind + "\" operations; use a real Consul"};
    }
    if (!fields.is_object()) return refused("json: KV is an object");
    result.emplace();
    for (const auto& [name, value] : fields.items()) {
      if (auto problem = set_field(*result, name, value)) return refused(*problem);
    }
  }
  return result;
}

}  // namespace

Result<std::vector<Operation>> parse_txn(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return refused("EOF");
  const Json document = Json::parse(body, nullptr, false);
  // The parser takes a zero byte for the end.
  if (document.is_discarded() || body.find('\0') != std::string_view::npos) return refused("it is not JSON, or ends early");
  std::vector<Operation> operations;
  if (document.is_null()) return operations;
  if (!document.is_array()) {
    return refused("json: cannot unmarshal " + std::string(document.type_name()) +
                   " into a list of operations");
  }
  for (const auto& item : document) {
    auto operation = parse_operation(item);
    if (!operation) return operation.error();
    if (*operation) operations.push_back(std::move(**operation));
  }
  return operations;
}

bool writes(const Operation& operation) {
  constexpr std::array<std::string_view, 7> kWriting{"set",         "cas",  "delete", "delete-cas",
                                                     "delete-tree", "lock", "unlock"};
  return std::ranges::count(kWriting, operation.verb) > 0;
}

}  // namespace shmconf::dev
