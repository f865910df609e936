// Published: a segment of a test's own for the service "web", with what the test has published, and a
// sidecar's processes as the test says they are.
//
// Not thread-safe.
#ifndef SHMCONF_TESTS_HTTP_PUBLISHED_H_
#define SHMCONF_TESTS_HTTP_PUBLISHED_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/temp_directory.h"
#include "http/view.h"
#include "shm/publisher.h"
#include "shm/segment.h"

namespace shmconf::http {

class Published {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  // A control page, nothing published, nobody alive.
  Published();

  // A new generation of these keys, sorted.
  void publish(const Pairs& pairs, format::Origin origin = format::Origin::kConsul);
  // Stamps it now, in contact with Consul.
  void live(format::Role role);

  [[nodiscard]] shm::Segment& segment() { return segment_; }
  [[nodiscard]] OpenOptions where() const;
  [[nodiscard]] View view() const { return View("web", where()); }

 private:
  env::Env& env_ = env::Env::posix();
  harness::TempDirectory root_{"/dev/shm"};
  shm::Segment segment_;
  shm::Publisher publisher_;
};

}  // namespace shmconf::http

#endif  // SHMCONF_TESTS_HTTP_PUBLISHED_H_
