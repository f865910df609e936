// dump and pack as processes: backup files made, read, restored and refused, and what Consul's own
// tool makes of them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backup/store.h"
#include "harness/consul.h"
#include "integration/tools_fixture.h"

namespace shmconf {
namespace {

using namespace std::string_literals;
using namespace tools;
using nlohmann::json;
namespace fs = std::filesystem;

// --- dump and pack ---

TEST_F(ToolsTest, DumpPrintsEveryKeyOnALine) {
  publish({item("a=b", "1\n2"), item("doc", R"({"x": 1})")});
  EXPECT_EQ(out({"dump"}), "a\\x3db=1\\n2\ndoc={\"x\": 1}\n");
}

TEST_F(ToolsTest, DumpPackedAgainIsTheSameByteForByte) {
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes += static_cast<char>(i);
  publish({item("\n\"\\/../", "odd"), item("binary", all_bytes, std::numeric_limits<std::uint64_t>::max()),
           item("doc", R"({"x": [1, 2.50, "\u00e4"]})", 7), item("empty", ""),
           item("\u00e4/\U0001f600", "unicode")});
  const std::string first = out({"dump", "--json"});
  write_text(file("dumped.json"), first);
  const harness::Finished packed = run({"pack", "-", "--output", backup_file()}, file("dumped.json"));
  ASSERT_EQ(packed.status.code, 0) << packed.err;
  EXPECT_EQ(out({"dump", "--json", backup_file()}), first);
  EXPECT_EQ(json::parse(first).size(), 5u);
  ASSERT_TRUE(segment_->remove());
  EXPECT_EQ(out({"dump", "--json"}), first);
  EXPECT_EQ(out({"get", "--raw", "binary"}), all_bytes);
  EXPECT_EQ(out({"get", "doc#/x/1"}), "2.50\n");
}

TEST_F(ToolsTest, DumpMasksSecretsAndPackRefusesWhatIsMasked) {
  publish({item("doc", R"({"host": "x", "password": "hunter2"})", 7), item("plain", "1"),
           item("redis/password", "hunter2")});
  const harness::Finished lines = run({"dump"});
  EXPECT_EQ(lines.status.code, 0);
  EXPECT_EQ(lines.out, "doc={\"host\": \"x\", \"password\": \"***\"}\nplain=1\nredis/password=***\n");
  EXPECT_EQ(lines.err, "shmconf dump: 2 values masked; --show-secrets prints all\n");

  const harness::Finished masked = run({"dump", "--json"});
  EXPECT_EQ(masked.status.code, 0);
  EXPECT_FALSE(has(masked.out, "hunter2"));
  const json elements = json::parse(masked.out);
  ASSERT_EQ(elements.size(), 3u);
  EXPECT_EQ(elements[0], json({{"key", "doc"}, {"flags", 7}, {"masked", true},
                               {"value", R"({"host": "x", "password": "***"})"}}));
  EXPECT_FALSE(elements[1].contains("masked"));
  EXPECT_EQ(elements[2]["value"], "***");
  write_text(file("masked.json"), masked.out);
  const harness::Finished refused = run({"pack", file("masked.json"), "--output", backup_file()});
  EXPECT_EQ(refused.status.code, 2);
  EXPECT_TRUE(is_one_line_of(refused.err, "pack")) << refused.err;
  EXPECT_TRUE(has(refused.err, "key 'doc'") && has(refused.err, "--show-secrets")) << refused.err;
  EXPECT_FALSE(fs::exists(backup_file()));

  const std::string whole = out({"dump", "--json", "--show-secrets"});
  write_text(file("whole.json"), whole);
  ASSERT_EQ(run({"pack", file("whole.json"), "--output", backup_file()}).status.code, 0);
  EXPECT_EQ(out({"dump", "--json", "--show-secrets", backup_file()}), whole);
  EXPECT_TRUE(has(run({"dump", "--secret", "PLAIN"}).out, "plain=***\n"));
  EXPECT_EQ(out({"get", "redis/password"}), "hunter2\n") << "one value by its name is what was asked for";
}

TEST_F(ToolsTest, PackEncryptsAndDumpDecryptsWithTheKey) {
  write_text(file("backup.key"), std::string(64, 'a') + "\n");
  write_text(file("other.key"), std::string(64, 'b') + "\n");
  for (const char* name : {"backup.key", "other.key"}) ASSERT_EQ(::chmod(file(name).c_str(), 0600), 0);
  write_text(file("in.json"), R"({"redis/host": "some-host"})");
  const harness::Finished packed =
      run({"pack", file("in.json"), "--output", backup_file(), "--backup-key-file", file("backup.key")});
  ASSERT_EQ(packed.status.code, 0) << packed.err;
  EXPECT_FALSE(has(text_of(backup_file()), "some-host"));
  EXPECT_EQ(out({"dump", backup_file(), "--backup-key-file", file("backup.key")}), "redis/host=some-host\n");
  EXPECT_EQ(out({"dump", "--backup", backup_file(), "--backup-key-file", file("backup.key")}),
            "redis/host=some-host\n");
  for (const Words& words : {Words{"dump", backup_file()}, Words{"dump", "--name", "web"},
                             Words{"dump", backup_file(), "--backup-key-file", file("other.key")}}) {
    const harness::Finished denied = run(words);
    EXPECT_EQ(denied.status.code, 5);
    EXPECT_EQ(denied.out, "");
    EXPECT_TRUE(is_one_line_of(denied.err, "dump")) << denied.err;
    EXPECT_TRUE(has(denied.err, "encrypted")) << denied.err;
  }
  // Neither in the clear nor with another key is it written over.
  const std::string before = text_of(backup_file());
  EXPECT_EQ(run({"pack", file("in.json"), "--output", backup_file()}).status.code, 5);
  const harness::Finished other =
      run({"pack", file("in.json"), "--output", backup_file(), "--backup-key-file", file("other.key")});
  EXPECT_EQ(other.status.code, 5) << other.err;
  EXPECT_EQ(text_of(backup_file()), before);
  // One that is not encrypted may be looked at with a key set.
  pack(R"({"a": "1"})", file("plain.snapshot"));
  EXPECT_EQ(out({"dump", file("plain.snapshot"), "--backup-key-file", file("backup.key")}), "a=1\n");
  // Also by who may not read the sidecar's key, which the environment names.
  harness::Command keyless = command({"dump", file("plain.snapshot")});
  keyless.set_env["SHMCONF_BACKUP_KEY_FILE"] = file("no.key");
  const auto dumped = harness::run(keyless);
  ASSERT_TRUE(dumped);
  EXPECT_EQ(dumped->out, "a=1\n") << dumped->err;
}

TEST_F(ToolsTest, DumpOfNothingIsAnEmptyArray) {
  attach();
  shm::Content nothing;
  nothing.indexes = {1};
  std::uint64_t noted = publisher_->note();
  const auto outcome = publisher_->publish(nothing, noted, {.allow_empty = true}, nullptr);
  ASSERT_TRUE(outcome && *outcome == shm::Outcome::kPublished);
  EXPECT_EQ(out({"dump", "--json"}), "[]\n");
  EXPECT_EQ(out({"dump"}), "");
  EXPECT_EQ(out({"list"}), "");
}

TEST_F(ToolsTest, DumpRefusesABadBackupFile) {
  pack(R"({"a": "1", "b": "2"})", backup_file());
  const std::string whole = text_of(backup_file());
  const auto code_of = [&](const std::string& bytes) {
    fs::remove(file("bad"));
    write_text(file("bad"), bytes);
    const harness::Finished finished = run({"dump", file("bad")});
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(is_one_line_of(finished.err, "dump")) << finished.err;
    return finished.status.code;
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{256}, whole.size() - 1}) {
    EXPECT_EQ(code_of(whole.substr(0, size)), 4) << size;
  }
  for (const std::size_t at : {std::size_t{3}, std::size_t{40}, std::size_t{300}, whole.size() - 9}) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    EXPECT_EQ(code_of(flipped), 4) << at;
  }
  std::string newer = whole;
  newer[8] = 2;
  EXPECT_EQ(code_of(newer), 4);
  const harness::Finished absent = run({"dump", file("nowhere")});
  EXPECT_EQ(absent.status.code, 1);
  EXPECT_TRUE(is_one_line_of(absent.err, "dump")) << absent.err;
}

TEST_F(ToolsTest, PackKeepsTheBackupBefore) {
  pack(R"({"a": "1"})", backup_file());
  pack(R"({"a": "2"})", backup_file());
  EXPECT_EQ(out({"dump", backup_file()}), "a=2\n");
  EXPECT_EQ(out({"dump", backup_file() + ".prev"}), "a=1\n");
  struct stat info{};
  ASSERT_EQ(::stat(backup_file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(ToolsTest, PackLeavesAFileOfANewerFormatAlone) {
  pack(R"({"a": "1"})", backup_file());
  std::string newer = text_of(backup_file());
  newer[8] = 2;
  write_text(backup_file(), newer);
  write_text(file("in.json"), R"({"a": "2"})");
  const harness::Finished finished = run({"pack", file("in.json"), "--output", backup_file()});
  EXPECT_EQ(finished.status.code, 4);
  EXPECT_TRUE(is_one_line_of(finished.err, "pack")) << finished.err;
  EXPECT_EQ(text_of(backup_file()), newer);
}

TEST_F(ToolsTest, PackSaysWhatIsWrongWithItsInputAndWritesNothing) {
  for (const char* text : {R"({"port": 6379})", R"({"a": "1", "a": "2"})", "{", "", "[]"}) {
    write_text(file("in.json"), text);
    const harness::Finished finished = run({"pack", file("in.json"), "--output", backup_file()});
    EXPECT_EQ(finished.status.code, 2) << text;
    EXPECT_TRUE(is_one_line_of(finished.err, "pack")) << finished.err;
    EXPECT_TRUE(has(finished.err, "in.json: ")) << finished.err;
    EXPECT_FALSE(fs::exists(backup_file()));
  }
  EXPECT_EQ(run({"pack", file("nowhere.json"), "--output", backup_file()}).status.code, 1);
}

TEST_F(ToolsTest, PackTakesTheKeysBelowPrefixes) {
  write_text(file("in.json"),
             R"({"config/common/a": "1", "config/web/a": "2", "config/web/b": "3", "demo": "{}"})");
  const harness::Finished packed = run({"pack", file("in.json"), "--output", backup_file(), "--prefix",
                                        "config/common/", "--prefix", "config/web/", "--key", "demo"});
  ASSERT_EQ(packed.status.code, 0) << packed.err;
  EXPECT_EQ(out({"dump", backup_file()}), "a=2\nb=3\ndemo={}\n");
}

TEST_F(ToolsTest, PackMakesABackupThatASidecarRestores) {
  pack(R"({"redis/port": "6379", "doc": "{\"x\": true}"})", backup_file());
  attach();
  backup::Store store(env_, backup_file());
  const auto loaded = store.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  const auto outcome = publisher_->restore(loaded->view());
  ASSERT_TRUE(outcome && *outcome == shm::Outcome::kPublished);
  fs::remove(backup_file());
  EXPECT_EQ(out({"get", "redis/port"}), "6379\n");
  EXPECT_EQ(out({"get", "doc#/x"}), "true\n");
  const json status = json::parse(out({"status", "--json"}));
  EXPECT_EQ(status["verdict"], "backup");
  EXPECT_EQ(status["source"], "backup");
  EXPECT_EQ(status["from_backup_file"], false);
}

// --- against the real Consul ---

// One element of an answer of Consul, whose texts an item can point to.
class PairText {
 public:
  explicit PairText(const json& pair) : pair_(pair), key_(pair["Key"]), session_(pair.value("Session", "")) {}
  [[nodiscard]] shm::Item item() const {
    shm::Item made;
    made.key = key_;
    made.value = key_ == "plain" ? "1234" : "mine";
    made.flags = pair_["Flags"];
    made.create_index = pair_["CreateIndex"];
    made.modify_index = pair_["ModifyIndex"];
    made.lock_index = pair_["LockIndex"];
    made.session = session_;
    return made;
  }

 private:
  json pair_;
  std::string key_;
  std::string session_;
};

class ToolsWithConsulTest : public ToolsTest {
 protected:
  void SetUp() override {
    auto consul = harness::RealConsul::start();
    ASSERT_TRUE(consul) << consul.error().text;
    consul_ = std::move(*consul);
  }
  // What Consul's own tool prints: `consul kv VERB ARGUMENTS`.
  std::string consul_kv(const std::string& verb, const Words& arguments) {
    const std::string binary = fs::read_symlink("/proc/" + std::to_string(consul_->process().pid()) + "/exe");
    Words words{binary, "kv", verb, "-http-addr=" + consul_->url()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    harness::Command made;
    made.argv = words;
    const auto finished = harness::run(made);
    if (finished && finished->status.code == 0) return finished->out;
    ADD_FAILURE() << (finished ? finished->err : finished.error().text);
    return {};
  }

  std::unique_ptr<harness::RealConsul> consul_;
};

TEST_F(ToolsWithConsulTest, PackReadsAndDumpPrintsWhatConsulExports) {
  harness::ConsulKv kv = consul_->kv();
  ASSERT_TRUE(kv.put("config/web/binary", "\0\xff\n"s, "flags=18446744073709551615"));
  ASSERT_TRUE(kv.put("config/web/empty", ""));
  ASSERT_TRUE(kv.put("config/web/\u00e4/port", "6379", "flags=42"));
  ASSERT_TRUE(kv.put("config/web/", "a folder"));
  const std::string exported = consul_kv("export", {"config/"});
  write_text(file("exported.json"), exported);
  const harness::Finished packed = run({"pack", file("exported.json"), "--output", backup_file()});
  ASSERT_EQ(packed.status.code, 0) << packed.err;
  const std::string dumped = out({"dump", "--json", backup_file()});
  EXPECT_EQ(dumped, exported);

  // And back: Consul reads what was dumped.
  ASSERT_TRUE(kv.remove("config/", "recurse"));
  write_text(file("dumped.json"), dumped);
  consul_kv("import", {"@" + file("dumped.json")});
  EXPECT_EQ(consul_kv("export", {"config/"}), exported);
}

TEST_F(ToolsWithConsulTest, ConsulImportsNoMask) {
  publish({item("config/web/password", "hunter2")});
  write_text(file("masked.json"), run({"dump", "--json"}).out);
  harness::Command import;
  import.argv = {fs::read_symlink("/proc/" + std::to_string(consul_->process().pid()) + "/exe"), "kv", "import",
                 "-http-addr=" + consul_->url(), "@" + file("masked.json")};
  const auto refused = harness::run(import);
  ASSERT_TRUE(refused) << refused.error().text;
  EXPECT_NE(refused->status.code, 0) << refused->out;
  EXPECT_EQ(consul_->kv().get("config/web/password").status, 404);
}

TEST_F(ToolsWithConsulTest, DetailedIsWhatConsulPrints) {
  harness::ConsulKv kv = consul_->kv();
  const std::string session = kv.create_session();
  ASSERT_FALSE(session.empty());
  ASSERT_TRUE(kv.put("plain", "1234", "flags=42"));
  ASSERT_TRUE(kv.put("locked", "mine", "acquire=" + session));
  const json answer = json::parse(kv.get("", "recurse").body);
  std::vector<PairText> pairs;
  for (const json& pair : answer) pairs.push_back(PairText(pair));
  Items items;
  for (const PairText& pair : pairs) items.push_back(pair.item());
  publish(items);
  EXPECT_EQ(out({"get", "--detailed", "plain"}), consul_kv("get", {"-detailed", "plain"}));
  EXPECT_EQ(out({"get", "--detailed", "locked"}), consul_kv("get", {"-detailed", "locked"}));
  EXPECT_TRUE(has(out({"get", "--detailed", "locked"}), session));
}

}  // namespace
}  // namespace shmconf
