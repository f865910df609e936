#include "cli/status.h"

#include <chrono>
#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/reader_access.h"
#include "display/status_text.h"
#include "shmconf/reader.h"

namespace shmconf::cli {
namespace {

constexpr char kCommand[] = "status";

}  // namespace

int run_status(const StatusOptions& options) {
  Output out;
  const Result<Reader> reader = open_reader(options.reader);
  if (!reader) {
    if (options.json) out << display::no_status_json(reader.error(), options.reader.name);
    return finish(kCommand, out, fail_to_open(kCommand, reader.error()));
  }
  const Status status = reader->status();
  const display::WallTime now = std::chrono::system_clock::now();
  const std::string& name = options.reader.name;
  out << (options.json ? display::status_json(status, name, now) : display::status_text(status, name, now));
  return finish(kCommand, out, kExitDone);
}

}  // namespace shmconf::cli
