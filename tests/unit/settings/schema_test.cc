// config/shmconf.schema.json, which editors check settings files by, against the table of all settings.
//
// It is written by this test: SHMCONF_WRITE_SCHEMA=1 settings_test --gtest_filter='Schema.*' does so anew
// after a change of the table.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "settings/address.h"
#include "settings/duration.h"
#include "settings/field_table.h"
#include "settings/listen_address.h"
#include "settings/name.h"
#include "settings/settings_text.h"

namespace shmconf::settings {
namespace {

using Json = nlohmann::ordered_json;

// The validator's rules for texts, as far as a pattern can say them. Where they allow less, `shmconf check`
// complains all the same.
std::string pattern_of(const TextSlot& slot) {
  if (slot.examine == examine_name) return "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
  if (slot.examine == examine_word) return R"(^[^\u0000-\u0020\u007f]*$)";
  if (slot.examine == examine_path || slot.examine == examine_secret) return R"(^[^\u0000-\u001f\u007f]*$)";
  if (slot.examine == examine_address) {
    return R"(^(unix:///.+|https?://[^/@\s]+/?|[^/@\s:]+:[0-9]{1,5}/?|\[[^/@\s]+\]:[0-9]{1,5}/?)?$)";
  }
  if (slot.examine == examine_listen_address) {
    return R"(^(unix:.+|(127\.[0-9.]+|localhost|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})?$)";
  }
  ADD_FAILURE() << "a rule for texts that has no pattern here";
  return "";
}

constexpr const char* kDurationPattern = "^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
// Consul serves no path with such parts; see examine_prefix() and examine_key().
constexpr const char* kPathPart = R"((?!\.{1,2}(/|$))[^/\u0000-\u001f\u007f]+)";

Json source_list() {
  const std::string part = kPathPart;
  const auto one_of = [](const char* key, const std::string& pattern, const char* about) {
    return Json{{"type", "object"},
                {"properties", {{key, {{"type", "string"}, {"pattern", pattern}, {"description", about}}}}},
                {"required", Json::array({key})},
                {"additionalProperties", false}};
  };
  return {{"type", "array"},
          {"items",
           {{"oneOf", Json::array({one_of("prefix", "^(" + part + "/)+$", "mirror the keys below it; ends with '/'"),
                                   one_of("key", "^(?=.)(" + part + "/)*(" + part + ")?$", "mirror this single key")})}}}};
}

Json rule_of(const Field& field) {
  if (const auto* slot = std::get_if<TextSlot>(&field.slot)) {
    return {{"type", "string"}, {"pattern", pattern_of(*slot)}};
  }
  if (std::holds_alternative<SwitchSlot>(field.slot)) return {{"type", "boolean"}};
  if (std::holds_alternative<DurationSlot>(field.slot)) return {{"type", "string"}, {"pattern", kDurationPattern}};
  if (const auto* slot = std::get_if<SizeSlot>(&field.slot)) {
    return {{"type", "integer"}, {"minimum", slot->least}, {"maximum", slot->most}};
  }
  if (const auto* slot = std::get_if<ChoiceSlot>(&field.slot)) return {{"enum", slot->words}};
  return source_list();
}

std::string description_of(const Field& field) {
  std::string text(field.about);
  if (const auto* slot = std::get_if<DurationSlot>(&field.slot)) {
    text += "; " + format_duration(slot->least) + " to " + format_duration(slot->most);
  }
  for (const std::string_view variable : {field.consul_variable, field.variable}) {
    if (!variable.empty()) text += ". $" + std::string(variable);
  }
  if (!field.flag.empty()) text += ", " + std::string(field.flag);
  return text;
}

Json section() { return {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}}; }

Json schema_of_table() {
  const Json defaults = Json::parse(*to_json(Settings{}));
  // Draft 7: what every editor understands.
  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Settings of shmconf"}};
  schema.update(section());
  schema["properties"]["$schema"] = {{"type", "string"}, {"description", "where this schema is, for editors"}};
  for (const Field& field : field_table()) {
    if (field.path.empty()) continue;
    Json* object = &schema;
    std::string_view rest = field.path.substr(1);
    for (std::size_t slash; (slash = rest.find('/')) != std::string_view::npos; rest.remove_prefix(slash + 1)) {
      Json& properties = (*object)["properties"];
      const std::string name(rest.substr(0, slash));
      if (!properties.contains(name)) properties[name] = section();
      object = &properties[name];
    }
    Json rule{{"description", description_of(field)}};
    rule.update(rule_of(field));
    const Json::json_pointer path{std::string(field.path)};
    if (defaults.contains(path)) rule["default"] = defaults[path];
    (*object)["properties"][std::string(rest)] = std::move(rule);
  }
  return schema;
}

TEST(Schema, IsThatOfTheTableOfSettings) {
  const Json expected = schema_of_table();
  if (std::getenv("SHMCONF_WRITE_SCHEMA") != nullptr) std::ofstream(SHMCONF_SCHEMA_FILE) << expected.dump(2) << "\n";
  std::ifstream file(SHMCONF_SCHEMA_FILE);
  const Json found = Json::parse(file, nullptr, false);
  ASSERT_FALSE(found.is_discarded()) << SHMCONF_SCHEMA_FILE << " is missing or no JSON";
  EXPECT_EQ(found, expected) << "differences: " << Json::diff(found, expected).dump(2)
                             << "\nto write the file anew: SHMCONF_WRITE_SCHEMA=1 " << SHMCONF_SCHEMA_FILE;
}

}  // namespace
}  // namespace shmconf::settings
