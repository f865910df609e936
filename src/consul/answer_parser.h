// AnswerParser: the bytes of one HTTP response, turned into an Answer.
//
// For client.cc; knows no sockets. Not thread-safe. Chunked and plain bodies, bodies that end with the
// stream, header names in any case; bounded in header and body.
#ifndef SHMCONF_CONSUL_ANSWER_PARSER_H_
#define SHMCONF_CONSUL_ANSWER_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "consul/query.h"
#include "shmconf/result.h"

namespace shmconf::consul {

class AnswerParser {
 public:
  // expected_pairs: about how many keys will come, 0 if nobody knows.
  AnswerParser(Query::What what, std::uint64_t max_body_bytes, std::size_t expected_pairs = 0);
  ~AnswerParser();

  // Space for the next bytes from the server; valid until the next call. Fails with kNoSpace.
  Result<std::span<char>> space();
  // The first bytes of the space hold what came. Fails with kUnavailable or kNoSpace.
  Result<void> received(std::size_t bytes);
  // The server ended the stream. Fails unless that ends the answer too.
  Result<void> ended();

  [[nodiscard]] bool got_some() const noexcept;     // any byte at all
  [[nodiscard]] bool header_done() const noexcept;
  [[nodiscard]] bool done() const noexcept;
  // The connection can carry another query. Requires done().
  [[nodiscard]] bool reusable() const noexcept;

  // Once, requires done().
  Result<Answer> take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_ANSWER_PARSER_H_
