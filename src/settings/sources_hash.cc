#include "settings/sources_hash.h"

#include <string>
#include <string_view>

#include "shmconf/format.h"

namespace shmconf::settings {
namespace {

void append_counted(std::string& text, std::string_view part) {
  text += std::to_string(part.size()) + ':';
  text += part;
}

}  // namespace

std::uint64_t sources_hash(std::span<const Source> sources, const Consul& consul) {
  std::string text;
  for (const Source& source : sources) {
    text += source.kind == Source::Kind::kPrefix ? 'p' : 'k';
    append_counted(text, source.path);
  }
  text += '|';
  append_counted(text, consul.datacenter);
  append_counted(text, consul.name_space);
  append_counted(text, consul.partition);
  const std::uint64_t hash = format::checksum(text.data(), text.size());
  return hash == 0 ? 1 : hash;
}

}  // namespace shmconf::settings
