#include "consul/client.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "consul/address.h"
#include "consul/answer_parser.h"
#include "consul/base64.h"
#include "consul/connection.h"
#include "consul/request_target.h"

namespace shmconf::consul {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// Whether words that somebody else wrote hold a secret, or as much of it as they were cut short to.
bool hold(std::string_view words, std::string_view secret) {
  constexpr std::size_t kTelling = 8;
  return !secret.empty() && words.find(secret.substr(0, kTelling)) != std::string_view::npos;
}

template <typename Act>
struct AtExit {
  Act act;
  ~AtExit() { act(); }
};
template <typename Act>
AtExit(Act) -> AtExit<Act>;  // which clang 14 does not find by itself

}  // namespace

struct Client::State {
  State(asio::io_context& context, const settings::Consul& consul, const Limits& bounds,
        std::shared_ptr<Credentials> shared)
      : io(context),
        settings(consul),
        limits(bounds),
        address(parse_address(consul.address)),
        credentials(shared ? std::move(shared) : std::make_shared<Credentials>(consul)) {}

  static asio::awaitable<Result<Answer>> run(std::shared_ptr<State> state, Query query);

  [[nodiscard]] std::string request(const Query& query, const std::string& token) const;
  // What a server or a proxy says goes into the log and the status, and some say what they were sent.
  void conceal(std::string& words, const std::string& token) const {
    const std::string password = settings.http_auth.substr(settings.http_auth.find(':') + 1);
    for (const std::string& secret : {token, password, encode_base64(settings.http_auth)}) {
      if (hold(words, secret)) words = "(its words hold a secret that it was sent, and are not shown)";
    }
  }
  std::chrono::milliseconds answer_limit(const Query& query) const;
  // Writes the request and reads the answer; what was read so far stays in parser.
  asio::awaitable<Result<void>> exchange(std::shared_ptr<Connection> on, const std::string& text,
                                         std::chrono::milliseconds answer_within, AnswerParser& parser);
  // Most changes leave a prefix's number of keys, or nearly so.
  void expect_as_many_as(const Answer& answer) {
    const std::size_t pairs = answer.pairs.pairs().size();
    if (pairs != 0) expected_pairs = pairs + pairs / 16;
  }
  void drop() {
    if (connection) connection->close();
    connection.reset();
  }

  asio::io_context& io;
  const settings::Consul settings;
  const Limits limits;
  const Result<Address> address;
  const std::shared_ptr<Credentials> credentials;
  std::shared_ptr<Connection> connection;
  std::uint64_t closes = 0;  // by the owner; an outstanding query must not reopen
  bool fresh = false;
  std::size_t expected_pairs = 0;
};

std::string Client::State::request(const Query& query, const std::string& token) const {
  std::string text = "GET " + request_target(query, settings) + " HTTP/1.1\r\nHost: " + address->authority() +
                     "\r\nUser-Agent: shmconf/" SHMCONF_VERSION "\r\nAccept: application/json\r\n";
  if (!token.empty()) text += "X-Consul-Token: " + token + "\r\n";
  if (!settings.http_auth.empty()) {
    text += "Authorization: Basic " + encode_base64(settings.http_auth) + "\r\n";
  }
  return text + "\r\n";
}

std::chrono::milliseconds Client::State::answer_limit(const Query& query) const {
  if (!query.blocking()) return std::max(limits.answer, settings.grace);
  const auto wait = effective_wait(query, settings);
  // Consul adds up to a sixteenth so that waiters do not return in step.
  return wait + wait / 16 + settings.grace;
}

asio::awaitable<Result<void>> Client::State::exchange(std::shared_ptr<Connection> on,
                                                      const std::string& text,
                                                      std::chrono::milliseconds answer_within,
                                                      AnswerParser& parser) {
  const auto header_by = Clock::now() + answer_within;
  auto written = co_await on->write(text, std::min(header_by, Clock::now() + limits.pause));
  if (!written) co_return std::move(written).error();
  const Connection::Series reads(*on);
  auto body_by = Clock::time_point::max();
  while (!parser.done()) {
    auto space = parser.space();
    if (!space) co_return std::move(space).error();
    auto read_by = header_by;
    if (parser.header_done()) {
      if (body_by == Clock::time_point::max()) body_by = Clock::now() + limits.body;
      read_by = std::min(body_by, Clock::now() + limits.pause);
    }
    auto got = co_await on->read_some(asio::buffer(space->data(), space->size()), read_by);
    if (!got) co_return std::move(got).error();
    auto taken = *got == 0 ? parser.ended() : parser.received(*got);
    if (!taken) co_return std::move(taken).error();
  }
  co_return Result<void>();
}

// Static, with everything by value: the coroutine outlives a client that ends during a query.
asio::awaitable<Result<Answer>> Client::State::run(std::shared_ptr<State> state, Query query) {
  state->fresh = false;
  if (!state->address) co_return state->address.error();
  auto token = state->credentials->token();
  if (!token) co_return std::move(token).error();
  const std::string request = state->request(query, *token);
  const bool is_list = query.source.kind == settings::Source::Kind::kPrefix && query.what == Query::What::kPairs;
  const auto closes = state->closes;
  for (bool again = true;; again = false) {
    state->fresh = state->connection == nullptr;
    if (state->fresh) {
      state->connection = std::make_shared<Connection>(state->io, *state->address, state->settings, *state->credentials);
    }
    const auto connection = state->connection;
    const auto drop = [&] {
      connection->close();
      if (state->connection == connection) state->connection.reset();
    };
    // Whatever ends this, an exception too: a connection that is half open, or owes an answer, serves
    // no other query. One without its TLS would send the token in the clear.
    bool whole = false;
    const AtExit close_otherwise{[&] {
      if (!whole) drop();
    }};
    if (state->fresh) {
      auto opened = co_await connection->open(Clock::now() + state->settings.connect_timeout);
      if (!opened) co_return std::move(opened).error();
    }
    AnswerParser parser(query.what, state->settings.max_body_bytes, is_list ? state->expected_pairs : 0);
    auto exchanged = co_await state->exchange(connection, request, state->answer_limit(query), parser);
    if (exchanged) {
      whole = parser.reusable();
      auto answer = parser.take();
      if (answer) {
        answer->with_token = !token->empty();
        state->conceal(answer->error_body, *token);
        if (is_list) state->expect_as_many_as(*answer);
      }
      co_return answer;
    }
    const bool idle_close = !state->fresh && connection->lost() && !parser.got_some();
    if (!idle_close || query.blocking() || !again || state->closes != closes) {
      co_return std::move(exchanged).error();
    }
  }
}

Client::Client(asio::io_context& io, const settings::Consul& settings, const Limits& limits,
               std::shared_ptr<Credentials> credentials)
    : state_(std::make_shared<State>(io, settings, limits, std::move(credentials))) {}

Client::~Client() {
  if (state_) close();
}

asio::awaitable<Result<Answer>> Client::query(Query query) { return State::run(state_, std::move(query)); }

void Client::close() {
  ++state_->closes;
  state_->drop();
}

bool Client::fresh_connection() const noexcept { return state_->fresh; }
bool Client::is_local() const { return state_->address && state_->address->is_local(); }

}  // namespace shmconf::consul
