#include "settings/settings_text.h"

#include <nlohmann/json.hpp>

#include "settings/duration.h"
#include "settings/field_table.h"

namespace shmconf::settings {
namespace {

using Json = nlohmann::ordered_json;

Json source_list(const Settings& settings) {
  Json list = Json::array();
  for (const Source& source : settings.sources) {
    list.push_back({{source.kind == Source::Kind::kPrefix ? "prefix" : "key", source.path}});
  }
  return list;
}

Json field_value(const Field& field, Draft& draft) {
  if (const auto* slot = std::get_if<TextSlot>(&field.slot)) return slot->at(draft);
  if (const auto* slot = std::get_if<SwitchSlot>(&field.slot)) return slot->at(draft);
  if (const auto* slot = std::get_if<DurationSlot>(&field.slot)) return format_duration(slot->at(draft));
  if (const auto* slot = std::get_if<SizeSlot>(&field.slot)) return slot->at(draft);
  if (const auto* slot = std::get_if<ChoiceSlot>(&field.slot)) return slot->words[slot->get(draft)];
  return source_list(draft.settings);
}

}  // namespace

Result<std::string> to_json(const Settings& settings) {
  Draft draft{settings, false};
  Json document = Json::object();
  for (const Field& field : field_table()) {
    if (field.path.empty()) continue;
    // An empty name is what the file must not say; every other empty text means the default.
    if (field.path == "/name" && settings.name.empty()) continue;
    document[Json::json_pointer(std::string(field.path))] = field_value(field, draft);
  }
  try {
    return document.dump(2) + "\n";
  } catch (const Json::exception&) {
    return Error{ErrorCode::kInvalid, "a setting is not UTF-8 text; write paths and names in UTF-8"};
  }
}

}  // namespace shmconf::settings
