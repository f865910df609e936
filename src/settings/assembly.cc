#include "settings/assembly.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "settings/duration.h"
#include "settings/name.h"
#include "settings/suggestion.h"

namespace shmconf::settings {
namespace {

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

// What Go's ParseBool takes, since that is what reads Consul's own variables.
std::optional<bool> parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  return std::nullopt;
}

}  // namespace

void Assembly::complain(const std::string& where, const Complaint& complaint) {
  problems_.push_back({where, complaint.text, complaint.hint});
}

Origin Assembly::origin(std::string_view path) const {
  const auto found = origins_.find(path);
  return found == origins_.end() ? Origin{Layer::kDefault, std::string(path)} : found->second;
}

void Assembly::set_text(const Field& field, std::string_view text, const Origin& origin) {
  if (const auto* slot = std::get_if<TextSlot>(&field.slot)) return store_text(field, *slot, text, origin);
  if (const auto* slot = std::get_if<DurationSlot>(&field.slot)) {
    return store_duration(field, *slot, text, origin);
  }
  if (const auto* slot = std::get_if<ChoiceSlot>(&field.slot)) {
    return store_choice(field, *slot, text, origin);
  }
  if (const auto* slot = std::get_if<SourceSlot>(&field.slot)) return store_sources(*slot, text, origin);
  if (std::holds_alternative<SwitchSlot>(field.slot)) return store_switch(field, text, origin);
  if (std::holds_alternative<SizeSlot>(field.slot)) return store_size(field, text, origin);
}

void Assembly::set_switch(const Field& field, bool value, const Origin& origin) {
  std::get<SwitchSlot>(field.slot).at(draft_) = value;
  origins_.insert_or_assign(std::string(field.path), origin);
}

void Assembly::set_size(const Field& field, std::uint64_t value, const Origin& origin) {
  const auto& slot = std::get<SizeSlot>(field.slot);
  if (value < slot.least || value > slot.most) {
    return complain(origin.where, {std::to_string(value) + " is out of range",
                                   "write a number from " + std::to_string(slot.least) + " to " +
                                       std::to_string(slot.most)});
  }
  slot.at(draft_) = value;
  origins_.insert_or_assign(std::string(field.path), origin);
}

void Assembly::store_text(const Field& field, const TextSlot& slot, std::string_view text,
                          const Origin& origin) {
  if (!text.empty()) {
    if (const auto complaint = slot.examine(text)) return complain(origin.where, *complaint);
  }
  slot.at(draft_) = text;
  origins_.insert_or_assign(std::string(field.path), origin);
}

void Assembly::store_switch(const Field& field, std::string_view text, const Origin& origin) {
  const std::optional<bool> value = parse_bool(text);
  if (!value) {
    return complain(origin.where, {in_quotes(text) + " is neither true nor false", "write true or false"});
  }
  set_switch(field, *value, origin);
}

void Assembly::store_duration(const Field& field, const DurationSlot& slot, std::string_view text,
                              const Origin& origin) {
  const auto examined = examine_duration(text);
  if (const auto* complaint = std::get_if<Complaint>(&examined)) return complain(origin.where, *complaint);
  const auto value = std::get<std::chrono::milliseconds>(examined);
  if (value < slot.least || value > slot.most) {
    return complain(origin.where, {in_quotes(text) + " is out of range",
                                   "write a duration from " + format_duration(slot.least) + " to " +
                                       format_duration(slot.most)});
  }
  slot.at(draft_) = value;
  origins_.insert_or_assign(std::string(field.path), origin);
}

void Assembly::store_size(const Field& field, std::string_view text, const Origin& origin) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) {
    return complain(origin.where,
                    {in_quotes(text) + " is not a number of bytes", "write digits alone, such as 1048576"});
  }
  set_size(field, value, origin);
}

void Assembly::store_choice(const Field& field, const ChoiceSlot& slot, std::string_view text,
                            const Origin& origin) {
  const auto found = std::find(slot.words.begin(), slot.words.end(), text);
  if (found == slot.words.end()) {
    const std::string_view near = nearest(text, slot.words);
    std::string hint = "write " + listed(slot.words);
    if (!near.empty()) hint = "did you mean " + in_quotes(near) + "? " + hint;
    return complain(origin.where, {in_quotes(text) + " is not one of the choices", hint});
  }
  slot.set(draft_, static_cast<std::size_t>(found - slot.words.begin()));
  origins_.insert_or_assign(std::string(field.path), origin);
}

void Assembly::store_sources(const SourceSlot& slot, std::string_view text, const Origin& origin) {
  // A flag names one source, commas and all; a variable has room for a list only with separators.
  if (origin.layer == Layer::kFlag) return add_source(slot.kind, text, origin);
  while (true) {
    const std::size_t comma = text.find(',');
    add_source(slot.kind, text.substr(0, comma), origin);
    if (comma == std::string_view::npos) return;
    text.remove_prefix(comma + 1);
  }
}

void Assembly::add_source(Source::Kind kind, std::string_view path, const Origin& origin) {
  if (origin.layer > source_layer_) {
    draft_.settings.sources.clear();
    source_places_.clear();
    source_layer_ = origin.layer;
  }
  const auto complaint = kind == Source::Kind::kPrefix ? examine_prefix(path) : examine_key(path);
  if (complaint) return complain(origin.where, *complaint);
  draft_.settings.sources.push_back({kind, std::string(path)});
  source_places_.push_back(origin.where);
}

}  // namespace shmconf::settings
