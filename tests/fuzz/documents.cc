// Fuzz target: the expansion of JSON values. The input is the value of a key beside two others. What comes
// out is compared with another reading of the same JSON, is bounded, and can be looked up in a snapshot.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fuzz/target.h"
#include "shm/snapshot_builder.h"
#include "sources/documents.h"

namespace shmconf::fuzz {
namespace {

using format::Kind;
using nlohmann::json;

constexpr std::string_view kKey = "doc";
constexpr std::string_view kRealKey = "doc#/a";  // looks like a leaf of it

std::size_t leaves_of(const json& value) {
  if (!value.is_structured()) return 1;
  std::size_t count = 0;
  for (const json& child : value) count += leaves_of(child);
  return count;
}

int depth_of(const json& value) {
  if (!value.is_structured()) return 0;
  int deepest = 0;
  for (const json& child : value) deepest = std::max(deepest, depth_of(child));
  return deepest + 1;
}

bool is_same(const shm::Item& leaf, const json& value) {
  switch (leaf.kind) {
    case Kind::kNull: return value.is_null() && leaf.value == "null";
    case Kind::kBool: return value.is_boolean() && leaf.value == (value.get<bool>() ? "true" : "false");
    case Kind::kInteger: return value.is_number_integer() && leaf.value == value.dump();
    case Kind::kDouble: return value.is_number_float() && json::parse(leaf.value).get<double>() == value.get<double>();
    case Kind::kString: return value.is_string() && leaf.value == value.get_ref<const std::string&>();
    case Kind::kBytes:
    case Kind::kDocument: break;
  }
  return false;
}

void check_leaves(const shm::Items& leaves, const json& document, std::size_t document_bytes) {
  std::uint64_t bytes = 0;
  for (const shm::Item& leaf : leaves) {
    bytes += leaf.key.size() + leaf.value.size();
    require(leaf.key != kRealKey, "a real key wins over a leaf");
    require(leaf.key.starts_with("doc#/"), "a leaf lies under its document");
    const json::json_pointer pointer{std::string(leaf.key.substr(kKey.size() + 1))};
    require(document.contains(pointer) && is_same(leaf, document.at(pointer)), "a leaf is what its pointer leads to");
  }
  const bool shadowed = document.is_object() && document.contains("a") && !document["a"].is_structured();
  require(leaves.size() + (shadowed ? 1 : 0) == leaves_of(document), "every leaf is there once");
  require(depth_of(document) <= sources::kDeepestDocument, "a document is not too deep");
  require(bytes <= std::max(document_bytes * sources::kExpansionFactor, sources::kExpansionAlwaysAllowedBytes),
          "an expansion is not too large");
}

void look_up(const shm::Content& content) {
  const auto size = shm::snapshot_bytes(content);
  require(size.ok(), "expanded content has a snapshot");
  std::vector<std::uint64_t> words(*size / 8);
  const auto bytes = std::as_writable_bytes(std::span(words));
  shm::build_snapshot(content, 0x5eed, bytes);
  const auto view = SnapshotView::open(bytes);
  require(view.ok() && view->verify().ok(), "the snapshot of expanded content is sound");
  for (const shm::Item& leaf : content.pointers) {
    Entry entry;
    require(view->find(leaf.key, entry) == Lookup::kFound && entry.value == leaf.value && entry.kind() == leaf.kind,
            "every pointer can be looked up");
  }
}

}  // namespace

bool accepts(std::string_view input) {
  shm::Content content;
  content.keys = {{.key = kKey, .value = input, .session = {}},
                  {.key = kRealKey, .value = "real", .session = {}},
                  {.key = "e", .value = "5", .session = {}}};
  sources::TextArena storage;
  const auto warnings = sources::expand_documents(content, storage);
  const bool opened = content.keys[0].kind == Kind::kDocument;
  require(content.keys[1].kind == Kind::kBytes && content.keys[2].kind == Kind::kBytes, "only documents are opened up");
  require(warnings.size() <= (opened ? 0 : 1), "one line for a document that is left plain");

  // nlohmann takes a NUL for the end.
  const bool is_text = input.find('\0') == std::string_view::npos;
  const json document = is_text ? json::parse(input, nullptr, false) : json();
  if (opened) {
    require(document.is_structured(), "only whole JSON objects and arrays are opened up");
    check_leaves(content.pointers, document, input.size());
  } else {
    require(content.pointers.empty(), "what stays plain has no leaves");
    require(!document.is_structured() || warnings.size() == 1, "a document that stays plain is told of");
  }
  look_up(content);
  return opened;
}

}  // namespace shmconf::fuzz
