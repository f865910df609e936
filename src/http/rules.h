// What a request has to be like before anybody looks at what it asks for.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_HTTP_RULES_H_
#define SHMCONF_HTTP_RULES_H_

#include <optional>
#include <string_view>

#include "http/reply.h"
#include "settings/listen_address.h"

namespace shmconf::http {

inline constexpr std::size_t kLongestTargetBytes = 1024;

// The refusal, or nothing: only GET and HEAD of a path, without a body, under a name of the address
// that is listened at (port already known), since a page elsewhere may have made its own name lead here
// (DNS rebinding). A unix socket is nobody's name: there any host will do.
std::optional<Reply> refuse(const Request& request, const settings::ListenAddress& listening);

// Whether a Host header names this very address.
bool is_own_host(std::string_view host, const settings::ListenAddress& listening);

// The path without its query.
std::string_view path_of(std::string_view target);

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_RULES_H_
