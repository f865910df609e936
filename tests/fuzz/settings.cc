// Fuzz target: the settings file. A file that is taken is written out and taken again with the same
// meaning; one that is refused gets complaints of one line each. A short input without a brace is each field's
// text too, as a variable or a flag would give it.
#include <string>

#include "fuzz/target.h"
#include "settings/assembly.h"
#include "settings/field_table.h"
#include "settings/settings_file.h"
#include "settings/settings_text.h"

namespace shmconf::fuzz {
namespace {

using settings::Assembly;
using settings::Field;
using settings::Layer;

constexpr std::size_t kLongestFieldBytes = 64;

void check_problems(const Assembly& assembly) {
  for (const settings::Problem& problem : assembly.problems()) {
    const std::string line = settings::to_string(problem);
    require(!problem.text.empty() && !problem.hint.empty(), "a complaint says what is wrong and what to do");
    require(line.find('\n') == std::string::npos, "a complaint is one line");
  }
}

bool round_trip(const std::string& text) {
  Assembly assembly;
  settings::read_settings_text(text, "the file", assembly);
  check_problems(assembly);
  if (!assembly.problems().empty()) return false;
  const auto written = settings::to_json(assembly.draft().settings);
  require(written.ok(), "what a file says can be written back");
  Assembly again;
  settings::read_settings_text(*written, "what was written", again);
  require(again.problems().empty(), "what was written back is taken");
  const auto rewritten = settings::to_json(again.draft().settings);
  require(rewritten.ok() && *rewritten == *written, "what was written back has the same meaning");
  return true;
}

void set_each_field(const std::string& text) {
  Assembly taken;
  for (const Field& field : settings::field_table()) {
    if (std::holds_alternative<settings::SourceListSlot>(field.slot)) continue;
    Assembly alone;
    alone.set_text(field, text, {Layer::kFlag, "--flag"});
    check_problems(alone);
    if (alone.problems().empty()) taken.set_text(field, text, {Layer::kFlag, "--flag"});
  }
  require(taken.problems().empty(), "a field is judged by itself");
  const auto written = settings::to_json(taken.draft().settings);
  if (written) require(round_trip(*written), "flags that are taken can stand in a file");
}

}  // namespace

bool accepts(std::string_view input) {
  const std::string text(input);
  if (text.size() <= kLongestFieldBytes && !text.starts_with('{')) set_each_field(text);
  return round_trip(text);
}

}  // namespace shmconf::fuzz
