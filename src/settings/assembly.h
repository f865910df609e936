// Assembly: settings being put together from layers, with the place each value came from and every
// problem met on the way.
//
// Not thread-safe. Layers are to be added from the weakest to the strongest.
#ifndef SHMCONF_SETTINGS_ASSEMBLY_H_
#define SHMCONF_SETTINGS_ASSEMBLY_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "settings/complaint.h"
#include "settings/field_table.h"

namespace shmconf::settings {

// In rising precedence.
enum class Layer : std::uint8_t { kDefault, kCredential, kFile, kConsulVariable, kVariable, kFlag };

struct Origin {
  Layer layer = Layer::kDefault;
  std::string where;  // as in Problem
};

class Assembly {
 public:
  // Each checks the value and either stores it or adds a problem at its origin. The field's slot
  // must be of that type; set_text() parses the text for whatever type the slot has.
  void set_text(const Field& field, std::string_view text, const Origin& origin);
  void set_switch(const Field& field, bool value, const Origin& origin);
  void set_size(const Field& field, std::uint64_t value, const Origin& origin);

  // The first source of a stronger layer replaces those of the weaker ones; within a layer they add up.
  void add_source(Source::Kind kind, std::string_view path, const Origin& origin);

  void complain(const std::string& where, const Complaint& complaint);

  [[nodiscard]] Draft& draft() { return draft_; }
  [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }
  // Where the field with this JSON path got its value; the default's layer when nothing set it.
  [[nodiscard]] Origin origin(std::string_view path) const;
  // One per source of the draft.
  [[nodiscard]] const std::vector<std::string>& source_places() const { return source_places_; }

 private:
  void store_text(const Field& field, const TextSlot& slot, std::string_view text, const Origin& origin);
  void store_switch(const Field& field, std::string_view text, const Origin& origin);
  void store_duration(const Field& field, const DurationSlot& slot, std::string_view text,
                      const Origin& origin);
  void store_size(const Field& field, std::string_view text, const Origin& origin);
  void store_choice(const Field& field, const ChoiceSlot& slot, std::string_view text, const Origin& origin);
  void store_sources(const SourceSlot& slot, std::string_view text, const Origin& origin);

  Draft draft_;
  std::vector<Problem> problems_;
  std::map<std::string, Origin, std::less<>> origins_;
  Layer source_layer_ = Layer::kDefault;
  std::vector<std::string> source_places_;
};

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_ASSEMBLY_H_
