// Certificates: an authority in a directory of its own, which signs what a test asks for.
//
// Not thread-safe. Removes the directory in its destructor. Failures are test failures.
#ifndef SHMCONF_TESTS_UNIT_CONSUL_CERTIFICATES_H_
#define SHMCONF_TESTS_UNIT_CONSUL_CERTIFICATES_H_

#include <openssl/types.h>

#include <filesystem>
#include <string>

namespace shmconf::consul {

struct Issued {
  std::string certificate_file;
  std::string key_file;
};

class Certificates {
 public:
  Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  ~Certificates();

  [[nodiscard]] std::string authority_file() const { return authority_.certificate_file; }
  [[nodiscard]] std::filesystem::path directory() const { return directory_; }

  // alternative_name: as OpenSSL writes it, "DNS:consul.example" or "IP:127.0.0.1". expired: its time
  // ended yesterday. The files' names begin with name; an issue of the same name replaces them.
  Issued issue(const std::string& name, const std::string& alternative_name, bool expired = false);
  // Signed by its own key, not by the authority.
  Issued self_signed(const std::string& name, const std::string& alternative_name);

 private:
  struct Request {
    std::string name;
    std::string alternative_name;
    bool authority = false;
    bool expired = false;
  };
  Issued make(const Request& request, X509* issuer, EVP_PKEY* issuer_key);

  std::filesystem::path directory_;
  Issued authority_;
  long serial_ = 1;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_TESTS_UNIT_CONSUL_CERTIFICATES_H_
