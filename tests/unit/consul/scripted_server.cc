#include "unit/consul/scripted_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace shmconf::consul {
namespace {

template <typename SocketAddress>
void listen_on(int fd, const SocketAddress& address) {
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
      << std::strerror(errno);
  EXPECT_EQ(::listen(fd, 16), 0);
}

ssize_t read_some(int fd, SSL* tls, char* space, std::size_t size) {
  return tls != nullptr ? SSL_read(tls, space, static_cast<int>(size)) : ::recv(fd, space, size, 0);
}

int prefer_http_2(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                  unsigned offered_bytes, void*) {
  static constexpr unsigned char kOurs[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  const int common = SSL_select_next_proto(&found, length, kOurs, sizeof kOurs, offered, offered_bytes);
  *chosen = found;
  return common == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

std::string Peer::read_request() {
  for (;;) {
    if (const auto end = unread_.find("\r\n\r\n"); end != std::string::npos) {
      std::string request = unread_.substr(0, end + 4);
      unread_.erase(0, end + 4);
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      return request;
    }
    char space[4096];
    const ssize_t got = read_some(fd_, tls_, space, sizeof space);
    if (got <= 0) return {};
    unread_.append(space, static_cast<std::size_t>(got));
  }
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), std::size_t{1} << 20);
    const ssize_t sent = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(piece))
                                         : ::send(fd_, bytes.data(), piece, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Peer::wait_for_end() {
  char space[4096];
  while (read_some(fd_, tls_, space, sizeof space) > 0) {
  }
}

void Peer::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::string Peer::protocol() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(tls_, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

ScriptedServer::ScriptedServer(std::vector<Script> scripts, std::optional<ServerTls> tls)
    : scripts_(std::move(scripts)), tls_(std::move(tls)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listen_on(listener_.get(), address);
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::ScriptedServer(const std::string& unix_path, std::vector<Script> scripts)
    : scripts_(std::move(scripts)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", unix_path.c_str());
  listen_on(listener_.get(), address);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (listener_.valid()) ::shutdown(listener_.get(), SHUT_RDWR);
    if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
  }
  thread_.join();
}

std::vector<std::string> ScriptedServer::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::serve() {
  // OpenSSL writes without MSG_NOSIGNAL; the signal goes to the writing thread.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  for (const auto& script : scripts_) {
    env::Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || !connection.valid()) return;
      current_ = connection.get();
      if (&script == &scripts_.back()) listener_.reset();
    }
    play(script, connection.get());
    const std::lock_guard lock(mutex_);
    current_ = -1;
    connection.reset();
  }
}

void ScriptedServer::play(const Script& script, int fd) {
  if (!tls_) {
    Peer peer(fd, nullptr, requests_, mutex_);
    script(peer);
    return;
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                                 SSL_CTX_free);
  EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context.get(), tls_->certificate_file.c_str()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context.get(), tls_->key_file.c_str(), SSL_FILETYPE_PEM), 1);
  if (tls_->only_tls_1_2) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  if (tls_->only_tls_1_1) {
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
  }
  SSL_CTX_set_alpn_select_cb(context.get(), prefer_http_2, nullptr);
  if (!tls_->client_ca_file.empty()) {
    EXPECT_EQ(SSL_CTX_load_verify_locations(context.get(), tls_->client_ca_file.c_str(), nullptr), 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), SSL_free);
  SSL_set_fd(tls.get(), fd);
  Peer bare(fd, nullptr, requests_, mutex_);
  if (SSL_accept(tls.get()) != 1) {
    // Closing with unread bytes would reset the connection and lose the alert.
    ::shutdown(fd, SHUT_WR);
    bare.wait_for_end();
    return;
  }
  Peer peer(fd, tls.get(), requests_, mutex_);
  script(peer);
  SSL_shutdown(tls.get());
}

std::string plain_answer(std::string_view body, std::uint64_t index, std::string_view status,
                         std::string_view more_headers) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: application/json\r\nX-Consul-Index: " +
         std::to_string(index) + "\r\nX-Consul-Knownleader: true\r\nX-Consul-Lastcontact: 0\r\n" +
         std::string(more_headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

std::string chunked_answer(const std::vector<std::string>& chunks, std::uint64_t index) {
  std::string answer = "HTTP/1.1 200 OK\r\nX-Consul-Index: " + std::to_string(index) +
                       "\r\nX-Consul-KnownLeader: true\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& chunk : chunks) {
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    answer += size + chunk + "\r\n";
  }
  return answer + "0\r\n\r\n";
}

}  // namespace shmconf::consul
