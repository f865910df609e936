// Writes what is derived from the program's tables, when it is built:
//   shmconf_manual_pages bash|zsh|fish                         a shell's completion
//   shmconf_manual_pages shmconf.1 DATE                        the manual page of the program
//   shmconf_manual_pages shmconf.json.5 DATE REFERENCE-FILE    the manual page of its settings
// to standard output. Not installed.

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "manual/commands_page.h"
#include "manual/completions.h"
#include "manual/settings_page.h"

namespace {

int print(const std::string& text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!whole) std::perror("shmconf_manual_pages");
  return whole ? 0 : 1;
}

int print_settings_page(const shmconf::manual::Edition& edition, const std::string& file) {
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto page = shmconf::manual::settings_page(text, edition);
  if (page) return print(*page);
  std::fprintf(stderr, "%s: %s\n", file.c_str(), page.error().text.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string what = words.empty() ? "" : words[0];
  if (what == "bash" && words.size() == 1) return print(shmconf::manual::bash_completion());
  if (what == "zsh" && words.size() == 1) return print(shmconf::manual::zsh_completion());
  if (what == "fish" && words.size() == 1) return print(shmconf::manual::fish_completion());
  const shmconf::manual::Edition edition{words.size() > 1 ? words[1] : "", SHMCONF_VERSION};
  if (what == "shmconf.1" && words.size() == 2) return print(shmconf::manual::commands_page(edition));
  if (what == "shmconf.json.5" && words.size() == 3) return print_settings_page(edition, words[2]);
  std::fprintf(stderr, "usage: shmconf_manual_pages bash|zsh|fish | shmconf.1 DATE | shmconf.json.5 DATE FILE\n");
  return 2;
}
