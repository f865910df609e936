#include "integration/tools_fixture.h"

#include <fstream>
#include <iterator>

#include "sources/documents.h"

namespace shmconf::tools {

shm::Item item(std::string_view key, std::string_view value, std::uint64_t flags) {
  shm::Item made;
  made.key = key;
  made.value = value;
  made.flags = flags;
  made.create_index = 13;
  made.modify_index = 18677;
  return made;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void flip_byte(const std::string& path, std::size_t at) {
  std::string bytes = text_of(path);
  ASSERT_LT(at, bytes.size());
  bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << bytes;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

bool is_one_line_of(const std::string& text, const std::string& command) {
  return text.starts_with("shmconf " + command + ": ") && text.find('\n') == text.size() - 1;
}

harness::Command ToolsTest::command(const Words& words, const std::string& stdin_file) const {
  harness::Command made;
  made.argv = {SHMCONF_BINARY};
  made.argv.insert(made.argv.end(), words.begin(), words.end());
  made.clear_env = true;
  made.set_env = {{"SHMCONF_NAME", "web"}, {"SHMCONF_DIR", root_.path()}, {"SHMCONF_BACKUP", backup_file()}};
  made.stdin_file = stdin_file;
  return made;
}

harness::Finished ToolsTest::run(const Words& words, const std::string& stdin_file) const {
  auto finished = harness::run(command(words, stdin_file));
  if (finished) return *finished;
  ADD_FAILURE() << finished.error().text;
  return {};
}

std::string ToolsTest::out(const Words& words) const {
  const harness::Finished finished = run(words);
  EXPECT_EQ(finished.status.code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  return finished.out;
}

void ToolsTest::pack(const std::string& json_text, const std::string& output) {
  write_text(file("in.json"), json_text);
  const harness::Finished finished = run({"pack", file("in.json"), "--output", output});
  ASSERT_EQ(finished.status.code, 0) << finished.err;
}

void ToolsTest::attach() {
  segment_ = std::make_unique<shm::Segment>(
      shm::Segment::attach(env_, {.root = root_.path(), .name = "web", .group = {}}).value());
  publisher_ =
      std::make_unique<shm::Publisher>(shm::Publisher::attach(env_, *segment_, format::Role::kWatch).value());
  format::RoleState& watch = segment_->role(format::Role::kWatch);
  const auto now = static_cast<std::uint64_t>(env_.boottime_now().count());
  watch.starts.store(1);
  watch.alive_ns.store(now);
  watch.contact_ns.store(now);
  watch.stale_after_ns.store(30'000'000'000);
}

std::uint64_t ToolsTest::publish(const Items& items) {
  if (!segment_) attach();
  shm::Content content;
  content.keys = items;
  content.indexes = {18677};
  content.read_wall = env_.wall_now();
  sources::TextArena storage;
  std::uint64_t noted = publisher_->note();
  const auto outcome = publisher_->publish(content, noted, {}, [&](shm::Content& expanded) {
    static_cast<void>(sources::expand_documents(expanded, storage));
  });
  EXPECT_TRUE(outcome && *outcome == shm::Outcome::kPublished);
  return segment_->page().generation.load();
}

std::string ToolsTest::snapshot_file() const {
  return root_ / ("web/" + format::generation_name(segment_->page().generation.load()));
}

}  // namespace shmconf::tools
