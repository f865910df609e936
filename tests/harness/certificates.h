// Certificates: an authority in a directory of its own, which signs what a test asks for.
//
// Not thread-safe. Removes the directory in its destructor. Failures are test failures.
#ifndef SHMCONF_TESTS_HARNESS_CERTIFICATES_H_
#define SHMCONF_TESTS_HARNESS_CERTIFICATES_H_

#include <openssl/types.h>

#include <filesystem>
#include <string>

namespace shmconf::harness {

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

  struct Request {
    std::string name;              // the files' names begin with it; the same name replaces them
    std::string alternative_name;  // as OpenSSL writes it: "DNS:consul.example" or "IP:127.0.0.1"
    std::string usage = {};        // extended key usage, such as "serverAuth"; empty: any
    bool authority = false;
    bool expired = false;          // its time ended yesterday
  };
  Issued issue(const Request& request);
  Issued issue(const std::string& name, const std::string& alternative_name, bool expired = false) {
    return issue({.name = name, .alternative_name = alternative_name, .expired = expired});
  }
  // Signed by its own key, not by the authority.
  Issued self_signed(const std::string& name, const std::string& alternative_name);

  // Another private key in a file: of type "EC" or "ED25519", encrypted where there is a passphrase.
  static void write_key(const std::string& path, const char* type, std::string passphrase = {});

 private:
  Issued make(const Request& request, X509* issuer, EVP_PKEY* issuer_key);

  std::filesystem::path directory_;
  Issued authority_;
  long serial_ = 1;
};

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_CERTIFICATES_H_
