// Manual pages and completions as text. What mandoc, man and the shells make of them: tests/packages.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "cli/command_table.h"
#include "manual/commands_page.h"
#include "manual/completions.h"
#include "manual/settings_page.h"
#include "manual/suggestions.h"
#include "settings/field_table.h"

namespace shmconf::manual {
namespace {

const Edition kEdition{"2026-11-21", "0.1.0"};

std::string reference() {
  std::ifstream file(SHMCONF_REFERENCE_FILE);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Roff, NothingInATextIsMarkup) {
  EXPECT_EQ(plain("a \\n 'b' -c"), "a \\en \\(aqb\\(aq \\-c");
  EXPECT_EQ(plain(".B one\n.B two"), "\\&.B one\n\\&.B two");
  EXPECT_EQ(plain("see $HOME"), "see \\%$HOME") << "no hyphen in a name";
}

TEST(Roff, ProseIsFilledAndBoldBetweenBackquotes) {
  EXPECT_EQ(prose("run `shmconf check` first"), "run \\fBshmconf check\\fR first");
  EXPECT_EQ(prose("one ` alone"), "one \\(ga alone");
  const std::string long_one = prose(std::string(60, 'a') + " " + std::string(60, 'b') + " c");
  EXPECT_EQ(long_one, std::string(60, 'a') + "\n" + std::string(60, 'b') + " c");
}

TEST(SettingsPage, SaysEverySetting) {
  const auto page = settings_page(reference(), kEdition);
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_TRUE(holds(*page, "\n\\fBconsul.tls.verify\\fR: true\n")) << *page;
  EXPECT_TRUE(holds(*page, "{\\(dqkey\\(dq: \\(dqdemo\\-config\\(dq}")) << "the example of sources";
}

TEST(SettingsPage, RefusesAReferenceThatIsNotTheTables) {
  const std::string whole = reference();
  const auto without = [&](const std::string& line) {
    std::string text = whole;
    const std::size_t at = text.find(line);
    EXPECT_NE(at, std::string::npos) << line;
    return text.erase(at, line.size());
  };
  const auto lacks = settings_page(without("\"grace\": \"5s\","), kEdition);
  ASSERT_FALSE(lacks);
  EXPECT_EQ(lacks.error().text, "the reference lacks the setting /consul/grace");

  std::string more = whole;
  more.insert(more.find("\"name\""), "\"surplus\": 1,\n// And this.\n");
  const auto surplus = settings_page(more, kEdition);
  ASSERT_FALSE(surplus);
  EXPECT_EQ(surplus.error().text, "the reference has /surplus, which is no setting");

  more = whole;
  more.insert(more.find("\"name\""), "\"$schema\": \"shmconf.schema.json\",\n// And this.\n");
  EXPECT_TRUE(settings_page(more, kEdition)) << "that one is for editors";

  more = whole;
  more.insert(more.find("\"name\""), "\"surplus\": 1,\n");
  const auto silent = settings_page(more, kEdition);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().text, "the reference says nothing of /name");
}

TEST(CommandsPage, ShowsWhatPeopleWriteAndNothingHidden) {
  const std::string page = commands_page(kEdition);
  for (const cli::CommandText& command : cli::command_table()) {
    EXPECT_TRUE(holds(page, "\n.SS " + std::string(command.name) + "\n")) << command.name;
  }
  EXPECT_FALSE(holds(page, "supervised")) << "between processes of the program";
}

TEST(Completions, HoldEveryOptionThatIsNotHidden) {
  const std::string bash = bash_completion();
  const std::string zsh = zsh_completion();
  const std::string fish = fish_completion();
  for (const cli::CommandText& command : cli::command_table()) {
    for (const cli::Argument& option : options_of(command)) {
      const std::string name(option.name);
      EXPECT_TRUE(holds(bash, name) && holds(zsh, "'*" + name) && holds(fish, " -l " + name.substr(2))) << name;
    }
  }
  for (const std::string& script : {bash, zsh, fish}) EXPECT_FALSE(holds(script, "supervised"));
}

TEST(Suggestions, FollowTheSettings) {
  for (const cli::CommandText& command : cli::command_table()) {
    for (const cli::Argument& option : options_of(command)) {
      if (option.name == "--consistency") {
        EXPECT_EQ(words_of(option), "default stale consistent");
      }
      if (option.name == "--key" && command.name == "run") {
        EXPECT_EQ(suggestion_for(command, option), Suggestion::kNothing) << "Consul's keys are not known here";
      }
      if (option.name == "--key" && command.name == "wait") {
        EXPECT_EQ(suggestion_for(command, option), Suggestion::kKey);
      }
    }
  }
}

}  // namespace
}  // namespace shmconf::manual
