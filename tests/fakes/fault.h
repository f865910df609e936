// Fault: what a FakeConsul does wrong with one request, and the faults that tests ask for by name.
//
// Plain values. The texts and statuses are the real server's.
#ifndef SHMCONF_TESTS_FAKES_FAULT_H_
#define SHMCONF_TESTS_FAKES_FAULT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dev/request.h"

namespace shmconf::fakes {

struct Fault {
  enum class End : std::uint8_t { kKeepAlive, kClose, kReset };
  static constexpr int kForever = -1;

  std::string match;  // occurs in "GET /v1/kv/..."; empty: any request
  int times = 1;      // requests that it spoils

  std::chrono::milliseconds delay{0};               // before the answer
  bool at_once = false;                             // a blocking query is answered without waiting
  bool silent = false;                              // never answers; the connection stays open
  std::function<void(dev::Reply&)> change;          // of the sound answer
  std::optional<std::string> raw;                   // these bytes instead of any answer
  std::optional<std::size_t> cut;                   // only so many bytes of head and body are sent
  End end = End::kKeepAlive;                        // what becomes of the connection afterwards
  std::size_t piece_bytes = 0;                      // sent in pieces of that size; 0: at once
  std::chrono::milliseconds pause{0};               // between pieces

  // The same fault for other requests, or more of them.
  [[nodiscard]] Fault on(std::string request) const;
  [[nodiscard]] Fault repeated(int count = kForever) const;
  // The same fault, on blocking queries without their wait.
  [[nodiscard]] Fault early() const;
};

namespace faults {

Fault delayed(std::chrono::milliseconds time);
// What a half-open socket is to the client.
Fault silent();
// After so many bytes of the answer the connection is reset, or closed in order.
Fault reset_after(std::size_t bytes);
Fault closed_after(std::size_t bytes);
// The head and half the body, then the end.
Fault truncated();
Fault trickled(std::size_t piece_bytes, std::chrono::milliseconds pause);
Fault raw(std::string bytes);

Fault without_header(std::string name);
Fault with_header(std::string name, std::string value);
// X-Consul-Index as given: "0", a lower one, "18446744073709551615", "x".
Fault index(std::string text);
Fault upper_case_headers();

Fault status(unsigned code, std::string body);
Fault denied();             // 403 Permission denied
Fault unknown_token();      // 403 ACL not found
Fault hidden();             // 404 with an index and no body: what an ACL on a prefix looks like
Fault rate_limited();       // 429
Fault too_large();          // 413
Fault no_leader();          // 500 No cluster leader
Fault lost_server();        // 500 rpc error making call: EOF
Fault dead_server();        // 500 ... dial tcp ... connection refused
Fault no_servers();         // 500 No known Consul servers
Fault redirect(std::string location);

Fault body(std::string text);  // 200 with the headers of the sound answer
Fault empty_list();            // []
Fault not_json();
Fault gzipped();
// The sound answer in pieces of so many bytes; without blanks, as a server that is not for development
// writes it.
Fault chunked(std::size_t bytes);
Fault compact();
// The sound answer, blown up to so many bytes by blanks before its last bracket.
Fault padded_to(std::size_t bytes);

}  // namespace faults
}  // namespace shmconf::fakes

#endif  // SHMCONF_TESTS_FAKES_FAULT_H_
