#include "cli/list.h"

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/reader_access.h"
#include "shmconf/reader.h"

namespace shmconf::cli {
namespace {

constexpr char kCommand[] = "list";

}  // namespace

int run_list(const ListOptions& options) {
  const Result<Reader> reader = open_reader(options.reader);
  if (!reader) return fail_to_open(kCommand, reader.error());
  Entries entries =
      reader->snapshot().prefix(options.prefix, options.expanded ? Listing::kBoth : Listing::kKeys);
  Output out;
  bool any = false;
  for (const Entry& entry : entries) {
    out << escaped(entry.key) << "\n";
    any = true;
  }
  if (entries.damaged()) {
    return fail(kCommand, damaged_segment());
  }
  if (!any && !options.prefix.empty()) {
    const std::string advice =
        !options.expanded && options.prefix.find('#') != std::string::npos ? ": try --expanded" : "";
    complain(kCommand, "no key begins with '" + escaped(options.prefix) + "'" + advice);
    return kExitAbsent;
  }
  return finish(kCommand, out, kExitDone);
}

}  // namespace shmconf::cli
