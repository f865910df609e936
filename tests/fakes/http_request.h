// RequestReader: requests from one connection of a fake server, judged as Consul's server judges them.
//
// Belongs to the thread that serves the connection, and blocks it.
#ifndef SHMCONF_TESTS_FAKES_HTTP_REQUEST_H_
#define SHMCONF_TESTS_FAKES_HTTP_REQUEST_H_

#include <boost/beast/core/flat_buffer.hpp>
#include <optional>

#include "dev/request.h"
#include "harness/http.h"

namespace shmconf::fakes {

struct Incoming {
  dev::Request request;
  harness::Headers headers;
  unsigned version = 11;  // of HTTP, times ten
  bool keep_alive = true;
  std::optional<dev::Reply> refusal;  // what the server says to a request that it will not read
};

class RequestReader {
 public:
  explicit RequestReader(int fd) : fd_(fd) {}

  // Nothing at the end of the connection.
  std::optional<Incoming> next();

 private:
  bool receive();

  int fd_;
  boost::beast::flat_buffer buffer_;  // received and not read yet
};

}  // namespace shmconf::fakes

#endif  // SHMCONF_TESTS_FAKES_HTTP_REQUEST_H_
