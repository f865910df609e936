// TLS towards Consul: the context for one connection, and what its failures mean to an operator.
//
// Included only by the sources that hold the sockets. Certificates are read when the context is made,
// once per connection, so that rotated files are used without a restart.
#ifndef SHMCONF_CONSUL_TLS_H_
#define SHMCONF_CONSUL_TLS_H_

#include <openssl/types.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <string>

#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::consul {

// TLS 1.2 or newer, verifying against the given authorities or the system's. Fails with kInvalid or
// kDenied, naming the file. Blocks for the reads.
Result<boost::asio::ssl::context> make_tls_context(const settings::Tls& settings);

// Before the handshake: server name, its verification, and HTTP/1.1 as the only protocol offered.
// A peer of a unix socket has no host; tls.server_name can still name it.
Result<void> prepare_tls(SSL* ssl, const settings::Tls& settings, const std::string& host);

// For a failed handshake, read or write of ssl. has_certificate: we could have shown one.
Error tls_error(const boost::system::error_code& error, SSL* ssl, const std::string& peer,
                bool has_certificate);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_TLS_H_
