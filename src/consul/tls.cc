#include "consul/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <cstdint>

#include "consul/status_text.h"

namespace shmconf::consul {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

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
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "its certificate is from an unknown authority: set consul.tls.ca_file";
    default:
      return std::string("its certificate fails verification (") + X509_verify_cert_error_string(result) +
             "): check how it was issued";
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

std::string issuer_of(const X509* certificate) {
  char name[128];
  ::X509_NAME_oneline(X509_get_issuer_name(certificate), name, sizeof name);
  return printable_line(name);
}

// A server does not say why; the certificate itself may tell.
std::string refusal(const SSL* ssl) {
  X509* const ours = SSL_get_certificate(ssl);
  if (ours == nullptr) {
    return "it requires a client certificate: set consul.tls.certificate_file and key_file";
  }
  if (X509_cmp_current_time(X509_get0_notAfter(ours)) < 0) {
    return "it refuses our client certificate, which has expired: renew consul.tls.certificate_file";
  }
  if (X509_cmp_current_time(X509_get0_notBefore(ours)) > 0) {
    return "it refuses our client certificate, which is not valid yet: check both clocks";
  }
  if ((X509_get_extended_key_usage(ours) & std::uint32_t{XKU_SSL_CLIENT}) == 0) {
    return "it refuses our client certificate, which is not for clients: issue one with the usage clientAuth";
  }
  return "it refuses our client certificate, which is from '" + issuer_of(ours) +
         "': give consul.tls.certificate_file one from an authority in Consul's ca_file";
}

}  // namespace

Result<void> prepare_tls(SSL* ssl, const settings::Tls& settings, const std::string& host) {
  // A zone names an interface of this machine, and is in no certificate.
  const std::string name = settings.server_name.empty() ? host.substr(0, host.find('%')) : settings.server_name;
  error_code not_an_address;
  asio::ip::make_address(name, not_an_address);
  bool done = true;
  // Server name indication is for names; RFC 6066 excludes addresses.
  if (not_an_address) done = SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  if (settings.verify) {
    X509_VERIFY_PARAM* verify = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
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

Error tls_error(const error_code& error, const SSL* ssl, const std::string& peer) {
  const std::string with = "TLS with " + peer + ": ";
  // Without verification the result is there all the same, and nobody's reason.
  if (SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) {
    const std::string failure = verify_failure(SSL_get_verify_result(ssl));
    if (!failure.empty()) return {ErrorCode::kUnavailable, with + failure};
  }
  const int reason = static_cast<int>(ERR_GET_REASON(static_cast<unsigned long>(error.value())));
  // Who ends the handshake before it has shown its own certificate cannot be about ours.
  if (is_about_our_certificate(reason) && SSL_get0_peer_certificate(ssl) != nullptr) {
    return {ErrorCode::kDenied, with + refusal(ssl)};
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST || reason == SSL_R_UNKNOWN_PROTOCOL ||
      reason == SSL_R_PACKET_LENGTH_TOO_LONG) {
    return {ErrorCode::kUnavailable, with + "it does not speak TLS there: use http:// or its TLS port"};
  }
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION) {
    return {ErrorCode::kUnavailable, with + "it offers nothing newer than TLS 1.1: enable TLS 1.2"};
  }
  return {ErrorCode::kUnavailable, with + error.message() + ": check its TLS settings and log"};
}

std::string silent_end_hint(const SSL* ssl) {
  if (SSL_is_init_finished(ssl) == 0) return "check that it is Consul's TLS port (ports.https)";
  // With TLS 1.3 a server refuses a client after its handshake, and the alert may lose against the reset.
  if (SSL_get_certificate(ssl) == nullptr) {
    return "if it requires a client certificate, set consul.tls.certificate_file and key_file";
  }
  return "check that it accepts consul.tls.certificate_file, and its limits.http_max_conns_per_client";
}

}  // namespace shmconf::consul
