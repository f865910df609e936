// Credentials: the ACL token and the TLS context, as the settings and their files give them. One for
// all clients of a process, so that what was read last is known to each.
//
// Belongs to the thread of its clients.
#ifndef SHMCONF_CONSUL_CREDENTIALS_H_
#define SHMCONF_CONSUL_CREDENTIALS_H_

#include <memory>
#include <optional>
#include <string>

#include "consul/tls_files.h"
#include "consul/token_file.h"
#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::consul {

class Credentials {
 public:
  explicit Credentials(const settings::Consul& settings);

  // For the next request; empty: none is given. Of a file that cannot be used any more, the last one.
  Result<std::string> token();
  // For the next connection.
  Result<std::shared_ptr<TlsFiles::Context>> tls() { return tls_files_.current(); }

  // What is wrong with files while what was read of them earlier is still used; empty: nothing. Reads
  // those again that were in trouble.
  std::string trouble();

 private:
  const std::string fixed_token_;
  std::optional<TokenFile> token_file_;
  TlsFiles tls_files_;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_CREDENTIALS_H_
