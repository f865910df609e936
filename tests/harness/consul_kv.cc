#include "harness/consul_kv.h"

#include <algorithm>

namespace shmconf::harness {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// A JSON string. Bytes of 0x80 and above pass as they are: keys in tests are UTF-8.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (byte < 0x20) {
      result += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string target_of(std::string_view key, const std::string& query) {
  return "/v1/kv/" + percent_encoded(key) + (query.empty() ? "" : "?" + query);
}

bool is_true(const HttpResponse& response) {
  return response.status == 200 && response.body.starts_with("true");
}

}  // namespace

std::string percent_encoded(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~/";
  std::string result;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alphanumeric || kPlain.find(c) != std::string_view::npos) {
      result += c;
    } else {
      result += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return result;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t present = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < present ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      result += j <= present ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return result;
}

HttpResponse ConsulKv::get(std::string_view key, const std::string& query, std::chrono::milliseconds limit) {
  return connection_.request("GET", target_of(key, query), {}, {}, limit);
}

bool ConsulKv::put(std::string_view key, std::string_view value, const std::string& query) {
  return is_true(connection_.request("PUT", target_of(key, query), std::string(value)));
}

bool ConsulKv::remove(std::string_view key, const std::string& query) {
  return is_true(connection_.request("DELETE", target_of(key, query)));
}

HttpResponse ConsulKv::txn(const std::string& json, std::chrono::milliseconds limit) {
  return connection_.request("PUT", "/v1/txn", json, {}, limit);
}

bool ConsulKv::put_together(const Pairs& pairs) {
  std::string json = "[";
  for (const auto& [key, value] : pairs) {
    json += json.size() > 1 ? "," : "";
    json += R"({"KV":{"Verb":"set","Key":)" + quoted(key) + R"(,"Value":")" + base64(value) + "\"}}";
  }
  return txn(json + "]").status == 200;
}

bool ConsulKv::put_all(const Pairs& pairs) {
  constexpr std::size_t kMostOperations = 64;
  constexpr std::size_t kMostBytes = 300 * 1024;  // before base64; the server takes 512 KiB of body
  for (std::size_t begin = 0; begin < pairs.size();) {
    std::size_t end = begin, bytes = 0;
    while (end < pairs.size() && end - begin < kMostOperations && (end == begin || bytes < kMostBytes)) {
      bytes += pairs[end].first.size() + pairs[end].second.size();
      if (end > begin && bytes >= kMostBytes) break;
      ++end;
    }
    const bool single = end - begin == 1;  // a value of up to 512 KiB goes alone, and not as base64
    if (single ? !put(pairs[begin].first, pairs[begin].second)
               : !put_together(Pairs(pairs.begin() + static_cast<std::ptrdiff_t>(begin),
                                     pairs.begin() + static_cast<std::ptrdiff_t>(end)))) {
      return false;
    }
    begin = end;
  }
  return true;
}

std::string ConsulKv::create_session() {
  const auto response = connection_.request("PUT", "/v1/session/create", R"({"LockDelay":"0s"})");
  const auto name = response.body.find("\"ID\"");
  if (response.status != 200 || name == std::string::npos) return {};
  const auto begin = response.body.find('"', name + 4) + 1;
  return response.body.substr(begin, response.body.find('"', begin) - begin);
}

std::string ConsulKv::snapshot() {
  const auto response = connection_.request("GET", "/v1/snapshot");
  return response.status == 200 ? response.body : std::string();
}

bool ConsulKv::restore(const std::string& archive) {
  return connection_.request("PUT", "/v1/snapshot", archive).status == 200;
}

}  // namespace shmconf::harness
