// TlsFiles: the context for TLS towards Consul, made of certificate files that somebody may rotate.
//
// Not thread-safe. Included only by the sources that hold the sockets.
#ifndef SHMCONF_CONSUL_TLS_FILES_H_
#define SHMCONF_CONSUL_TLS_FILES_H_

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <utility>

#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::consul {

class TlsFiles {
 public:
  using Context = boost::asio::ssl::context;

  explicit TlsFiles(settings::Tls settings) : settings_(std::move(settings)) {}

  // TLS 1.2 or newer, verifying against the given authorities or the system's. Reads the files at each
  // call, so that every connection has those of its time. While they cannot be used, as between the
  // two halves of a rotation, the last context that they gave; trouble() then tells. Fails with
  // kInvalid or kDenied, naming the file, when there was none yet. Blocks for the reads.
  Result<std::shared_ptr<Context>> current();
  // Why the last call gave an earlier context; empty: it did not.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  const settings::Tls settings_;
  std::shared_ptr<Context> last_good_;
  std::string trouble_;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_TLS_FILES_H_
