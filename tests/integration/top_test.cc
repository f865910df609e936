// shmconf top in a terminal, on a segment that the test publishes itself.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "cli/styled_line.h"
#include "harness/eventually.h"
#include "integration/terminal.h"
#include "integration/tools_fixture.h"

namespace shmconf {
namespace {

using namespace tools;
using harness::eventually;
using integration::Terminal;

using Lines = std::vector<std::string>;

// What the escape sequences of the program may be, and no others: page, cursor, wrapping, home, erase, looks.
const std::regex& own_sequences() {
  static const std::regex made("\x1b\\[(\\?(1049|25|7|2026)[hl]|H|J|2K|[0-9;]*m)");
  return made;
}

// The lines of the last picture that was drawn whole.
Lines last_picture(const std::string& printed) {
  const std::size_t end = printed.rfind("\x1b[?2026l");
  const std::size_t begin = printed.rfind("\x1b[?2026h", end);
  if (end == std::string::npos || begin == std::string::npos) return {};
  std::istringstream plain(std::regex_replace(printed.substr(begin, end - begin), own_sequences(), ""));
  Lines lines;
  for (std::string line; std::getline(plain, line);) {
    while (line.ends_with('\r')) line.pop_back();  // the terminal adds one
    lines.push_back(line);
  }
  return lines;
}

bool has_line(const Lines& lines, const std::string& part) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return has(line, part); });
}

char state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name = text.rfind(") ");
  return name == std::string::npos ? '?' : text[name + 2];
}

class TopTest : public ToolsTest {
 protected:
  [[nodiscard]] Words top() const {
    return {"env",   "TERM=xterm-256color", SHMCONF_BINARY, "top",      "--name", "web",
            "--dir", root_.path(),          "--backup",     backup_file()};
  }
  // Whether a whole picture comes that has the line.
  static bool draws(Terminal& terminal, const std::string& part) {
    return terminal.comes_to([&](const std::string& printed) { return has_line(last_picture(printed), part); });
  }
  static void expect_end(Terminal& terminal) {
    const auto status = terminal.wait();
    ASSERT_TRUE(status) << terminal.printed();
    EXPECT_TRUE(WIFEXITED(*status) && WEXITSTATUS(*status) == 0) << *status;
    EXPECT_TRUE(terminal.echoes());
    EXPECT_TRUE(terminal.printed().ends_with("\x1b[?7h\x1b[?25h\x1b[?1049l")) << "the terminal as it was";
  }
};

TEST_F(TopTest, PrintsOnceWhereThereIsNoTerminal) {
  publish({item("redis/host", "h"), item("redis/password", "hunter2"), item("z\n", "a\x1b[2J")});
  const std::string text = out({"top"});
  EXPECT_TRUE(text.starts_with("name           web\n")) << text;
  EXPECT_TRUE(has(text, "\nverdict        live\n"));
  EXPECT_TRUE(has(text, "\nredis/host      h\nredis/password  ***\nz\\n             a\\x1b[2J\n")) << text;
  EXPECT_FALSE(has(text, "\x1b"));
}

TEST_F(TopTest, ADumbTerminalGetsTheSame) {
  publish({item("a", "1")});
  Words words = top();
  words[1] = "TERM=dumb";
  Terminal terminal(words);
  ASSERT_TRUE(terminal.wait());
  EXPECT_TRUE(terminal.prints("\r\na  1\r\n")) << terminal.printed();
  EXPECT_FALSE(has(terminal.printed(), "\x1b"));
}

TEST_F(TopTest, WithoutAConfigurationItSaysWhatToDo) {
  const harness::Finished finished = run({"top"});
  EXPECT_EQ(finished.status.code, 3);
  EXPECT_TRUE(is_one_line_of(finished.err, "top") && has(finished.err, "shmconf run")) << finished.err;
}

TEST_F(TopTest, DrawsChangesAsTheyHappen) {
  publish({item("redis/host", "h1"), item("redis/password", "hunter1")});
  Terminal terminal(top());
  ASSERT_TRUE(draws(terminal, "redis/host      h1")) << terminal.printed();
  EXPECT_FALSE(terminal.echoes());
  publish({item("redis/host", "h2"), item("redis/password", "hunter2")});
  EXPECT_TRUE(draws(terminal, "redis/host      h2")) << terminal.printed();
  EXPECT_TRUE(draws(terminal, "redis/host  h1 -> h2"));
  EXPECT_TRUE(draws(terminal, "redis/password  *** -> ***"));
  publish({item("redis/password", "hunter2")});
  EXPECT_TRUE(draws(terminal, "redis/host  h2 removed"));
  terminal.type("q");
  expect_end(terminal);
  EXPECT_FALSE(has(terminal.printed(), "hunter"));
}

TEST_F(TopTest, NothingInAValueReachesTheTerminal) {
  const std::string evil = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\r\n\b\x7f\xc2\x9b" "6n\xff";
  publish({item("evil\x1b[2J", evil)});
  segment_->role(format::Role::kWatch).failing_since_ns.store(1);
  segment_->role(format::Role::kWatch).last_error.store(evil);
  Terminal terminal(top());
  ASSERT_TRUE(draws(terminal, "\\x1b]0;owned\\x07")) << terminal.printed();
  publish({item("evil\x1b[2J", evil + "2")});
  EXPECT_TRUE(draws(terminal, "\\x1b]0;owned\\x07\\x1b[2J\\x1b[31mred\\r\\n\\x08\\x7f\\xc2\\x9b6n\\xff2"));
  terminal.type("q");
  expect_end(terminal);
  const std::string rest = std::regex_replace(terminal.printed(), own_sequences(), "");
  for (const char c : rest) {
    const auto byte = static_cast<unsigned char>(c);
    ASSERT_TRUE(byte >= 0x20 || c == '\r' || c == '\n') << static_cast<int>(byte);
    ASSERT_NE(byte, 0x7f);
  }
  EXPECT_FALSE(has(rest, "\xc2\x9b"));
}

TEST_F(TopTest, CtrlCAndATerminationGiveTheTerminalBack) {
  publish({item("a", "1")});
  Terminal typed(top());
  ASSERT_TRUE(draws(typed, "a  1")) << typed.printed();
  typed.type("\x03");
  expect_end(typed);
  Terminal terminated(top());
  ASSERT_TRUE(draws(terminated, "a  1"));
  ASSERT_EQ(::kill(terminated.pid(), SIGTERM), 0);
  expect_end(terminated);
}

TEST_F(TopTest, EndsWithItsTerminal) {
  publish({item("a", "1")});
  Terminal terminal(top());
  ASSERT_TRUE(draws(terminal, "a  1"));
  terminal.hang_up();
  EXPECT_TRUE(terminal.wait());
}

TEST_F(TopTest, CtrlZGivesTheTerminalBackForAWhile) {
  publish({item("a", "1")});
  Terminal terminal(top());
  ASSERT_TRUE(draws(terminal, "a  1"));
  terminal.type("\x1a");
  ASSERT_TRUE(eventually([&] { return state_of(terminal.pid()) == 'T'; }));
  EXPECT_TRUE(terminal.echoes());
  EXPECT_TRUE(terminal.prints("\x1b[?1049l"));
  publish({item("a", "2")});
  ASSERT_EQ(::kill(terminal.pid(), SIGCONT), 0);
  EXPECT_TRUE(draws(terminal, "a  2"));
  EXPECT_FALSE(terminal.echoes());
  terminal.type("q");
  expect_end(terminal);
}

TEST_F(TopTest, FitsTheTerminalWhateverItsSize) {
  publish({item("redis/host", std::string(500, 'h')), item("schl\xc3\xbcssel/\xe8\xa8\xad\xe5\xae\x9a", "\xe5\x80\xa4")});
  Terminal terminal(top());
  ASSERT_TRUE(draws(terminal, "redis/host"));  // at 24 x 80: this terminal has no size
  struct Size {
    unsigned short rows;
    unsigned short columns;
  };
  for (const Size size : {Size{40, 120}, Size{12, 30}, Size{24, 80}, Size{2, 10}, Size{30, 50}}) {
    terminal.resize(size.rows, size.columns);
    EXPECT_TRUE(terminal.comes_to([&](const std::string& printed) {
      const Lines lines = last_picture(printed);
      const auto fits = [&](const std::string& line) { return cli::width_of(line) <= size.columns; };
      const bool full = size.rows < 12 || std::ranges::any_of(lines, [&](const std::string& line) {
                          return line.starts_with("redis/host") && cli::width_of(line) == size.columns;
                        });
      return lines.size() == size.rows && std::ranges::all_of(lines, fits) && full && has_line(lines, "web");
    })) << size.rows << " x " << size.columns << ": " << terminal.printed();
  }
  terminal.type("q");
  expect_end(terminal);
}

TEST_F(TopTest, KeysMoveThroughTheKeys) {
  std::vector<std::string> names;
  for (int i = 100; i < 300; ++i) names.push_back("key" + std::to_string(i));
  Items items;
  for (const std::string& name : names) items.push_back(item(name, "v"));
  publish(items);
  Terminal terminal(top());
  ASSERT_TRUE(draws(terminal, "Keys  1-"));
  for (const auto& [typed, part] : std::vector<std::pair<std::string, std::string>>{
           {"\x1b[B", "Keys  2-"}, {"j\x1b[Bxk", "Keys  3-"}, {"G", "-200 of 200"}, {"\x1b[5~", "of 200"},
           {"g", "Keys  1-"}, {"\x1b[F", "key299"}, {"\x1b[A", "-199 of 200"}}) {
    terminal.type(typed);
    EXPECT_TRUE(draws(terminal, part)) << part << ": " << terminal.printed();
  }
  terminal.type("q");
  expect_end(terminal);
}

TEST_F(TopTest, WaitsForAConfiguration) {
  Terminal terminal(top());
  ASSERT_TRUE(draws(terminal, "no configuration yet")) << terminal.printed();
  publish({item("a", "1")});
  EXPECT_TRUE(draws(terminal, "a  1"));
  publish({item("a", "2")});
  EXPECT_TRUE(draws(terminal, "a  1 -> 2"));
  terminal.type("q");
  expect_end(terminal);
}

TEST_F(TopTest, WhatCannotBeReadIsSaidBehindThePicture) {
  publish({item("a", "1")});
  ASSERT_EQ(::chmod((root_ / "web").c_str(), 0777), 0);
  Terminal terminal(top());
  const auto status = terminal.wait();
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 5);
  EXPECT_TRUE(terminal.prints("\x1b[?1049lshmconf top: ")) << terminal.printed();
}

}  // namespace
}  // namespace shmconf
