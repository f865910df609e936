#include "consul/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

namespace shmconf::consul {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

Error file_error(const std::string& what, const std::string& path, const error_code& error) {
  // OpenSSL reports a failed open as the errno of the system's own library.
  const auto packed = static_cast<unsigned long>(error.value());
  const int reason = ERR_SYSTEM_ERROR(packed) ? static_cast<int>(ERR_GET_REASON(packed)) : 0;
  const bool denied = reason == EACCES || reason == EPERM;
  const std::string why = reason != 0 ? std::strerror(reason) : error.message();
  return {denied ? ErrorCode::kDenied : ErrorCode::kInvalid,
          what + " '" + path + "': " + why + "; it has to be a readable PEM file"};
}

Result<void> load_authorities(asio::ssl::context& context, const settings::Tls& settings) {
  error_code error;
  if (settings.ca_file.empty() && settings.ca_path.empty()) {
    context.set_default_verify_paths(error);
    if (error) return file_error("the system's certificates", "", error);
    return {};
  }
  if (!settings.ca_file.empty()) {
    context.load_verify_file(settings.ca_file, error);
    if (error) return file_error("consul.tls.ca_file", settings.ca_file, error);
  }
  if (!settings.ca_path.empty()) {
    context.add_verify_path(settings.ca_path, error);
    if (error) return file_error("consul.tls.ca_path", settings.ca_path, error);
  }
  return {};
}

Result<void> load_certificate(asio::ssl::context& context, const settings::Tls& settings) {
  if (settings.certificate_file.empty()) return {};
  error_code error;
  context.use_certificate_chain_file(settings.certificate_file, error);
  if (error) return file_error("consul.tls.certificate_file", settings.certificate_file, error);
  const std::string& key = settings.key_file.empty() ? settings.certificate_file : settings.key_file;
  context.use_private_key_file(key, asio::ssl::context::pem, error);
  if (error) return file_error("consul.tls.key_file", key, error);
  return {};
}

std::string verify_failure(long result) {
  switch (result) {
    case X509_V_OK: return {};
    case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate has expired: renew it";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate is not valid yet: check both clocks";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is for another host: set consul.tls.server_name to a name that it holds";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "its certificate is self-signed or from an unknown authority: set consul.tls.ca_file";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "its certificate is from an unknown authority: set consul.tls.ca_file";
    default:
      return std::string("its certificate fails verification: ") + X509_verify_cert_error_string(result);
  }
}

bool is_about_our_certificate(int reason) {
  switch (reason) {
    // Which alert a server sends depends on its TLS version and library.
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return true;
    default: return false;
  }
}

}  // namespace

Result<asio::ssl::context> make_tls_context(const settings::Tls& settings) try {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  // An encrypted key would otherwise ask on the terminal.
  SSL_CTX_set_default_passwd_cb(context.native_handle(), [](char*, int, int, void*) { return 0; });
  error_code error;
  context.set_verify_mode(settings.verify ? asio::ssl::verify_peer : asio::ssl::verify_none, error);
  if (settings.verify) {
    if (auto loaded = load_authorities(context, settings); !loaded) return std::move(loaded).error();
  }
  if (auto loaded = load_certificate(context, settings); !loaded) return std::move(loaded).error();
  return context;
} catch (const boost::system::system_error& error) {
  return Error{ErrorCode::kSystem, "TLS cannot be set up: " + error.code().message()};
}

Result<void> prepare_tls(SSL* ssl, const settings::Tls& settings, const std::string& host) {
  const std::string& name = settings.server_name.empty() ? host : settings.server_name;
  error_code not_an_address;
  asio::ip::make_address(name, not_an_address);
  bool done = true;
  // Server name indication is for names; RFC 6066 excludes addresses.
  if (not_an_address && !name.empty()) done = SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  if (settings.verify && !name.empty()) {
    X509_VERIFY_PARAM* verify = SSL_get0_param(ssl);
    done = done && (not_an_address ? X509_VERIFY_PARAM_set1_host(verify, name.c_str(), name.size()) == 1
                                   : X509_VERIFY_PARAM_set1_ip_asc(verify, name.c_str()) == 1);
  }
  // Consul prefers HTTP/2 where it is offered.
  static constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  done = done && SSL_set_alpn_protos(ssl, kProtocols, sizeof kProtocols) == 0;
  if (done) return {};
  return Error{ErrorCode::kInvalid,
               "TLS cannot use the server name '" + name + "': set consul.tls.server_name"};
}

Error tls_error(const error_code& error, SSL* ssl, const std::string& peer, bool has_certificate) {
  if (const std::string failure = verify_failure(SSL_get_verify_result(ssl)); !failure.empty()) {
    return {ErrorCode::kUnavailable, "TLS with " + peer + ": " + failure};
  }
  const bool alert = error.category() == asio::error::get_ssl_category();
  const int reason = alert ? static_cast<int>(ERR_GET_REASON(static_cast<unsigned long>(error.value()))) : 0;
  if (is_about_our_certificate(reason)) {
    const char* const what =
        has_certificate ? ": it refuses our client certificate: check consul.tls.certificate_file, its "
                          "authority, dates and clientAuth usage"
                        : ": it requires a client certificate: set consul.tls.certificate_file and key_file";
    return {ErrorCode::kDenied, "TLS with " + peer + what};
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
      reason == SSL_R_UNKNOWN_PROTOCOL) {
    return {ErrorCode::kUnavailable,
            "TLS with " + peer + ": it does not speak TLS there: use http:// or its TLS port"};
  }
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION) {
    return {ErrorCode::kUnavailable,
            "TLS with " + peer + ": it offers nothing newer than TLS 1.1: enable TLS 1.2"};
  }
  return {ErrorCode::kUnavailable, "TLS with " + peer + ": " + error.message()};
}

}  // namespace shmconf::consul
