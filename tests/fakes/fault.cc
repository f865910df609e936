#include "fakes/fault.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <limits>
#include <utility>

namespace shmconf::fakes {
namespace {

bool same_name(const std::string& left, const std::string& right) {
  return ::strcasecmp(left.c_str(), right.c_str()) == 0;
}

void drop_header(dev::Reply& reply, const std::string& name) {
  std::erase_if(reply.headers, [&](const auto& header) { return same_name(header.first, name); });
}

void set_header(dev::Reply& reply, const std::string& name, const std::string& value) {
  drop_header(reply, name);
  reply.headers.emplace_back(name, value);
}

Fault changing(std::function<void(dev::Reply&)> change) {
  Fault fault;
  fault.change = std::move(change);
  return fault;
}

// Errors of the real server carry no X-Consul headers, and come when they come.
Fault failing(unsigned code, std::string text) {
  Fault fault = changing([code, text = std::move(text)](dev::Reply& reply) {
    reply = dev::Reply();
    reply.status = code;
    if (!text.empty()) reply.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
    reply.body = text;
  });
  fault.at_once = true;
  return fault;
}

std::uint32_t crc32(const std::string& bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

void append_little_endian(std::string& into, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) into += static_cast<char>(value >> 8 * i & 255);
}

// A sound gzip file of stored blocks: it is its being gzip that matters, not its size.
std::string gzip(const std::string& bytes) {
  constexpr std::size_t kMostStored = 65535;
  std::string result("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  std::size_t at = 0;
  do {
    const auto size = std::min(kMostStored, bytes.size() - at);
    result += static_cast<char>(at + size == bytes.size());
    append_little_endian(result, static_cast<std::uint32_t>(size), 2);
    append_little_endian(result, ~static_cast<std::uint32_t>(size), 2);
    result.append(bytes, at, size);
    at += size;
  } while (at < bytes.size());
  append_little_endian(result, crc32(bytes), 4);
  append_little_endian(result, static_cast<std::uint32_t>(bytes.size()), 4);
  return result;
}

}  // namespace

Fault Fault::on(std::string request) const {
  Fault fault = *this;
  fault.match = std::move(request);
  return fault;
}

Fault Fault::repeated(int count) const {
  Fault fault = *this;
  fault.times = count;
  return fault;
}

Fault Fault::early() const {
  Fault fault = *this;
  fault.at_once = true;
  return fault;
}

namespace faults {

Fault delayed(std::chrono::milliseconds time) {
  Fault fault;
  fault.delay = time;
  return fault;
}

Fault silent() {
  Fault fault;
  fault.silent = true;
  return fault;
}

Fault reset_after(std::size_t bytes) {
  Fault fault;
  fault.cut = bytes;
  fault.end = Fault::End::kReset;
  return fault.early();
}

Fault closed_after(std::size_t bytes) {
  Fault fault = reset_after(bytes);
  fault.end = Fault::End::kClose;
  return fault;
}

Fault truncated() {
  Fault fault = changing([](dev::Reply& reply) {
    set_header(reply, "Content-Length", std::to_string(reply.body.size()));
    reply.body.resize(reply.body.size() / 2);
  });
  fault.end = Fault::End::kClose;
  return fault.early();
}

Fault trickled(std::size_t piece_bytes, std::chrono::milliseconds pause) {
  Fault fault;
  fault.piece_bytes = piece_bytes;
  fault.pause = pause;
  return fault;
}

Fault raw(std::string bytes) {
  Fault fault;
  fault.raw = std::move(bytes);
  fault.end = Fault::End::kClose;
  return fault.early();
}

Fault without_header(std::string name) {
  return changing([name = std::move(name)](dev::Reply& reply) { drop_header(reply, name); });
}

Fault with_header(std::string name, std::string value) {
  return changing([name = std::move(name), value = std::move(value)](dev::Reply& reply) {
    set_header(reply, name, value);
  });
}

Fault index(std::string text) { return with_header("X-Consul-Index", std::move(text)); }

Fault upper_case_headers() {
  return changing([](dev::Reply& reply) {
    for (auto& [name, value] : reply.headers) {
      std::ranges::transform(name, name.begin(),
                             [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    }
  });
}

Fault status(unsigned code, std::string body) { return failing(code, std::move(body)); }
Fault denied() { return failing(403, "Permission denied"); }
Fault unknown_token() { return failing(403, "ACL not found"); }
Fault rate_limited() { return failing(429, ""); }
Fault too_large() { return failing(413, "Request body(524289 bytes) too large, max size: 524288 bytes."); }
Fault no_leader() { return failing(500, "No cluster leader"); }
Fault lost_server() { return failing(500, "rpc error making call: EOF"); }
Fault dead_server() {
  return failing(500, "rpc error getting client: failed to get conn: dial tcp 127.0.0.1:0->127.0.0.1:8300: connect: "
                      "connection refused");
}
Fault no_servers() { return failing(500, "No known Consul servers"); }

Fault hidden() {
  return changing([](dev::Reply& reply) {
           reply.status = 404;
           reply.body.clear();
           drop_header(reply, "Content-Type");
         }).early();
}

Fault redirect(std::string location) {
  return changing([location = std::move(location)](dev::Reply& reply) {
           reply = dev::Reply();
           reply.status = 301;
           reply.headers = {{"Content-Type", "text/html; charset=utf-8"}, {"Location", location}};
           reply.body = "<a href=\"" + location + "\">Moved Permanently</a>.\n\n";
         }).early();
}

Fault body(std::string text) {
  return changing([text = std::move(text)](dev::Reply& reply) {
           reply.status = 200;
           set_header(reply, "Content-Type", "application/json");
           reply.body = text;
         }).early();
}

Fault empty_list() { return body("[]"); }
Fault not_json() { return body("<html><body>502 Bad Gateway</body></html>"); }

Fault gzipped() {
  return changing([](dev::Reply& reply) {
    set_header(reply, "Content-Encoding", "gzip");
    reply.body = gzip(reply.body);
  });
}

Fault chunked(std::size_t bytes) {
  return changing([bytes](dev::Reply& reply) {
    std::string framed;
    char size[20];
    for (std::size_t at = 0; at < reply.body.size(); at += bytes) {
      const std::string piece = reply.body.substr(at, bytes);
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      framed += size + piece + "\r\n";
    }
    set_header(reply, "Transfer-Encoding", "chunked");
    reply.body = framed + "0\r\n\r\n";
  });
}

Fault compact() {
  return changing([](dev::Reply& reply) {
    bool quoted = false;
    bool escaped = false;
    std::erase_if(reply.body, [&](char c) {
      if (!quoted && (c == ' ' || c == '\n')) return true;
      if (c == '"' && !escaped) quoted = !quoted;
      escaped = quoted && c == '\\' && !escaped;
      return false;
    });
  });
}

Fault padded_to(std::size_t bytes) {
  return changing([bytes](dev::Reply& reply) {
    const auto bracket = reply.body.rfind(']');
    if (bracket != std::string::npos && reply.body.size() < bytes) {
      reply.body.insert(bracket, bytes - reply.body.size(), ' ');
    }
  });
}

}  // namespace faults
}  // namespace shmconf::fakes
