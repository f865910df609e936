#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "env/env.h"
#include "http/server.h"

namespace shmconf::http {
namespace {

constexpr int kBacklog = 128;

union Address {
  sockaddr any;
  sockaddr_un local;
  sockaddr_in four;
  sockaddr_in6 six;
};

struct Endpoint {
  Address address{};
  socklen_t bytes = 0;
};

Endpoint endpoint_of(const settings::ListenAddress& address) {
  Endpoint endpoint;
  if (address.is_unix()) {
    endpoint.address.local.sun_family = AF_UNIX;
    // A path that is too long was refused by the settings.
    std::strncpy(endpoint.address.local.sun_path, address.path.c_str(), sizeof endpoint.address.local.sun_path - 1);
    endpoint.bytes = sizeof endpoint.address.local;
  } else if (::inet_pton(AF_INET, address.host.c_str(), &endpoint.address.four.sin_addr) == 1) {
    endpoint.address.four.sin_family = AF_INET;
    endpoint.address.four.sin_port = htons(address.port);
    endpoint.bytes = sizeof endpoint.address.four;
  } else {
    ::inet_pton(AF_INET6, address.host.c_str(), &endpoint.address.six.sin6_addr);
    endpoint.address.six.sin6_family = AF_INET6;
    endpoint.address.six.sin6_port = htons(address.port);
    endpoint.bytes = sizeof endpoint.address.six;
  }
  return endpoint;
}

std::string in_words(const settings::ListenAddress& address) {
  if (address.is_unix()) return address.path;
  const bool six = address.host.find(':') != std::string::npos;
  return (six ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

Error taken(const settings::ListenAddress& address) {
  return Error{ErrorCode::kUnavailable,
               "somebody listens at '" + in_words(address) + "' already: stop it, or choose another --http"};
}

// A socket whose process has died stays in the file system. What is no socket is not ours to remove.
Result<void> remove_leftover(const settings::ListenAddress& address, const Endpoint& endpoint) {
  struct stat info {};
  if (::lstat(address.path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) {
    return Error{ErrorCode::kDenied, "'" + address.path + "' is there and is no socket: choose another --http"};
  }
  const env::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return env::system_error(errno, "make", "a socket");
  if (::connect(probe.get(), &endpoint.address.any, endpoint.bytes) == 0) return taken(address);
  if (errno == EACCES) return env::system_error(errno, "connect to", address.path);
  if (errno != ECONNREFUSED) return taken(address);
  if (::unlink(address.path.c_str()) != 0) return env::system_error(errno, "remove", address.path);
  return {};
}

// From nobody else to those whom the settings name, before anybody can connect.
Result<void> open_to_group(const settings::ListenAddress& address, const std::string& group) {
  if (group.empty()) return {};
  errno = 0;
  const ::group* entry = ::getgrnam(group.c_str());
  if (entry == nullptr) {
    return Error{ErrorCode::kInvalid, "there is no group '" + group + "': create it, or name another in --group"};
  }
  const char* path = address.path.c_str();
  struct stat info {};
  const bool is_theirs = ::lstat(path, &info) == 0 && info.st_gid == entry->gr_gid;
  if (!is_theirs && ::lchown(path, static_cast<uid_t>(-1), entry->gr_gid) != 0) return env::system_error(errno, "give to the group", path);
  if (::chmod(path, 0660) != 0) return env::system_error(errno, "open to the group", path);
  return {};
}

}  // namespace

Result<env::Fd> listen_at(const settings::ListenAddress& address, const std::string& group) {
  const Endpoint endpoint = endpoint_of(address);
  env::Fd socket(::socket(endpoint.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return env::system_error(errno, "make", "a socket");
  if (address.is_unix()) {
    if (auto removed = remove_leftover(address, endpoint); !removed) return removed.error();
  } else {
    const int yes = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  }
  const mode_t before = ::umask(0177);
  const int bound = ::bind(socket.get(), &endpoint.address.any, endpoint.bytes);
  const int why = errno;
  ::umask(before);
  if (bound != 0) return why == EADDRINUSE ? taken(address) : env::system_error(why, "listen at", in_words(address));
  if (address.is_unix()) {
    if (auto opened = open_to_group(address, group); !opened) return opened.error();
  }
  if (::listen(socket.get(), kBacklog) != 0) {
    return errno == EADDRINUSE ? taken(address) : env::system_error(errno, "listen at", in_words(address));
  }
  return socket;
}

}  // namespace shmconf::http
