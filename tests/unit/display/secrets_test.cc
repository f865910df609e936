// What is masked where many values are printed, and that every language masks the same.

#include "display/secrets.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace shmconf::display {
namespace {

using nlohmann::json;

TEST(Secrets, ANameSaysSo) {
  const SecretWords words;
  for (const char* path : {"redis/password", "redis/Password", "DB_PASSWD", "ssh/passphrase", "secrets/a/b",
                           "api_token", "tokens/a", "credentials/x", "api_key", "APIKEY", "private_key/pem"}) {
    EXPECT_TRUE(words.in(path)) << path;
    EXPECT_EQ(words.masked(path, "hunter2"), kMask) << path;
  }
  for (const char* path : {"redis/host", "", "pass", "a/b/c"}) {
    EXPECT_FALSE(words.in(path)) << path;
    EXPECT_EQ(words.masked(path, "hunter2"), std::nullopt) << path;
  }
}

TEST(Secrets, WordsCanBeAdded) {
  EXPECT_FALSE(SecretWords().in("atm/pin"));
  EXPECT_TRUE(SecretWords({"PIN"}).in("atm/Pin"));
  EXPECT_TRUE(SecretWords({"PIN"}).in("password")) << "the others stay";
}

TEST(Secrets, ADocumentIsMaskedFieldByField) {
  const SecretWords words;
  const std::string document =
      R"({"host": "x", "port": 6379, "rate": 2.50, "redis": {"password": "p1", "on": true, "none": null},)"
      R"( "tokens": ["t1", {"a": ["t2", 7, true, null]}], "list": [{"secret": 1.5}, {}, [], "y"], "last": -1})";
  const auto masked = words.masked("doc", document);
  ASSERT_TRUE(masked);
  EXPECT_EQ(*masked,
            R"({"host": "x", "port": 6379, "rate": 2.50, "redis": {"password": "***", "on": true, "none": null}, )"
            R"("tokens": ["***", {"a": ["***", "***", "***", "***"]}], "list": [{"secret": "***"}, {}, [], "y"], )"
            R"("last": -1})");
  EXPECT_TRUE(json::accept(*masked));
  EXPECT_EQ(words.masked("doc", R"([{"a": 1}, "password"])"), std::nullopt) << "as it was written";
  EXPECT_EQ(words.masked("doc", R"("password")"), std::nullopt) << "no document";
  EXPECT_EQ(words.masked("secrets/doc", R"({"a": 1})"), kMask);
  const auto quoted = words.masked("doc", R"({"\"token\"\n": "x", "a\"b": "c\\d"})");
  EXPECT_EQ(quoted, R"({"\"token\"\n": "***", "a\"b": "c\\d"})");
}

TEST(Secrets, WhatOnlyLooksLikeADocumentIsHiddenWhole) {
  const SecretWords words;
  EXPECT_EQ(words.masked("doc", R"({"password": "hunter2", )"), kMask) << "cut short";
  EXPECT_EQ(words.masked("doc", "{\"password\": \"\xff\"}"), kMask) << "not UTF-8";
  EXPECT_EQ(words.masked("doc", "{\"a\": \"\xff\"}"), std::nullopt);
  const std::string deep(300'000, '[');
  EXPECT_EQ(words.masked("doc", deep), std::nullopt);
  EXPECT_EQ(words.masked("doc", deep + R"({"token": 1})"), kMask);
  std::string nested = R"({"password": 1})";
  for (int i = 0; i < 100; ++i) nested = "[" + nested + "]";
  EXPECT_EQ(words.masked("doc", nested), kMask);
}

// The words between the brackets of a line that defines DEFAULT_SECRETS.
std::string words_in(const std::string& file, char open, char close, char quote) {
  std::ostringstream text;
  text << std::ifstream(std::string(SHMCONF_SOURCE_DIR) + "/src/" + file).rdbuf();
  const std::string all = text.str();
  const std::size_t begin = all.find(open, all.find("DEFAULT_SECRETS = "));
  std::string words;
  for (std::size_t i = begin + 1; i < all.size() && all[i] != close; ++i) {
    if (all[i] != quote) words += all[i];
  }
  return words;
}

TEST(Secrets, EveryLanguageHasTheSameWords) {
  std::string expected;
  for (const std::string_view word : default_secret_words()) {
    expected += (expected.empty() ? "" : ", ") + std::string(word);
  }
  EXPECT_EQ(words_in("python/shmconf/_display.py", '(', ')', '"'), expected);
  EXPECT_EQ(words_in("node/lib/display.js", '[', ']', '\''), expected);
}

TEST(Secrets, AByteOrderMarkHidesNoDocument) {
  const SecretWords words;
  const auto masked = words.masked("document", "\xef\xbb\xbf{\"password\": \"hunter2\", \"port\": 1}");
  ASSERT_TRUE(masked.has_value());
  EXPECT_EQ(masked->find("hunter2"), std::string::npos) << *masked;
}

}  // namespace
}  // namespace shmconf::display
