#include "fakes/fake_consul.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "dev/kv_api.h"
#include "harness/free_port.h"

namespace shmconf::fakes {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kChunkedAbove = 2048;

const char* reason_of(unsigned status) {
  static const std::map<unsigned, const char*> kReasons{
      {200, "OK"}, {301, "Moved Permanently"}, {400, "Bad Request"}, {403, "Forbidden"}, {404, "Not Found"},
      {405, "Method Not Allowed"}, {409, "Conflict"}, {413, "Request Entity Too Large"},
      {429, "Too Many Requests"}, {500, "Internal Server Error"}, {503, "Service Unavailable"}};
  const auto found = kReasons.find(status);
  return found == kReasons.end() ? "Unknown" : found->second;
}

bool has_header(const dev::Reply& reply, const char* name) {
  const auto same = [&](const auto& header) { return ::strcasecmp(header.first.c_str(), name) == 0; };
  return std::ranges::any_of(reply.headers, same);
}

// A length that a fault has set stays, right or wrong.
std::string rendered(const dev::Reply& reply) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " " + reason_of(reply.status) + "\r\n";
  for (const auto& [name, value] : reply.headers) text += name + ": " + value + "\r\n";
  if (reply.close) text += "Connection: close\r\n";
  const bool framed = has_header(reply, "Content-Length") || has_header(reply, "Transfer-Encoding");
  if (framed) return text + "\r\n" + reply.body;
  if (!reply.json || reply.body.size() <= kChunkedAbove) {
    return text + "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
  }
  char size[20];
  std::snprintf(size, sizeof size, "%zx", reply.body.size());
  return text + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\n" + reply.body + "\r\n0\r\n\r\n";
}

// Reads one request; nothing at the end of the connection. surplus holds what came behind it.
std::optional<std::pair<Received, std::string>> read_request(int fd, std::string& surplus) {
  const auto receive = [&] {
    char bytes[65536];
    const auto count = ::recv(fd, bytes, sizeof bytes, 0);
    if (count > 0) surplus.append(bytes, static_cast<std::size_t>(count));
    return count > 0;
  };
  std::size_t end = 0;
  while ((end = surplus.find("\r\n\r\n")) == std::string::npos) {
    if (!receive()) return std::nullopt;
  }
  Received request;
  std::size_t length = 0;
  const std::string head = surplus.substr(0, end + 2);
  std::size_t line_end = head.find("\r\n");
  const auto first_blank = head.find(' '), second_blank = head.find(' ', first_blank + 1);
  if (second_blank == std::string::npos || second_blank > line_end) return std::nullopt;
  request.method = head.substr(0, first_blank);
  request.target = head.substr(first_blank + 1, second_blank - first_blank - 1);
  for (std::size_t at = line_end + 2; at < head.size(); at = line_end + 2) {
    line_end = head.find("\r\n", at);
    const auto colon = head.find(':', at);
    if (colon > line_end) return std::nullopt;
    const auto value = head.find_first_not_of(' ', colon + 1);
    request.headers.emplace_back(head.substr(at, colon - at), head.substr(value, line_end - value));
  }
  if (const auto text = request.header("Content-Length")) length = std::strtoul(text->c_str(), nullptr, 10);
  while (surplus.size() < end + 4 + length) {
    if (!receive()) return std::nullopt;
  }
  std::string body = surplus.substr(end + 4, length);
  surplus.erase(0, end + 4 + length);
  return std::pair(std::move(request), std::move(body));
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// With a linger of 0 the close that follows sends RST instead of FIN.
void make_close_reset(int fd) {
  const linger at_once{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

std::optional<std::string> Received::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return std::nullopt;
}

struct FakeConsul::State {
  struct Connection {
    int fd = -1;
    std::size_t number = 0;
    bool cut = false;   // by the test; no more is sent
    bool done = false;  // its thread is about to end
    std::thread thread;
  };
  using Lock = std::unique_lock<std::mutex>;

  void listen_now();
  void accept_loop();
  void serve(Connection& connection);
  bool serve_one(Connection& connection, std::string& surplus);
  // What follows needs the lock held, and gives it back while it waits.
  std::optional<Fault> take_fault(const Received& request);
  bool pause(Lock& lock, const Connection& connection, milliseconds time);
  dev::Reply compute(Lock& lock, const Connection& connection, const dev::Request& request, bool at_once);
  bool transmit(Lock& lock, const Connection& connection, std::string_view bytes, const Fault& fault);
  void cut(Connection& connection);
  void cut_all();
  void join_ended(Lock& lock, bool all);

  mutable std::mutex mutex;
  std::condition_variable changed;  // a write, a request, a cut, the end
  harness::HeldPort held;
  int listener = -1;
  bool stopping = false;
  dev::KvStore store;
  dev::KvApi api{store};
  std::list<Fault> faults;
  std::vector<Received> received;
  std::list<Connection> connections;
  std::size_t accepted = 0;
  std::mt19937_64 random{std::random_device{}()};
  std::thread acceptor;
};

void FakeConsul::State::listen_now() {
  listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(held.number());
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
      ::listen(listener, 128) != 0) {
    std::perror("FakeConsul: listen");
    std::abort();
  }
}

void FakeConsul::State::accept_loop() {
  Lock lock(mutex);
  while (!stopping) {
    pollfd ready{listener, POLLIN, 0};
    lock.unlock();
    ::poll(&ready, 1, 20);  // short: the listener comes and goes
    lock.lock();
    join_ended(lock, false);
    const int fd = listener < 0 || stopping ? -1 : ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto& connection = connections.emplace_back();
    connection.fd = fd;
    connection.number = ++accepted;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void FakeConsul::State::join_ended(Lock& lock, bool all) {
  for (auto i = connections.begin(); i != connections.end();) {
    if (!i->done && !all) {
      ++i;
      continue;
    }
    std::thread ended = std::move(i->thread);
    lock.unlock();
    ended.join();
    lock.lock();
    i = connections.erase(i);
  }
}

void FakeConsul::State::serve(Connection& connection) {
  std::string surplus;
  while (serve_one(connection, surplus)) {
  }
  const Lock lock(mutex);
  ::close(connection.fd);
  connection.fd = -1;
  connection.done = true;
  changed.notify_all();
}

bool FakeConsul::State::serve_one(Connection& connection, std::string& surplus) {
  auto read = read_request(connection.fd, surplus);
  if (!read) return false;
  auto& [request, body] = *read;
  request.connection = connection.number;
  request.at = Clock::now();
  const auto wants_close = request.header("Connection");

  Lock lock(mutex);
  const Fault fault = take_fault(request).value_or(Fault());
  received.push_back(request);
  changed.notify_all();
  if (!pause(lock, connection, fault.delay)) return false;
  while (fault.silent) {
    if (!pause(lock, connection, std::chrono::hours(1))) return false;
  }
  std::string bytes;
  if (fault.raw) {
    bytes = *fault.raw;
  } else {
    auto reply = compute(lock, connection, {request.method, request.target, body}, fault.at_once);
    if (stopping || connection.cut) return false;
    reply.close = reply.close || wants_close == "close";
    if (fault.change) fault.change(reply);
    bytes = rendered(reply);
  }
  if (fault.cut) bytes.resize(std::min(bytes.size(), *fault.cut));
  if (!transmit(lock, connection, bytes, fault)) return false;
  if (fault.end == Fault::End::kReset) make_close_reset(connection.fd);
  return fault.end == Fault::End::kKeepAlive && wants_close != "close";
}

std::optional<Fault> FakeConsul::State::take_fault(const Received& request) {
  const std::string line = request.method + " " + request.target;
  const auto found = std::ranges::find_if(
      faults, [&](const Fault& fault) { return line.find(fault.match) != std::string::npos; });
  if (found == faults.end()) return std::nullopt;
  Fault fault = *found;
  if (found->times > 0 && --found->times == 0) faults.erase(found);
  return fault;
}

// False: the connection was cut or closed by the client, or everything ends, before the time was over.
bool FakeConsul::State::pause(Lock& lock, const Connection& connection, milliseconds time) {
  const auto deadline = Clock::now() + time;
  while (!stopping && !connection.cut && Clock::now() < deadline) {
    changed.wait_until(lock, std::min(deadline, Clock::now() + milliseconds(20)));
    char peeked = 0;
    if (connection.fd >= 0 && ::recv(connection.fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) == 0) return false;
  }
  return !stopping && !connection.cut;
}

dev::Reply FakeConsul::State::compute(Lock& lock, const Connection& connection, const dev::Request& request,
                                      bool at_once) {
  const auto blocking = at_once ? std::nullopt : api.must_wait(request);
  if (blocking) {
    std::uniform_int_distribution<std::int64_t> jitter(0, blocking->wait.count() / 16);
    const auto deadline = Clock::now() + blocking->wait + milliseconds(jitter(random));
    changed.wait_until(lock, deadline, [&] { return stopping || connection.cut || !api.must_wait(request); });
  }
  auto reply = api.answer(request);
  changed.notify_all();
  return reply;
}

bool FakeConsul::State::transmit(Lock& lock, const Connection& connection, std::string_view bytes,
                                 const Fault& fault) {
  const std::size_t step = fault.piece_bytes == 0 ? bytes.size() : fault.piece_bytes;
  bool sent = true;
  while (sent && !bytes.empty()) {
    const auto piece = bytes.substr(0, step);
    lock.unlock();
    sent = send_all(connection.fd, piece);
    lock.lock();
    bytes.remove_prefix(piece.size());
    if (!bytes.empty() && !pause(lock, connection, fault.pause)) return false;
  }
  return sent;
}

// Wakes the thread that serves it, which closes it.
void FakeConsul::State::cut(Connection& connection) {
  connection.cut = true;
  if (connection.fd >= 0) {
    make_close_reset(connection.fd);
    ::shutdown(connection.fd, SHUT_RD);
  }
  changed.notify_all();
}

void FakeConsul::State::cut_all() {
  for (auto& connection : connections) cut(connection);
}

FakeConsul::FakeConsul() : state_(std::make_shared<State>()) {
  state_->listen_now();
  state_->acceptor = std::thread([state = state_.get()] { state->accept_loop(); });
}

FakeConsul::~FakeConsul() {
  {
    const State::Lock lock(state_->mutex);
    state_->stopping = true;
    for (auto& connection : state_->connections) {
      state_->cut(connection);
      if (connection.fd >= 0) ::shutdown(connection.fd, SHUT_RDWR);  // also out of a send that blocks
    }
  }
  state_->acceptor.join();
  State::Lock lock(state_->mutex);
  state_->join_ended(lock, true);
  if (state_->listener >= 0) ::close(state_->listener);
}

std::uint16_t FakeConsul::port() const { return state_->held.number(); }
std::string FakeConsul::url() const { return "http://" + state_->held.endpoint(); }

void FakeConsul::write(const std::function<void(dev::KvStore&)>& action) {
  const State::Lock lock(state_->mutex);
  action(state_->store);
  state_->changed.notify_all();
}

void FakeConsul::put(const std::string& key, const std::string& value) {
  write([&](dev::KvStore& store) { store.put(key, value); });
}

void FakeConsul::script(Fault fault) {
  const State::Lock lock(state_->mutex);
  state_->faults.push_back(std::move(fault));
}

void FakeConsul::clear_faults() {
  const State::Lock lock(state_->mutex);
  state_->faults.clear();
}

std::size_t FakeConsul::faults_left() const {
  const State::Lock lock(state_->mutex);
  std::size_t count = 0;
  for (const auto& fault : state_->faults) {
    count += fault.times < 0 ? 1 : static_cast<std::size_t>(fault.times);
  }
  return count;
}

void FakeConsul::refuse() {
  const State::Lock lock(state_->mutex);
  if (state_->listener >= 0) {
    ::shutdown(state_->listener, SHUT_RDWR);  // at once: a poll under way keeps a closed socket listening
    ::close(state_->listener);
  }
  state_->listener = -1;
  state_->cut_all();
}

void FakeConsul::accept_again() {
  const State::Lock lock(state_->mutex);
  if (state_->listener < 0) state_->listen_now();
}

void FakeConsul::cut_connections() {
  const State::Lock lock(state_->mutex);
  state_->cut_all();
}

std::vector<Received> FakeConsul::requests() const {
  const State::Lock lock(state_->mutex);
  return state_->received;
}

void FakeConsul::forget_requests() {
  const State::Lock lock(state_->mutex);
  state_->received.clear();
}

bool FakeConsul::wait_for_requests(std::size_t count, milliseconds limit) {
  State::Lock lock(state_->mutex);
  return state_->changed.wait_for(lock, limit, [&] { return state_->received.size() >= count; });
}

std::size_t FakeConsul::connections_accepted() const {
  const State::Lock lock(state_->mutex);
  return state_->accepted;
}

std::size_t FakeConsul::connections_open() const {
  const State::Lock lock(state_->mutex);
  const auto open = [](const auto& connection) { return !connection.done; };
  return static_cast<std::size_t>(std::ranges::count_if(state_->connections, open));
}

}  // namespace shmconf::fakes
