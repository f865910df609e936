// TlsConsul: a real Consul that is reached by TLS alone and lets nobody in without a client
// certificate, with the authority and the certificates of both sides in files that a test replaces.
//
// Not thread-safe. Failures are test failures.
#ifndef SHMCONF_TESTS_INTEGRATION_TLS_CONSUL_H_
#define SHMCONF_TESTS_INTEGRATION_TLS_CONSUL_H_

#include <map>
#include <memory>
#include <string>

#include "harness/certificates.h"
#include "harness/consul.h"
#include "harness/free_port.h"
#include "harness/temp_directory.h"

namespace shmconf::integration {

class TlsConsul {
 public:
  // Running, or null.
  static std::unique_ptr<TlsConsul> start();

  [[nodiscard]] std::string url() const { return "https://" + https_.endpoint(); }
  [[nodiscard]] std::string endpoint() const { return https_.endpoint(); }
  // What a sidecar has to be told, as variables.
  [[nodiscard]] std::map<std::string, std::string> client_variables() const;

  // With Consul's own program and a certificate of the administrator's.
  bool put(const std::string& key, const std::string& value) const;

  // Certificates in the places that Consul, or the sidecar, is told of. The server's takes effect with
  // reload() or restart().
  void set_server(const harness::Issued& issued) const { install(issued, "server"); }
  void set_client(const harness::Issued& issued) const { install(issued, "client"); }
  void set_administrator(const harness::Issued& issued) const { install(issued, "administrator"); }
  // Whom both trust: the texts of one or more authorities.
  void set_authorities(const std::string& pem) const;
  // Consul reads its files again, and soon makes new connections with them.
  void reload() const;
  // Ends every connection.
  void restart() const;

  harness::Certificates& authority() { return authority_; }
  // Of what is installed.
  [[nodiscard]] std::string file(const std::string& name) const { return places_ / name; }
  // What the right server has.
  static constexpr char kServerNames[] = "IP:127.0.0.1,DNS:server.dc1.consul";

 private:
  void install(const harness::Issued& issued, const std::string& who) const;

  harness::Certificates authority_;
  harness::TempDirectory places_;
  harness::HeldPort https_;
  std::unique_ptr<harness::RealConsul> server_;
};

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_TLS_CONSUL_H_
