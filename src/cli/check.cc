#include "cli/check.h"

#include "cli/console.h"
#include "cli/exit_code.h"
#include "settings/settings_loader.h"

namespace shmconf::cli {

int run_check(const CheckOptions& options) {
  constexpr char kCommand[] = "check";
  const settings::Environment nothing = [](const std::string&) { return std::nullopt; };
  settings::Flags flags;
  flags.config_file = options.file;
  const auto loaded = settings::load_settings(flags, nothing, settings::Scope::kAnything);
  const auto* problems = std::get_if<std::vector<settings::Problem>>(&loaded);
  if (problems == nullptr) {
    Output out;
    out << escaped(options.file) << ": settings are valid\n";
    return finish(kCommand, out, kExitDone);
  }
  for (const settings::Problem& problem : *problems) {
    // A problem of the file as a whole has the file for its place already.
    const bool whole_file = problem.where == options.file;
    complain(kCommand, (whole_file ? "" : options.file + ": ") + settings::to_string(problem));
  }
  return kExitUsage;
}

}  // namespace shmconf::cli
