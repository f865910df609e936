// The page's files, embedded when the program is built (src/http/page, embed.cmake).
//
// Immutable; thread-safe.
#ifndef SHMCONF_HTTP_ASSETS_H_
#define SHMCONF_HTTP_ASSETS_H_

#include <span>
#include <string_view>

namespace shmconf::http {

struct Asset {
  std::string_view name;  // of the file
  std::string_view bytes;
};

std::span<const Asset> assets();

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_ASSETS_H_
