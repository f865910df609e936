// The table of all settings: for each its key in the file, its variables, its flag, its help and
// where its value goes. File, environment, flags, help and the reference file all follow it.
//
// Immutable; thread-safe. For src/settings and for the command line, which registers the flags.
#ifndef SHMCONF_SETTINGS_FIELD_TABLE_H_
#define SHMCONF_SETTINGS_FIELD_TABLE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "settings/complaint.h"
#include "settings/settings.h"

namespace shmconf::settings {

// Settings while they are being put together.
struct Draft {
  Settings settings;
  bool https = false;  // $CONSUL_HTTP_SSL: an address without https:// gets it
};

// An empty text always stands for "not set" and is not checked.
struct TextSlot {
  std::string& (*at)(Draft&);
  std::optional<Complaint> (*examine)(std::string_view);
};
struct SwitchSlot {
  bool& (*at)(Draft&);
};
struct DurationSlot {
  std::chrono::milliseconds& (*at)(Draft&);
  std::chrono::milliseconds least;
  std::chrono::milliseconds most;
};
struct SizeSlot {
  std::uint64_t& (*at)(Draft&);
  std::uint64_t least;
  std::uint64_t most;
};
// One of some words; the value is the word's place among them.
struct ChoiceSlot {
  std::size_t (*get)(const Draft&);
  void (*set)(Draft&, std::size_t);
  std::span<const std::string_view> words;
};
// The list in the file.
struct SourceListSlot {};
// One source of a kind, from a flag, or several with commas between them, from a variable.
struct SourceSlot {
  Source::Kind kind;
};
using Slot =
    std::variant<TextSlot, SwitchSlot, DurationSlot, SizeSlot, ChoiceSlot, SourceListSlot, SourceSlot>;

struct Field {
  std::string_view path = {};             // JSON pointer in the file; empty: not in the file
  std::string_view variable = {};         // of shmconf; empty: none
  std::string_view consul_variable = {};  // of Consul's own tools; empty: none
  std::string_view credential = {};       // a file in $CREDENTIALS_DIRECTORY, which it names; empty: none
  std::string_view flag = {};             // with its two dashes; empty: none
  std::string_view value_name = {};       // of the flag's value in --help; empty: it takes none
  std::string_view about = {};            // one line
  Slot slot = SourceListSlot{};
  bool for_readers = false;  // get, list, status and wait need it too
  bool secret = false;       // never shown, never handed to a child
};

// Every setting, in the order of the reference file.
std::span<const Field> field_table();

// The field with this key in the file, variable or flag; null when there is none.
const Field* field_by_path(std::string_view path);
const Field* field_by_flag(std::string_view flag);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_FIELD_TABLE_H_
