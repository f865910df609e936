// TLS towards Consul: what one connection asks for, and what its failures mean to an operator.
//
// Pure functions of the given object. Included only by the sources that hold the sockets.
#ifndef SHMCONF_CONSUL_TLS_H_
#define SHMCONF_CONSUL_TLS_H_

#include <openssl/types.h>

#include <boost/system/error_code.hpp>
#include <string>

#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::consul {

// Before the handshake: server name, its verification, and HTTP/1.1 as the only protocol offered.
Result<void> prepare_tls(SSL* ssl, const settings::Tls& settings, const std::string& host);

// For a failed handshake, read or write of ssl, when error is OpenSSL's.
Error tls_error(const boost::system::error_code& error, const SSL* ssl, const std::string& peer);

// For a connection that the peer ended without an answer: what may be the reason, and what to do.
std::string silent_end_hint(const SSL* ssl);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_TLS_H_
