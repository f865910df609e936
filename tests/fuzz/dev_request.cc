// Fuzz target: the development endpoint. An input that begins with "tcp\n" is what a client sends to a
// real one over the loopback. Any other is a list of requests for the API behind it, with "--" lines
// between them, each a line "METHOD TARGET" and a body; the method SEED fills the store.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "dev/endpoint.h"
#include "dev/kv_api.h"
#include "dev/seed.h"
#include "fuzz/target.h"

namespace shmconf::fuzz {
namespace {

using dev::KvApi;
using dev::KvStore;

std::string_view cut(std::string_view& rest, std::string_view separator) {
  const auto end = rest.find(separator);
  const std::string_view front = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + separator.size());
  return front;
}

// --- the API ---

void check_reply(const dev::Reply& reply) {
  require(reply.status >= 200 && reply.status < 600, "a reply has a status");
  for (const auto& [name, value] : reply.headers) {
    require(value.find_first_of("\r\n") == std::string::npos, "no request writes headers of the reply");
  }
  require(!reply.json || nlohmann::json::accept(reply.body), "a JSON reply is JSON");
}

// What HTTP lets through as a target.
bool can_arrive(std::string_view target) {
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  return !target.empty();
}

void check_store(const KvStore& store) {
  const auto range = store.list("");
  for (auto at = range.begin; at != range.end; ++at) {
    require(at->second.modify_index <= range.index && at->second.create_index <= at->second.modify_index,
            "no key is newer than the store");
    require(store.get(at->first).entry == &at->second, "a key that is listed can be read");
  }
}

bool answer(KvStore& store, KvApi& api, std::string_view text) {
  const std::string_view line = cut(text, "\n");
  const auto blank = line.find(' ');
  const std::string method(line.substr(0, blank));
  const std::string target(blank == std::string_view::npos ? "" : line.substr(blank + 1));
  if (method == "SEED") return dev::seed_from_json(store, text, "the seed").ok();
  if (!can_arrive(target)) return false;
  const dev::Request request{method, target, std::string(text)};
  const auto blocking = api.must_wait(request);
  require(!blocking || (blocking->wait > std::chrono::milliseconds(0) && blocking->wait <= std::chrono::minutes(10)),
          "a blocking query ends");
  const dev::Reply reply = api.answer(request);
  check_reply(reply);
  return reply.status == 200;
}

bool answer_all(std::string_view requests) {
  constexpr int kMostRequests = 64;
  KvStore store;
  KvApi api(store);
  bool accepted = true;
  std::uint64_t index = 1;
  for (int i = 0; i < kMostRequests && !requests.empty(); ++i) {
    accepted = answer(store, api, cut(requests, "\n--\n")) && accepted;
    require(store.list("").index >= index, "the store's index never falls");
    index = store.list("").index;
  }
  check_store(store);
  return accepted;
}

// --- the endpoint ---

// A connection that goes without a trace, since the many of a run would use up the ports.
int connect_to(std::uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const linger no_trace{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client, SOL_SOCKET, SO_LINGER, &no_trace, sizeof no_trace);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return client;
}

bool send_all(std::string_view bytes) {
  boost::asio::io_context io;
  dev::EndpointOptions options;
  options.listen = "127.0.0.1:0";
  auto endpoint = dev::run_endpoint(io, options);
  if (!endpoint) return false;  // no port, no descriptor: nothing of ours
  const int client = connect_to((*endpoint)->port());
  io.poll();
  std::string reply;
  char buffer[4096];
  for (int quiet = 0; quiet < 3;) {
    const ssize_t sent = bytes.empty() ? 0 : ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    const std::size_t handled = io.poll();
    const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
    if (got > 0) reply.append(buffer, static_cast<std::size_t>(got));
    if (got == 0) break;
    quiet = sent > 0 || handled > 0 || got > 0 ? 0 : quiet + 1;
  }
  ::close(client);
  (*endpoint)->stop();
  io.poll();
  require(reply.empty() || reply.starts_with("HTTP/1."), "the endpoint speaks HTTP");
  return reply.starts_with("HTTP/1.1 200");
}

}  // namespace

bool accepts(std::string_view input) {
  constexpr std::string_view kOverTcp = "tcp\n";
  return input.starts_with(kOverTcp) ? send_all(input.substr(kOverTcp.size())) : answer_all(input);
}

}  // namespace shmconf::fuzz
