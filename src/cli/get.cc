#include "cli/get.h"

#include <string_view>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/nearest_keys.h"
#include "cli/reader_access.h"
#include "shmconf/reader.h"

namespace shmconf::cli {
namespace {

constexpr char kCommand[] = "get";
// Consul's column: its longest name and six spaces.
constexpr std::size_t kValueColumn = 17;

int print_value(std::string_view value, bool raw) {
  Output out;
  out << value;
  if (!raw) out << "\n";
  return finish(kCommand, out, kExitDone);
}

}  // namespace

std::string detailed_text(const Entry& entry) {
  std::string text;
  const auto line = [&text](std::string_view name, std::string_view value) {
    text += name;
    text.append(kValueColumn - name.size(), ' ');
    text += value;
    text += '\n';
  };
  line("CreateIndex", std::to_string(entry.create_index()));
  line("Flags", std::to_string(entry.flags()));
  line("Key", entry.key);
  line("LockIndex", std::to_string(entry.lock_index()));
  line("ModifyIndex", std::to_string(entry.modify_index()));
  line("Session", entry.session().empty() ? "-" : entry.session());
  line("Value", entry.value);
  return text;
}

int run_get(const GetOptions& options) {
  const Result<Reader> reader = open_reader(options.reader);
  if (!reader) return fail_to_open(kCommand, reader.error());
  const Snapshot snapshot = reader->snapshot();
  Entry entry;
  switch (snapshot.find(options.key, entry)) {
    case Lookup::kFound: break;
    case Lookup::kDamaged: return fail(kCommand, damaged_segment());
    case Lookup::kAbsent:
      if (options.fallback) return print_value(*options.fallback, options.raw);
      complain(kCommand, absent_text(snapshot, options.key));
      return kExitAbsent;
  }
  if (!options.detailed) return print_value(entry.value, options.raw);
  Output out;
  out << detailed_text(entry);
  return finish(kCommand, out, kExitDone);
}

}  // namespace shmconf::cli
