#include "consul/tls_files.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

namespace shmconf::consul {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using boost::system::error_code;

Error unusable(const char* setting, const std::string& path, const std::string& why) {
  return {ErrorCode::kInvalid, std::string(setting) + " '" + path + "' " + why};
}

Error unreadable(const char* setting, const std::string& path, int reason) {
  const bool denied = reason == EACCES || reason == EPERM;
  return {denied ? ErrorCode::kDenied : ErrorCode::kInvalid,
          std::string(setting) + " '" + path + "': " + std::strerror(reason) + "; make it readable or change the setting"};
}

Error file_error(const char* setting, const std::string& path, const error_code& error) {
  // OpenSSL reports a failed open as the errno of the system's own library.
  const auto packed = static_cast<unsigned long>(error.value());
  if (ERR_SYSTEM_ERROR(packed)) return unreadable(setting, path, static_cast<int>(ERR_GET_REASON(packed)));
  return {ErrorCode::kInvalid,
          std::string(setting) + " '" + path + "': " + error.message() + "; it has to be a readable PEM file"};
}

// Every file of it that holds certificates: OpenSSL by itself would take those alone whose names are
// hashes, and Consul's own tools ask for no such names.
Result<void> load_directory(asio::ssl::context& context, const std::string& directory) {
  std::error_code failure;
  fs::directory_iterator entry(directory, failure);
  if (failure) return unreadable("consul.tls.ca_path", directory, failure.value());
  bool found = false;
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    std::error_code unknown;
    if (!entry->is_regular_file(unknown)) continue;  // follows links, as mounted secrets are
    error_code error;
    context.load_verify_file(entry->path().string(), error);
    found |= !error;
  }
  if (found) return {};
  return unusable("consul.tls.ca_path", directory, "holds no PEM certificate that can be read: put the authorities there");
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
  if (!settings.ca_path.empty()) return load_directory(context, settings.ca_path);
  return {};
}

Result<void> load_key(asio::ssl::context& context, const std::string& key, const std::string& certificate) {
  // Else OpenSSL would ask for the passphrase on the terminal.
  const auto encrypted = std::make_shared<bool>(false);
  context.set_password_callback([encrypted](std::size_t, asio::ssl::context::password_purpose) {
    *encrypted = true;
    return std::string();
  });
  error_code error;
  context.use_private_key_file(key, asio::ssl::context::pem, error);
  if (error && *encrypted) {
    return unusable("consul.tls.key_file", key,
                    "is encrypted, and nobody is there to give its passphrase: store it without one, readable "
                    "by this user alone");
  }
  const auto packed = static_cast<unsigned long>(error.value());
  const bool differs = ERR_GET_LIB(packed) == ERR_LIB_X509 && ERR_GET_REASON(packed) == X509_R_KEY_VALUES_MISMATCH;
  if (error && !differs) return file_error("consul.tls.key_file", key, error);
  // A key of another type is taken without a word.
  if (differs || SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return unusable("consul.tls.key_file", key,
                    "does not belong to consul.tls.certificate_file '" + certificate + "': replace both, they are read again");
  }
  return {};
}

Result<void> load_certificate(asio::ssl::context& context, const settings::Tls& settings) {
  if (settings.certificate_file.empty()) return {};
  error_code error;
  context.use_certificate_chain_file(settings.certificate_file, error);
  if (error) return file_error("consul.tls.certificate_file", settings.certificate_file, error);
  return load_key(context, settings.key_file.empty() ? settings.certificate_file : settings.key_file,
                  settings.certificate_file);
}

Result<std::shared_ptr<TlsFiles::Context>> make_context(const settings::Tls& settings) try {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(settings.verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  if (settings.verify) {
    if (auto loaded = load_authorities(*context, settings); !loaded) return std::move(loaded).error();
  }
  if (auto loaded = load_certificate(*context, settings); !loaded) return std::move(loaded).error();
  ERR_clear_error();  // of files that were passed over
  return context;
} catch (const boost::system::system_error& error) {
  return Error{ErrorCode::kSystem, "TLS cannot be set up: " + error.code().message()};
}

}  // namespace

Result<std::shared_ptr<TlsFiles::Context>> TlsFiles::current() {
  auto made = make_context(settings_);
  trouble_.clear();
  if (made) {
    last_good_ = *made;
  } else if (last_good_) {
    trouble_ = std::move(made).error().text;
    return last_good_;
  }
  return made;
}

}  // namespace shmconf::consul
