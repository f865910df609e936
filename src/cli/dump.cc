#include "cli/dump.h"

#include <cstdint>
#include <optional>
#include <string>

#include "backup/store.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/pack_input.h"
#include "cli/reader_access.h"
#include "display/secrets.h"
#include "env/env.h"
#include "shmconf/reader.h"

namespace shmconf::cli {
namespace {

constexpr char kCommand[] = "dump";

// Prints the entries of one configuration.
class Printer {
 public:
  explicit Printer(const DumpOptions& options)
      : json_(options.json), show_secrets_(options.show_secrets), words_(options.secrets) {}

  // The command's exit code.
  int print(const SnapshotView& view) {
    auto entries = view.walk();
    Entry entry;
    while (entries.next(entry)) {
      if (auto printed = json_ ? print_element(entry) : print_line(entry); !printed) {
        return fail(kCommand, printed.error());
      }
    }
    if (entries.damaged()) return fail(kCommand, damaged_segment());
    if (json_) out_ << (is_first_ ? "[]\n" : "\n]\n");
    const int code = finish(kCommand, out_, kExitDone);
    if (masked_ != 0) complain(kCommand, counted(masked_, "value") + " masked; --show-secrets prints all");
    return code;
  }

 private:
  std::optional<std::string> masked(const Entry& entry) {
    if (show_secrets_) return std::nullopt;
    auto text = words_.masked(entry.key, entry.value);
    if (text) ++masked_;
    return text;
  }

  Result<void> print_line(const Entry& entry) {
    out_ << escaped(entry.key, '=') << "=" << escaped(masked(entry).value_or(std::string(entry.value))) << "\n";
    return {};
  }

  Result<void> print_element(const Entry& entry) {
    const auto text = masked(entry);
    const auto element = text ? masked_entry(entry.key, entry.flags(), *text)
                              : export_entry(entry.key, entry.flags(), entry.value);
    if (!element) return element.error();
    out_ << (is_first_ ? "[\n" : ",\n") << *element;
    is_first_ = false;
    return {};
  }

  const bool json_;
  const bool show_secrets_;
  const display::SecretWords words_;
  Output out_;
  bool is_first_ = true;
  std::uint64_t masked_ = 0;
};

}  // namespace

int run_dump(const DumpOptions& options) {
  Printer printer(options);
  if (!options.key_file.empty()) {
    const auto loaded = backup::Store::load_file(env::Env::posix(), options.file, options.key_file);
    return loaded ? printer.print(loaded->view()) : fail(kCommand, loaded.error());
  }
  const bool from_file = !options.file.empty();
  const Result<Reader> reader = from_file ? Reader::open_backup(options.file) : open_reader(options.reader);
  if (!reader) return from_file ? fail(kCommand, reader.error()) : fail_to_open(kCommand, reader.error());
  const Snapshot snapshot = reader->snapshot();
  return printer.print(snapshot.view());
}

}  // namespace shmconf::cli
