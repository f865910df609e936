#include "dev/kv_api.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "dev/txn_request.h"

namespace shmconf::dev {
namespace {

constexpr std::string_view kKvPath = "/v1/kv/";

// A number as Go's strconv.ParseUint takes it, or Go's words about it.
struct Number {
  std::uint64_t value = 0;
  std::string problem;
};

Number parse_uint(const std::string& text) {
  Number number;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (failure == std::errc::result_out_of_range) {
    number.problem = "strconv.ParseUint: parsing " + quoted(text) + ": value out of range";
  } else if (failure != std::errc() || end != text.data() + text.size()) {
    number.problem = "strconv.ParseUint: parsing " + quoted(text) + ": invalid syntax";
  }
  return number;
}

Reply with_index(Reply reply, std::uint64_t index) {
  reply.headers.insert(reply.headers.begin(), {{"X-Consul-Index", std::to_string(index)},
                                               {"X-Consul-Knownleader", "true"},
                                               {"X-Consul-Lastcontact", "0"}});
  return reply;
}

Reply moved(const std::string& path, const Target& target) {
  const std::string location = escaped_path(path) + (target.raw_query.empty() ? "" : "?" + target.raw_query);
  Reply reply;
  reply.status = 301;
  reply.headers = {{"Content-Type", "text/html; charset=utf-8"}, {"Location", location}};
  reply.body = "<a href=\"" + location + "\">Moved Permanently</a>.\n\n";
  return reply;
}

Reply not_allowed(const std::string& method, const std::string& allowed) {
  Reply reply = method == "OPTIONS" ? KvApi::plain(200, "")
                                    : KvApi::plain(405, "method " + method + " not allowed");
  reply.headers.emplace_back("Allow", "OPTIONS," + allowed);
  return reply;
}

Reply no_sessions() {
  return KvApi::plain(400, "shmconf dev does not support sessions and locks; use a real Consul");
}

}  // namespace

// The parts of a query that reads and writes share. A problem is the answer.
struct KvApi::Query {
  const Target& target;
  std::string key;
  std::uint64_t index = 0;
  std::chrono::milliseconds wait{0};
  std::optional<Reply> problem;

  Query(const Target& from, const std::string& datacenter)
      : target(from), key(from.path.substr(kKvPath.size())) {
    read_wait();
    if (!problem) read_index();
    if (!problem && target.has("stale") && target.has("consistent")) {
      problem = plain(400, "Cannot specify ?stale with ?consistent, conflicting semantics.");
    }
    const auto wanted = target.value("dc").value_or("");
    if (!problem && !wanted.empty() && wanted != datacenter) problem = plain(500, "No path to datacenter");
  }

  [[nodiscard]] bool recursive() const { return target.has("recurse") || target.has("keys"); }

 private:
  void read_wait() {
    constexpr std::chrono::milliseconds kDefault = std::chrono::minutes(5);
    constexpr std::chrono::milliseconds kMost = std::chrono::minutes(10);
    wait = kDefault;
    const auto text = target.value("wait").value_or("");
    if (text.empty()) return;
    const auto asked = parse_go_duration(text);
    if (!asked) {
      problem = plain(400, "Invalid wait time");
    } else if (asked->count() > 0) {
      wait = std::min(std::chrono::ceil<std::chrono::milliseconds>(*asked), kMost);
    }
  }

  void read_index() {
    const auto text = target.value("index").value_or("");
    if (text.empty()) return;
    const auto number = parse_uint(text);
    if (!number.problem.empty()) problem = plain(400, "Invalid index");
    index = number.value;
  }
};

Reply KvApi::plain(unsigned status, std::string text) {
  Reply reply;
  reply.status = status;
  if (!text.empty()) reply.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  reply.body = std::move(text);
  return reply;
}

Reply KvApi::too_large(std::uint64_t bytes, const std::string& target) {
  const char* setting = target.starts_with("/v1/txn") ? "txn_max_req_len" : "kv_max_value_size";
  Reply reply = plain(413, "Request body(" + std::to_string(bytes) + " bytes) too large, max size: " +
                               std::to_string(kMostBodyBytes) +
                               " bytes. See https://www.consul.io/docs/agent/options.html#" + setting + ".");
  reply.close = true;
  return reply;
}

Layout KvApi::layout_of(const Target& target) const {
  return target.has("pretty") ? Layout::kPretty : options_.layout;
}

Reply KvApi::json(std::string body) const {
  Reply reply;
  reply.headers.emplace_back("Content-Type", "application/json");
  reply.body = std::move(body);
  reply.json = true;
  return reply;
}

Reply KvApi::boolean(bool value) const {
  return json(std::string(value ? "true" : "false") + (options_.layout == Layout::kPretty ? "\n" : ""));
}

std::optional<Blocking> KvApi::must_wait(const Request& request) const {
  const auto target = parse_target(request.target);
  if (!target || request.method != "GET" || !target->path.starts_with(kKvPath)) return std::nullopt;
  if (!printable(target->path) || cleaned_path(target->path) != target->path) return std::nullopt;
  const Query query(*target, options_.datacenter);
  if (query.problem || query.index == 0 || (query.key.empty() && !query.recursive())) return std::nullopt;
  Blocking blocking{{query.key, query.recursive()}, query.index, query.wait};
  if (store_.index_of(blocking.watched) > query.index) return std::nullopt;
  return blocking;
}

Reply KvApi::answer(const Request& request) {
  const auto target = parse_target(request.target);
  if (!target || !printable(target->path)) return plain(400, "");
  if (const auto clean = cleaned_path(target->path); clean != target->path) return moved(clean, *target);
  Reply reply;
  if (target->path == "/v1/kv") {
    return moved("/v1/kv/", *target);
  } else if (target->path.starts_with(kKvPath)) {
    reply = answer_kv(request, *target);
  } else if (target->path == "/v1/txn") {
    reply = transact(request, *target);
  } else {
    reply = answer_cluster(request, *target);
  }
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  return reply;
}

Reply KvApi::answer_kv(const Request& request, const Target& target) {
  if (request.method != "GET" && request.method != "PUT" && request.method != "DELETE") {
    return not_allowed(request.method, "GET,PUT,DELETE");
  }
  const Query query(target, options_.datacenter);
  if (query.problem) return *query.problem;
  if (request.method == "GET") return get(query);
  if (request.method == "PUT") return put(request, query);
  return remove(query);
}

Reply KvApi::get(const Query& query) const {
  const auto layout = layout_of(query.target);
  if (query.target.has("keys")) {
    auto found = store_.keys(query.key, query.target.value("separator").value_or(""));
    // Consul tells an empty prefix by 404, but an empty store by an empty list.
    if (found.keys.empty() && !query.key.empty()) return with_index(plain(404, ""), found.index);
    return with_index(json(render_strings(found.keys, layout)), found.index);
  }
  if (query.target.has("recurse")) {
    const auto range = store_.list(query.key);
    return with_index(range.empty() ? plain(404, "") : json(render_entries(range, layout)), range.index);
  }
  if (query.key.empty()) return plain(400, "Missing key name");
  const auto found = store_.get(query.key);
  if (found.entry == nullptr) return with_index(plain(404, ""), found.index);
  if (!query.target.has("raw")) {
    return with_index(json(render_entry(query.key, *found.entry, layout)), found.index);
  }
  Reply reply;
  reply.headers = {{"Content-Type", "text/plain"},
                   {"Content-Security-Policy", "sandbox"},
                   {"X-Content-Type-Options", "nosniff"}};
  reply.body = found.entry->value;
  return with_index(std::move(reply), found.index);
}

Reply KvApi::put(const Request& request, const Query& query) {
  if (query.key.empty()) return plain(400, "Missing key name");
  if (query.target.has("acquire") || query.target.has("release")) return no_sessions();
  Number flags, cas;
  if (const auto text = query.target.value("flags")) flags = parse_uint(*text);
  const auto cas_text = query.target.value("cas");
  if (cas_text) cas = parse_uint(*cas_text);
  if (!flags.problem.empty() || !cas.problem.empty()) {
    return plain(500, flags.problem.empty() ? cas.problem : flags.problem);
  }
  if (request.body.size() > kMostBodyBytes) return too_large(request.body.size(), request.target);
  const auto condition = cas_text ? std::optional(cas.value) : std::nullopt;
  return boolean(store_.put(query.key, request.body, flags.value, condition));
}

Reply KvApi::remove(const Query& query) {
  const bool recurse = query.target.has("recurse");
  const auto cas_text = query.target.value("cas");
  if (recurse && cas_text) {
    return plain(400, "Conflicting flags: cas=" + *cas_text + "&recurse=" + *query.target.value("recurse"));
  }
  if (recurse) {
    store_.remove_tree(query.key);
    return boolean(true);
  }
  if (query.key.empty()) return plain(400, "Missing key name");
  if (!cas_text) return boolean(store_.remove(query.key));
  const auto cas = parse_uint(*cas_text);
  if (!cas.problem.empty()) return plain(500, cas.problem);
  return boolean(store_.remove(query.key, cas.value));
}

Reply KvApi::transact(const Request& request, const Target& target) {
  if (request.method != "PUT") return not_allowed(request.method, "PUT");
  if (request.body.size() > kMostBodyBytes) return too_large(request.body.size(), request.target);
  const auto operations = parse_txn(request.body);
  if (!operations) return plain(400, operations.error().text);
  if (operations->size() > kMostTxnOperations) {
    return plain(413, "Transaction contains too many operations (" + std::to_string(operations->size()) +
                          " > " + std::to_string(kMostTxnOperations) + ")");
  }
  const bool read_only = std::ranges::none_of(*operations, writes);
  const auto result = store_.apply(*operations);
  Reply reply = json(render_txn(result, read_only, layout_of(target)));
  reply.status = result.errors.empty() ? 200 : 409;
  return reply;
}

Reply KvApi::answer_cluster(const Request& request, const Target& target) const {
  constexpr std::string_view kServer = "\"127.0.0.1:8300\"";
  const bool leader = target.path == "/v1/status/leader";
  const bool peers = target.path == "/v1/status/peers";
  if (!leader && !peers && target.path != "/v1/agent/self") return plain(404, "");
  if (request.method != "GET") return not_allowed(request.method, "GET");
  const std::string end = layout_of(target) == Layout::kPretty ? "\n" : "";
  if (leader) return json(std::string(kServer) + end);
  if (peers) return json(render_strings({"127.0.0.1:8300"}, layout_of(target)));
  return json(R"({"Config":{"Datacenter":)" + quoted(options_.datacenter) +
              R"(,"NodeName":"shmconf-dev","Server":true,"Version":"shmconf-dev"}})" + end);
}

}  // namespace shmconf::dev
