// The work whose instructions tests/bench/instructions.sh counts under valgrind: a read, a publish of
// 1,000 keys of which one changed, and a decode of 1,000 keys. Each runs inside a function of its own,
// which callgrind is told to count. Prints how often it ran.
//
//   instructions read|publish|decode
#include <cstdio>
#include <string>
#include <string_view>

#include "bench/dataset.h"
#include "bench/published.h"
#include "consul/kv_decoder.h"
#include "harness/consul_kv.h"

namespace shmconf::bench {
namespace {

constexpr std::size_t kKeys = 1'000;

// Called by name, from outside any loop that could be merged into it.
extern "C" {

[[gnu::noinline]] std::size_t counted_read(const Reader& reader, const Dataset& dataset) {
  std::size_t bytes = 0;
  for (const std::string& name : dataset.hits()) bytes += reader.get(name)->size();
  return bytes;
}

[[gnu::noinline]] void counted_publish(Published& published) { published.publish_change(); }

[[gnu::noinline]] std::size_t counted_decode(std::string_view answer) {
  consul::KvDecoder decoder;
  if (!decoder.append(answer)) return 0;
  const auto decoded = decoder.finish();
  return decoded.ok() ? decoded.value().pairs().size() : 0;
}

}  // extern "C"

// As Consul writes it.
std::string answer(const Dataset& dataset) {
  std::string json = "[";
  for (std::size_t i = 0; i < dataset.keys().size(); ++i) {
    if (i != 0) json += ",";
    json += R"({"LockIndex":0,"Key":")" + dataset.keys()[i] + R"(","Flags":0,"Value":")" +
            harness::base64(dataset.values()[i]) + R"(","CreateIndex":)" + std::to_string(100 + i) +
            R"(,"ModifyIndex":)" + std::to_string(100 + i) + "}";
  }
  return json + "]";
}

int fail(const char* what) {
  std::fprintf(stderr, "instructions: %s\n", what);
  return 1;
}

int run(const std::string& work) {
  const Dataset dataset(kKeys);
  std::size_t times = 1;
  if (work == "decode") {
    if (counted_decode(answer(dataset)) != kKeys) return fail("the answer was not decoded");
  } else if (work == "read") {
    const Published published(dataset);
    // The reads behind a change do more: they map the next generation's file ahead.
    for (const std::string& name : dataset.hits()) static_cast<void>(published.reader().get(name));
    if (counted_read(published.reader(), dataset) == 0) return fail("nothing was read");
    times = kKeys;
  } else if (work == "publish") {
    Published published(dataset);
    counted_publish(published);
  } else {
    return fail("read, publish or decode");
  }
  std::printf("%zu\n", times);
  return 0;
}

}  // namespace
}  // namespace shmconf::bench

int main(int argc, char** argv) { return argc == 2 ? shmconf::bench::run(argv[1]) : shmconf::bench::fail("one word"); }
