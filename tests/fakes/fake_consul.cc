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
#include <ctime>
#include <list>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "dev/kv_api.h"
#include "fakes/http_request.h"
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
      {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"}, {503, "Service Unavailable"}};
  const auto found = kReasons.find(status);
  return found == kReasons.end() ? "Unknown" : found->second;
}

bool has_header(const dev::Reply& reply, const char* name) {
  const auto same = [&](const auto& header) { return ::strcasecmp(header.first.c_str(), name) == 0; };
  return std::ranges::any_of(reply.headers, same);
}

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

// A length that a fault has set stays, right or wrong.
std::string rendered(const dev::Reply& reply, const Incoming& to) {
  std::string text = std::string(to.version >= 11 ? "HTTP/1.1 " : "HTTP/1.0 ") + std::to_string(reply.status) + " " +
                     reason_of(reply.status) + "\r\n";
  for (const auto& [name, value] : reply.headers) text += name + ": " + value + "\r\n";
  text += "Date: " + date_now() + "\r\n";
  if (reply.close) text += "Connection: close\r\n";
  const bool framed = has_header(reply, "Content-Length") || has_header(reply, "Transfer-Encoding");
  const bool head_only = to.request.method == "HEAD";
  if (framed) return text + "\r\n" + (head_only ? "" : reply.body);
  if (head_only || to.version < 11 || !reply.json || reply.body.size() <= kChunkedAbove) {
    text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
    return head_only ? text : text + reply.body;
  }
  char size[20];
  std::snprintf(size, sizeof size, "%zx", reply.body.size());
  return text + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\n" + reply.body + "\r\n0\r\n\r\n";
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

// What the client is still sending is read for a moment: closing a socket with unread bytes resets
// it, and a reset can overtake the reply.
void finish_sending(int fd) {
  ::shutdown(fd, SHUT_WR);
  const auto deadline = Clock::now() + milliseconds(500);
  char drained[16384];
  pollfd ready{fd, POLLIN, 0};
  while (Clock::now() < deadline && ::poll(&ready, 1, 100) > 0 && ::recv(fd, drained, sizeof drained, 0) > 0) {
  }
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
  bool serve_one(Connection& connection, RequestReader& reader);
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
  RequestReader reader(connection.fd);
  while (serve_one(connection, reader)) {
  }
  const Lock lock(mutex);
  ::close(connection.fd);
  connection.fd = -1;
  connection.done = true;
  changed.notify_all();
}

bool FakeConsul::State::serve_one(Connection& connection, RequestReader& reader) {
  const auto incoming = reader.next();
  if (!incoming) return false;
  if (incoming->refusal) {
    static_cast<void>(send_all(connection.fd, rendered(*incoming->refusal, *incoming)));
    finish_sending(connection.fd);
    return false;
  }
  const Received request{.method = incoming->request.method,
                         .target = incoming->request.target,
                         .headers = incoming->headers,
                         .connection = connection.number,
                         .at = Clock::now()};

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
    auto reply = compute(lock, connection, incoming->request, fault.at_once);
    if (stopping || connection.cut) return false;
    reply.close = reply.close || !incoming->keep_alive;
    if (fault.change) fault.change(reply);
    bytes = rendered(reply, *incoming);
  }
  if (fault.cut) bytes.resize(std::min(bytes.size(), *fault.cut));
  if (!transmit(lock, connection, bytes, fault)) return false;
  if (fault.end == Fault::End::kReset) make_close_reset(connection.fd);
  return fault.end == Fault::End::kKeepAlive && incoming->keep_alive;
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
