#include "fakes/http_request.h"

#include <sys/socket.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/none.hpp>
#include <cstdint>
#include <string>
#include <utility>

#include "dev/kv_api.h"

namespace shmconf::fakes {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

constexpr std::uint32_t kMostHeaderBytes = 1024 * 1024;

Incoming refused(unsigned status, const std::string& text) {
  Incoming incoming;
  incoming.refusal = dev::KvApi::plain(status, text);
  incoming.refusal->close = true;
  return incoming;
}

Incoming refused_as_too_large(std::uint64_t bytes, const Parser& parser) {
  Incoming incoming;
  incoming.refusal = dev::KvApi::too_large(bytes, std::string(parser.get().target()));
  return incoming;
}

Incoming explain(const error_code& error, const Parser& parser) {
  if (error == http::error::header_limit) return refused(431, "431 Request Header Fields Too Large");
  if (error == http::error::body_limit) return refused_as_too_large(dev::kMostBodyBytes + 1, parser);
  return refused(400, "400 Bad Request");
}

std::optional<Incoming> judge_header(const Parser& parser) {
  const auto& message = parser.get();
  if (message.version() >= 11 && message.find(http::field::host) == message.end()) {
    return refused(400, "400 Bad Request: missing required Host header");
  }
  const auto announced = parser.content_length();
  if (announced && *announced > dev::kMostBodyBytes) return refused_as_too_large(*announced, parser);
  return std::nullopt;
}

Incoming taken(Parser& parser) {
  auto& message = parser.get();
  Incoming incoming;
  incoming.request = {std::string(message.method_string()), std::string(message.target()), std::move(message.body())};
  for (const auto& field : message) incoming.headers.emplace_back(field.name_string(), field.value());
  incoming.version = message.version();
  incoming.keep_alive = message.keep_alive();
  return incoming;
}

}  // namespace

bool RequestReader::receive() {
  constexpr std::size_t kBytes = 65536;
  const auto space = buffer_.prepare(kBytes);
  const auto count = ::recv(fd_, space.data(), space.size(), 0);
  if (count > 0) buffer_.commit(static_cast<std::size_t>(count));
  return count > 0;
}

std::optional<Incoming> RequestReader::next() {
  Parser parser;
  parser.header_limit(kMostHeaderBytes);
  parser.body_limit(boost::none);  // what is announced is judged with the header
  while (!parser.is_done()) {
    error_code error = http::error::need_more;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), error));
    if (error == http::error::need_more) {
      if (!receive()) return std::nullopt;
      continue;
    }
    if (error) return explain(error, parser);
    if (parser.eager() || !parser.is_header_done()) continue;
    if (auto refusal = judge_header(parser)) return refusal;
    parser.eager(true);
    parser.body_limit(dev::kMostBodyBytes);
  }
  return taken(parser);
}

}  // namespace shmconf::fakes
