// Fuzz target: what Consul answers. An input that begins with "HTTP/" is a whole response for the answer
// parser, chunked or plain; any other is the JSON of one for the decoder. What the decoder makes of JSON is
// compared with another parser's reading of it.
#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "consul/answer_parser.h"
#include "consul/base64.h"
#include "consul/kv_decoder.h"
#include "fuzz/target.h"

namespace shmconf::fuzz {
namespace {

using consul::AnswerParser;
using consul::KvDecoder;
using consul::KvList;
using consul::KvPair;
using nlohmann::json;

constexpr std::uint64_t kMostBodyBytes = 4096;

// --- the decoder ---

// The values of a whole answer by key; nothing where another parser does not find the documented shape.
using Reference = std::map<std::string, json>;

bool is_number(const json& entry, const char* field) { return !entry.contains(field) || entry[field].is_number_unsigned(); }

bool has_documented_shape(const json& entry) {
  return entry.is_object() && entry.contains("Key") && entry["Key"].is_string() && entry.contains("Value") &&
         (entry["Value"].is_null() || entry["Value"].is_string()) && entry.contains("ModifyIndex") &&
         is_number(entry, "ModifyIndex") && is_number(entry, "CreateIndex") && is_number(entry, "LockIndex") &&
         is_number(entry, "Flags") && (!entry.contains("Session") || entry["Session"].is_string());
}

constexpr std::array<std::string_view, 7> kFields{"Key", "Value", "Flags", "CreateIndex", "ModifyIndex", "LockIndex",
                                                  "Session"};

std::optional<Reference> reference_of(std::string_view text) {
  // nlohmann takes a NUL for the end.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  // Of a field given twice the document keeps only the last.
  std::set<std::string> seen;
  bool twice = false;
  const auto observe = [&](int depth, json::parse_event_t event, const json& value) {
    if (event == json::parse_event_t::object_start && depth == 1) seen.clear();
    if (event == json::parse_event_t::key && depth == 2) {
      const auto& name = value.get_ref<const std::string&>();
      twice = twice || (!seen.insert(name).second && std::ranges::find(kFields, name) != kFields.end());
    }
    return true;
  };
  const json document = json::parse(text, observe, false);
  if (!document.is_array() || twice) return std::nullopt;
  Reference entries;
  for (const json& entry : document) {
    if (!has_documented_shape(entry)) return std::nullopt;
    if (!entries.emplace(entry["Key"].get<std::string>(), entry).second) return std::nullopt;
  }
  return entries;
}

bool is_base64(const json& value) {
  if (value.is_null()) return true;
  std::string text = value.get<std::string>();
  const auto size = consul::decode_base64(text, text.data());
  // Its own encoder agrees.
  require(!size || consul::encode_base64(text.substr(0, *size)) == value.get<std::string>(),
          "what base64 decodes to encodes to the same");
  return size.has_value();
}

void compare(const KvPair& pair, const json& entry) {
  const auto number = [&](const char* field) { return entry.value(field, std::uint64_t{0}); };
  require(pair.key == entry["Key"].get<std::string>(), "a key is read as written");
  require(consul::encode_base64(pair.value) == (entry["Value"].is_null() ? "" : entry["Value"].get<std::string>()),
          "a value is read as written");
  require(pair.modify_index == number("ModifyIndex") && pair.create_index == number("CreateIndex") &&
              pair.lock_index == number("LockIndex") && pair.flags == number("Flags"),
          "numbers are read as written");
  require(pair.session == entry.value("Session", std::string()), "a session is read as written");
}

// What another parser has no bound for.
bool is_too_deep(const Error& error) { return error.text.find("nested too deeply") != std::string::npos; }

Result<KvList> decode_in_pieces(std::string_view text, std::size_t piece_bytes) {
  KvDecoder decoder(0, piece_bytes);
  for (; !text.empty(); text.remove_prefix(std::min(piece_bytes, text.size()))) {
    require(decoder.append(text.substr(0, piece_bytes)).ok(), "there is memory for a small answer");
  }
  return decoder.finish();
}

bool decode(std::string_view text) {
  const auto list = decode_in_pieces(text, text.size());
  require(list.ok() == decode_in_pieces(text, 7).ok(), "an answer does not depend on how it comes");
  const auto reference = reference_of(text);
  if (!list) {
    require(list.error().code == ErrorCode::kUnavailable, "an answer that is not Consul's is unavailable");
    const bool expected = !reference || is_too_deep(list.error()) ||
                          !std::all_of(reference->begin(), reference->end(),
                                       [](const auto& entry) { return is_base64(entry.second["Value"]); });
    require(expected, "every answer of the documented shape is taken");
    return false;
  }
  require(reference.has_value(), "only JSON of the documented shape is taken");
  const auto pairs = list->pairs();
  require(pairs.size() == reference->size(), "no key is lost or made up");
  auto entry = reference->begin();  // in the order of its bytes, as the list is
  for (const KvPair& pair : pairs) compare(pair, (entry++)->second);
  const auto again = decode_in_pieces(text, 7);
  entry = reference->begin();
  for (const KvPair& pair : again->pairs()) compare(pair, (entry++)->second);
  return true;
}

// --- the parser of HTTP ---

struct Outcome {
  bool done = false;
  unsigned status = 0;
  std::optional<std::uint64_t> index;
  std::string error;
  std::vector<std::pair<std::string, std::string>> pairs;

  bool operator==(const Outcome&) const = default;
};

// The response in pieces of so many bytes, as a socket may hand them in.
Outcome answer_of(std::string_view response, std::size_t piece_bytes, consul::Query::What what) {
  AnswerParser parser(what, kMostBodyBytes);
  Outcome outcome;
  const auto failed = [&](const Error& error) {
    outcome.error = error.text;
    return outcome;
  };
  while (!response.empty() && !parser.done()) {
    auto space = parser.space();
    if (!space) return failed(space.error());
    const std::string_view piece = response.substr(0, std::min(piece_bytes, space->size()));
    std::copy(piece.begin(), piece.end(), space->begin());
    response.remove_prefix(piece.size());
    if (auto received = parser.received(piece.size()); !received) return failed(received.error());
  }
  if (!parser.done()) {
    if (auto ended = parser.ended(); !ended) return failed(ended.error());
  }
  require(parser.done() && parser.header_done(), "an answer that ended well is whole");
  static_cast<void>(parser.reusable());
  auto answer = parser.take();
  if (!answer) return failed(answer.error());
  outcome.done = true;
  outcome.status = answer->status;
  outcome.index = answer->index;
  require(answer->error_body.find_first_of("\r\n") == std::string::npos, "an error's text is one line");
  for (const KvPair& pair : answer->pairs.pairs()) outcome.pairs.emplace_back(pair.key, pair.value);
  return outcome;
}

bool parse(std::string_view response) {
  constexpr auto kPairs = consul::Query::What::kPairs;
  const Outcome whole = answer_of(response, response.size(), kPairs);
  const Outcome pieces = answer_of(response, 1 + response.size() % 7, kPairs);
  require(whole.done == pieces.done, "an answer does not depend on how it is cut");
  require(!whole.done || whole == pieces, "an answer's content does not depend on how it is cut");
  static_cast<void>(answer_of(response, 13, consul::Query::What::kIndexOnly));
  return whole.done;
}

}  // namespace

bool accepts(std::string_view input) { return input.starts_with("HTTP/") ? parse(input) : decode(input); }

}  // namespace shmconf::fuzz
