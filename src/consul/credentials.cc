#include "consul/credentials.h"

namespace shmconf::consul {

Credentials::Credentials(const settings::Consul& settings) : fixed_token_(settings.token), tls_files_(settings.tls) {
  if (!settings.token_file.empty()) token_file_.emplace(settings.token_file);
}

Result<std::string> Credentials::token() {
  if (token_file_) return token_file_->current();
  if (is_token(fixed_token_)) return fixed_token_;
  return Error{ErrorCode::kInvalid, "consul.token holds characters that no token has: check for a line break"};
}

std::string Credentials::trouble() {
  // A connection that is kept makes no other context.
  if (!tls_files_.trouble().empty()) static_cast<void>(tls_files_.current());
  std::string text = tls_files_.trouble();
  if (!token_file_ || token_file_->trouble().empty()) return text;
  if (!text.empty()) text += "; ";
  return text + token_file_->trouble();
}

}  // namespace shmconf::consul
