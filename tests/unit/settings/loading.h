// What the settings tests share: a file with a text in it, an environment made of pairs, and the
// answers of a load.
#ifndef SHMCONF_TESTS_UNIT_SETTINGS_LOADING_H_
#define SHMCONF_TESTS_UNIT_SETTINGS_LOADING_H_

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/temp_directory.h"
#include "settings/settings_loader.h"

namespace shmconf::settings {

class TextFile {
 public:
  explicit TextFile(const std::string& text, const std::string& name = "settings.json")
      : path_(directory_ / name) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  harness::TempDirectory directory_;
  std::string path_;
};

inline Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

// The settings, or a failed test and the defaults.
inline Settings settings_or_fail(const Loaded& loaded) {
  if (const auto* settings = std::get_if<Settings>(&loaded)) return *settings;
  for (const Problem& problem : std::get<std::vector<Problem>>(loaded)) ADD_FAILURE() << to_string(problem);
  return {};
}

inline std::vector<Problem> problems_of(const Loaded& loaded) {
  const auto* problems = std::get_if<std::vector<Problem>>(&loaded);
  return problems == nullptr ? std::vector<Problem>{} : *problems;
}

inline std::vector<std::string> places_of(const std::vector<Problem>& problems) {
  std::vector<std::string> places;
  for (const Problem& problem : problems) places.push_back(problem.where);
  return places;
}

// One problem, or a failed test.
inline Problem only_problem(const Loaded& loaded) {
  const std::vector<Problem> problems = problems_of(loaded);
  EXPECT_EQ(problems.size(), 1U) << ::testing::PrintToString(places_of(problems));
  return problems.empty() ? Problem{} : problems.front();
}

inline Loaded load_file(const std::string& text, Scope scope = Scope::kAnything) {
  const TextFile file(text);
  return load_settings({file.path(), {}}, environment_of({}), scope);
}

}  // namespace shmconf::settings

#endif  // SHMCONF_TESTS_UNIT_SETTINGS_LOADING_H_
