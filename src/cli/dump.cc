#include "cli/dump.h"

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/pack_input.h"
#include "cli/reader_access.h"
#include "shmconf/reader.h"

namespace shmconf::cli {
namespace {

constexpr char kCommand[] = "dump";

void print_lines(Entries& entries, Output& out) {
  for (const Entry& entry : entries) out << escaped(entry.key, '=') << "=" << escaped(entry.value) << "\n";
}

Result<void> print_json(Entries& entries, Output& out) {
  const char* between = "[\n";
  for (const Entry& entry : entries) {
    const Result<std::string> element = export_entry(entry.key, entry.flags(), entry.value);
    if (!element) return element.error();
    out << between << *element;
    between = ",\n";
  }
  out << (between[0] == '[' ? "[]\n" : "\n]\n");
  return {};
}

}  // namespace

int run_dump(const DumpOptions& options) {
  const bool from_file = !options.file.empty();
  const Result<Reader> reader = from_file ? Reader::open_backup(options.file) : open_reader(options.reader);
  if (!reader) return from_file ? fail(kCommand, reader.error()) : fail_to_open(kCommand, reader.error());
  Entries entries = reader->snapshot().prefix("");
  Output out;
  if (options.json) {
    const Result<void> printed = print_json(entries, out);
    if (!printed) return fail(kCommand, printed.error());
  } else {
    print_lines(entries, out);
  }
  if (entries.damaged()) {
    return fail(kCommand, damaged_segment());
  }
  return finish(kCommand, out, kExitDone);
}

}  // namespace shmconf::cli
