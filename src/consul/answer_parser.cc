#include "consul/answer_parser.h"

#include <algorithm>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <chrono>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "consul/kv_decoder.h"
#include "consul/status_text.h"

namespace shmconf::consul {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint32_t kMaxHeaderBytes = 64 * 1024;
constexpr std::size_t kReadBytes = 64 * 1024;
// Of a large answer more at once: each time the socket is found empty, Consul has to be woken before it goes on
// sending. Small answers are not worth the memory.
constexpr std::size_t kLargeReadBytes = 256 * 1024;
constexpr std::uint64_t kLargeFromBytes = 512 * 1024;
constexpr std::size_t kKeptWordsBytes = 1024;
constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Where Beast puts a body: into the decoder, or the beginning of it into words.
struct AnswerBody {
  struct value_type {
    std::optional<KvDecoder> pairs;  // both set between header and body, where they are wanted
    std::optional<std::string> words;
  };

  class reader {
   public:
    // Beast makes it before it has read the header.
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& value) : value_(value) {}

    void init(const boost::optional<std::uint64_t>&, error_code& error) { error = {}; }

    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& error) {
      std::size_t total = 0;
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        const std::string_view bytes(static_cast<const char*>(buffer.data()), buffer.size());
        total += bytes.size();
        if (value_.pairs && !value_.pairs->append(bytes)) {
          error = make_error_code(boost::system::errc::not_enough_memory);
        }
        if (value_.words && value_.words->size() < kKeptWordsBytes) {
          value_.words->append(bytes.substr(0, kKeptWordsBytes - value_.words->size()));
        }
      }
      return total;
    }

    void finish(error_code& error) { error = {}; }

   private:
    value_type& value_;
  };
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An alert or a handshake of SSL 3 or newer, as RFC 8446 (5.1) lays it out. No HTTP begins so.
bool begins_tls_record(boost::asio::const_buffer bytes) {
  const auto* const first = static_cast<const unsigned char*>(bytes.data());
  return bytes.size() >= 2 && (first[0] == 21 || first[0] == 22) && first[1] == 3;
}

Error unavailable(const std::string& text) { return {ErrorCode::kUnavailable, text}; }

}  // namespace

struct AnswerParser::State {
  http::response_parser<AnswerBody> parser;
  boost::beast::flat_buffer buffer;
  Query::What what = Query::What::kPairs;
  std::uint64_t max_body_bytes = 0;
  std::size_t expected_pairs = 0;
  std::uint64_t received_bytes = 0;
  std::chrono::steady_clock::time_point header_at;

  // The header is whole, the body not begun.
  void prepare_body() {
    header_at = std::chrono::steady_clock::now();
    auto& body = parser.get().body();
    const bool found = parser.get().result_int() == 200;
    if (found && what == Query::What::kPairs) body.pairs.emplace(expected_pairs);
    if (!found) body.words.emplace();
    parser.eager(true);
  }

  // Beast (1.74) asserts that it never sees the last chunk's first line alone.
  bool is_last_chunk_cut() const {
    const std::string_view bytes(static_cast<const char*>(buffer.data().data()), buffer.size());
    return parser.is_header_done() && parser.chunked() && bytes.size() < kLastChunk.size() &&
           kLastChunk.starts_with(bytes);
  }

  Error explain(const error_code& error) const {
    if (error == http::error::body_limit) {
      return unavailable("Consul's answer is larger than consul.max_body_bytes (" +
                         std::to_string(max_body_bytes) +
                         "): narrow the prefix or raise it");
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return unavailable("the answer's header is larger than 64 KiB: check that consul.address is right");
    }
    if (error == boost::system::errc::not_enough_memory) {
      return {ErrorCode::kNoSpace,
              "no memory for Consul's answer: raise the memory limit or narrow the prefix"};
    }
    if (error == http::error::partial_message || error == http::error::end_of_stream) {
      return unavailable("Consul's answer ended early: the connection was closed");
    }
    return unavailable("what answers at consul.address is not HTTP/1.1 (" + error.message() +
                       "): check the scheme and port");
  }
};

AnswerParser::AnswerParser(Query::What what, std::uint64_t max_body_bytes, std::size_t expected_pairs)
    : state_(std::make_unique<State>()) {
  state_->max_body_bytes = max_body_bytes;
  state_->what = what;
  state_->expected_pairs = expected_pairs;
  state_->parser.header_limit(kMaxHeaderBytes);
  state_->parser.body_limit(max_body_bytes);
}

AnswerParser::~AnswerParser() = default;

Result<std::span<char>> AnswerParser::space() try {
  const bool is_large = state_->received_bytes >= kLargeFromBytes;
  const auto space = state_->buffer.prepare(is_large ? kLargeReadBytes : kReadBytes);
  return std::span<char>(static_cast<char*>(space.data()), space.size());
} catch (const std::bad_alloc&) {
  return state_->explain(make_error_code(boost::system::errc::not_enough_memory));
}

Result<void> AnswerParser::received(std::size_t bytes) try {
  state_->buffer.commit(bytes);
  state_->received_bytes += bytes;
  if (!state_->parser.got_some() && begins_tls_record(state_->buffer.data())) {
    return Error{ErrorCode::kInvalid, "Consul speaks TLS at consul.address: write https:// there"};
  }
  while (!state_->parser.is_done() && state_->buffer.size() > 0) {
    if (state_->is_last_chunk_cut()) return {};
    error_code error;
    const std::size_t used = state_->parser.put(state_->buffer.data(), error);
    state_->buffer.consume(used);
    // Not eager before: the status decides what becomes of the body.
    if (!state_->parser.eager() && state_->parser.is_header_done()) state_->prepare_body();
    if (error == http::error::need_more) return {};
    if (error) return state_->explain(error);
    if (used == 0) return {};
  }
  return {};
} catch (const std::bad_alloc&) {
  return state_->explain(make_error_code(boost::system::errc::not_enough_memory));
}

Result<void> AnswerParser::ended() {
  error_code error = http::error::end_of_stream;
  if (state_->parser.got_some()) {
    error = {};
    state_->parser.put_eof(error);
  }
  if (error) return state_->explain(error);
  if (!done()) return state_->explain(http::error::partial_message);
  return {};
}

bool AnswerParser::got_some() const noexcept {
  return state_->parser.got_some() || state_->buffer.size() > 0;
}
bool AnswerParser::header_done() const noexcept { return state_->parser.is_header_done(); }
bool AnswerParser::done() const noexcept { return state_->parser.is_done(); }

bool AnswerParser::reusable() const noexcept {
  // Bytes behind the answer would be taken for the next one's.
  return state_->parser.keep_alive() && state_->buffer.size() == 0;
}

Result<Answer> AnswerParser::take() {
  auto& response = state_->parser.get();
  Answer answer;
  answer.status = response.result_int();
  answer.header_at = state_->header_at;
  answer.index = number(response["X-Consul-Index"]);
  answer.known_leader = response["X-Consul-KnownLeader"] == "true";
  constexpr std::uint64_t kLongestMs = std::uint64_t{1} << 40;
  answer.last_contact = std::chrono::milliseconds(
      std::min(number(response["X-Consul-LastContact"]).value_or(0), kLongestMs));
  if (answer.status != 200) {
    answer.error_body = printable_line(response.body().words.value_or(std::string()));
    return answer;
  }
  if (state_->what != Query::What::kPairs) return answer;
  const auto encoding = response[http::field::content_encoding];
  if (!encoding.empty() && encoding != "identity") {
    return unavailable("the answer is compressed, which was not asked for: check for a proxy before Consul");
  }
  auto pairs = response.body().pairs->finish();
  if (!pairs) return std::move(pairs).error();
  answer.pairs = std::move(*pairs);
  return answer;
}

}  // namespace shmconf::consul
