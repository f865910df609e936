#include "cli/status.h"

#include <chrono>
#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/reader_access.h"
#include "cli/status_text.h"
#include "shmconf/reader.h"

namespace shmconf::cli {
namespace {

constexpr char kCommand[] = "status";

}  // namespace

int run_status(const StatusOptions& options) {
  Output out;
  const Result<Reader> reader = open_reader(options.reader);
  if (!reader) {
    if (options.json) out << no_status_json(reader.error(), options.reader.name);
    return finish(kCommand, out, fail_to_open(kCommand, reader.error()));
  }
  const Status status = reader->status();
  const WallTime now = std::chrono::system_clock::now();
  const std::string& name = options.reader.name;
  out << (options.json ? status_json(status, name, now) : status_text(status, name, now));
  return finish(kCommand, out, kExitDone);
}

}  // namespace shmconf::cli
