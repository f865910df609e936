#include "cli/version.h"

#include "cli/console.h"
#include "cli/exit_code.h"

namespace shmconf::cli {

int run_version(const VersionOptions&) {
  Output out;
  out << "shmconf " << SHMCONF_VERSION << "\n";
  return finish("version", out, kExitDone);
}

}  // namespace shmconf::cli
