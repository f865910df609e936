#include "harness/certificates.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace shmconf::harness {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

constexpr long kDay = 24 * 60 * 60;

Certificate read_certificate(const std::string& path) {
  const File file(std::fopen(path.c_str(), "r"), std::fclose);
  return {PEM_read_X509(file.get(), nullptr, nullptr, nullptr), X509_free};
}

Key read_key(const std::string& path) {
  const File file(std::fopen(path.c_str(), "r"), std::fclose);
  return {PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  EXPECT_EQ(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Certificates::Certificates() {
  std::string name = std::filesystem::temp_directory_path() / "shmconf-tls-XXXXXX";
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  directory_ = name;
  authority_ = make({.name = "authority", .alternative_name = "", .authority = true}, nullptr, nullptr);
}

Certificates::~Certificates() { std::filesystem::remove_all(directory_); }

Issued Certificates::issue(const Request& request) {
  const auto issuer = read_certificate(authority_.certificate_file);
  const auto key = read_key(authority_.key_file);
  return make(request, issuer.get(), key.get());
}

Issued Certificates::self_signed(const std::string& name, const std::string& alternative_name) {
  return make({.name = name, .alternative_name = alternative_name}, nullptr, nullptr);
}

void Certificates::write_key(const std::string& path, const char* type, std::string passphrase) {
  const Key key(std::string_view(type) == "EC" ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(nullptr, nullptr, type),
                EVP_PKEY_free);
  ASSERT_NE(key, nullptr) << type;
  const File file(std::fopen(path.c_str(), "w"), std::fclose);
  const auto* const cipher = passphrase.empty() ? nullptr : EVP_aes_256_cbc();
  EXPECT_EQ(PEM_write_PrivateKey(file.get(), key.get(), cipher, reinterpret_cast<unsigned char*>(passphrase.data()),
                                 static_cast<int>(passphrase.size()), nullptr, nullptr),
            1);
}

Issued Certificates::make(const Request& request, X509* issuer, EVP_PKEY* issuer_key) {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial_++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), request.expired ? -kDay : kDay);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(request.name.c_str()),
                             -1, -1, 0);
  X509* const signer = issuer != nullptr ? issuer : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  add_extension(certificate.get(), signer, NID_basic_constraints,
                request.authority ? "critical,CA:TRUE" : "CA:FALSE");
  // By these a client tells two authorities of one name apart.
  add_extension(certificate.get(), signer, NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), signer, NID_authority_key_identifier, "keyid");
  if (!request.alternative_name.empty()) {
    add_extension(certificate.get(), signer, NID_subject_alt_name, request.alternative_name);
  }
  if (!request.usage.empty()) add_extension(certificate.get(), signer, NID_ext_key_usage, request.usage);
  EXPECT_GT(X509_sign(certificate.get(), issuer_key != nullptr ? issuer_key : key.get(), EVP_sha256()), 0);

  Issued issued{directory_ / (request.name + ".pem"), directory_ / (request.name + "-key.pem")};
  const File certificate_file(std::fopen(issued.certificate_file.c_str(), "w"), std::fclose);
  const File key_file(std::fopen(issued.key_file.c_str(), "w"), std::fclose);
  EXPECT_EQ(PEM_write_X509(certificate_file.get(), certificate.get()), 1);
  EXPECT_EQ(PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  return issued;
}

}  // namespace shmconf::harness
