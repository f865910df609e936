// The settings file: JSON with comments, its keys those of field_table(), and $schema, which is for editors.
//
// Stateless; thread-safe as long as the assembly is one thread's.
#ifndef SHMCONF_SETTINGS_SETTINGS_FILE_H_
#define SHMCONF_SETTINGS_SETTINGS_FILE_H_

#include <string>

#include "settings/assembly.h"

namespace shmconf::settings {

// Adds the file's values as Layer::kFile. A file that cannot be read or parsed is one problem at
// its path; everything else, each at its JSON path: unknown and duplicate keys, wrong types, bad
// values. Blocks while it reads.
void read_settings_file(const std::string& path, Assembly& assembly);

// The same for the file's text; `where` is the place of a problem that concerns the whole of it.
void read_settings_text(const std::string& text, const std::string& where, Assembly& assembly);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_SETTINGS_FILE_H_
