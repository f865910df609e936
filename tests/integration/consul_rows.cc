#include "integration/consul_rows.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace shmconf::integration {
namespace {

std::string brief(const Row& row) {
  std::ostringstream text;
  text << row.value.size() << " bytes '" << row.value.substr(0, 40) << "' flags " << row.flags << " create "
       << row.create_index << " modify " << row.modify_index << " lock " << row.lock_index << " session "
       << (row.session.empty() ? "-" : row.session);
  return text.str();
}

}  // namespace

std::string decoded_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    result += static_cast<char>(bits >> count & 0xff);
  }
  return result;
}

Rows rows_below(harness::ConsulKv& kv, const std::string& prefix) {
  Rows rows;
  const auto answer = kv.get(prefix, "recurse");
  if (answer.status == 404) return rows;
  EXPECT_EQ(answer.status, 200) << answer.error << answer.body.substr(0, 200);
  if (answer.status != 200) return rows;
  for (const auto& pair : nlohmann::json::parse(answer.body)) {
    const std::string key = pair["Key"].get<std::string>().substr(prefix.size());
    if (key.empty()) continue;
    Row row;
    if (!pair["Value"].is_null()) row.value = decoded_base64(pair["Value"].get<std::string>());
    row.flags = pair["Flags"].get<std::uint64_t>();
    row.create_index = pair["CreateIndex"].get<std::uint64_t>();
    row.modify_index = pair["ModifyIndex"].get<std::uint64_t>();
    row.lock_index = pair["LockIndex"].get<std::uint64_t>();
    row.session = pair.value("Session", "");
    rows.emplace(key, std::move(row));
  }
  return rows;
}

Rows rows_of(const Snapshot& snapshot) {
  Rows rows;
  Entries entries = snapshot.prefix("");
  for (const Entry& entry : entries) {
    rows.emplace(entry.key, Row{.value = std::string(entry.value),
                                .flags = entry.flags(),
                                .create_index = entry.create_index(),
                                .modify_index = entry.modify_index(),
                                .lock_index = entry.lock_index(),
                                .session = std::string(entry.session())});
  }
  EXPECT_FALSE(entries.damaged());
  return rows;
}

std::string differences(const Rows& consul, const Rows& reader) {
  constexpr int kMost = 5;
  std::ostringstream text;
  int found = 0;
  const auto tell = [&](const std::string& key, const std::string& what) {
    if (++found <= kMost) text << "'" << key << "' " << what << "\n";
  };
  for (const auto& [key, row] : consul) {
    const auto at = reader.find(key);
    if (at == reader.end()) {
      tell(key, "is missing in the reader's view");
    } else if (at->second != row) {
      tell(key, "is " + brief(row) + " in Consul, " + brief(at->second) + " in the reader's view");
    }
  }
  for (const auto& [key, row] : reader) {
    if (!consul.contains(key)) tell(key, "is not in Consul, but in the reader's view: " + brief(row));
  }
  if (found > kMost) text << "and " << found - kMost << " more\n";
  return text.str();
}

}  // namespace shmconf::integration
