// The command line: every command's struct, the order of sources, help, and mistakes.

#include "cli/command_line.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "cli/check.h"
#include "cli/command_table.h"
#include "cli/exit_code.h"
#include "cli/version.h"
#include "unit/settings/loading.h"

namespace shmconf::cli {
namespace {

using settings::environment_of;
using Strings = std::vector<std::string>;

std::vector<std::string_view> every_command() {
  std::vector<std::string_view> names;
  for (const CommandText& text : command_table()) names.push_back(text.name);
  return names;
}

std::variant<CommandLine, Stop> parse(const Strings& arguments,
                                      const std::map<std::string, std::string>& variables = {}) {
  return parse_command_line(arguments, every_command(), environment_of(variables));
}

// The options of the command, or a failed test and empty ones.
template <typename Options>
Options options_of(const Strings& arguments, const std::map<std::string, std::string>& variables = {}) {
  const auto parsed = parse(arguments, variables);
  if (const auto* stop = std::get_if<Stop>(&parsed)) {
    ADD_FAILURE() << stop->text;
    return {};
  }
  const auto* options = std::get_if<Options>(&std::get<CommandLine>(parsed).command);
  EXPECT_NE(options, nullptr) << "another command's options";
  return options == nullptr ? Options{} : *options;
}

// What a usage error says, or a failed test.
std::string complaint(const Strings& arguments, const std::map<std::string, std::string>& variables = {}) {
  const auto parsed = parse(arguments, variables);
  const auto* stop = std::get_if<Stop>(&parsed);
  if (stop == nullptr) {
    ADD_FAILURE() << ::testing::PrintToString(arguments) << " is accepted";
    return {};
  }
  EXPECT_EQ(stop->exit_code, kExitUsage) << stop->text;
  return stop->text;
}

std::string help_of(const Strings& arguments) {
  const auto parsed = parse(arguments);
  const auto* stop = std::get_if<Stop>(&parsed);
  if (stop == nullptr || stop->exit_code != kExitDone) {
    ADD_FAILURE() << ::testing::PrintToString(arguments) << " gives no help";
    return {};
  }
  return stop->text;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(CommandLine, SourcesKeepTheirOrderAcrossPrefixAndKey) {
  const auto run =
      options_of<RunOptions>({"run", "--prefix", "a/", "--name", "web", "--key", "k", "--prefix=b/",
                                           "--key", "l", "--consul", "h:1", "--token-file", "t", "--backup",
                                               "f",
                                           "--dir", "d", "--allow-empty", "--config", "c.json"});
  const settings::Flags expected = {"c.json",
                                    {{"--prefix", "a/"},
                                     {"--name", "web"},
                                     {"--key", "k"},
                                     {"--prefix", "b/"},
                                     {"--key", "l"},
                                     {"--consul", "h:1"},
                                     {"--token-file", "t"},
                                     {"--backup", "f"},
                                     {"--dir", "d"},
                                     {"--allow-empty", "true"}}};
  EXPECT_EQ(run.flags, expected);
}

TEST(CommandLine, FlagsSurviveTheWayThroughArguments) {
  const Strings first = {"run", "--name=web", "--allow-empty", "--require-configuration=false", "--prefix=a/", "--key=--odd", "--group="};
  const settings::Flags flags = options_of<RunOptions>(first).flags;
  Strings again = settings::to_arguments(flags);
  EXPECT_EQ(again, Strings(first.begin() + 1, first.end()));
  again.insert(again.begin(), "run");
  EXPECT_EQ(options_of<RunOptions>(again).flags, flags);
}

TEST(CommandLine, ExecLeavesItsCommandAlone) {
  const auto exec =
      options_of<ExecOptions>({"exec", "--name", "web", "--", "git", "log", "--name", "x", "--", "-h"});
  EXPECT_EQ(exec.command, (Strings{"git", "log", "--name", "x", "--", "-h"}));
  EXPECT_EQ(exec.flags.values, (std::vector<settings::FlagValue>{{"--name", "web"}}));
  EXPECT_TRUE(holds(complaint({"exec", "--name", "web"}), "-- CMD ARGS"));
  EXPECT_TRUE(holds(complaint({"exec", "--name", "web", "--"}), "-- CMD ARGS"));
  EXPECT_TRUE(holds(complaint({"exec", "--name", "web", "ls", "-l"}), "two dashes"));
}

TEST(CommandLine, LaunchTakesTheLibrarysFlag) {
  const auto launch = options_of<LaunchOptions>({"launch", "--report=/run/x", "--name", "web"});
  EXPECT_EQ(launch.report, "/run/x");
  EXPECT_EQ(launch.flags.values, (std::vector<settings::FlagValue>{{"--name", "web"}}));
  EXPECT_EQ(options_of<LaunchOptions>({"launch", "--report="}).report, "") << "there is no root yet";
  EXPECT_EQ(options_of<LaunchOptions>({"launch"}).report, std::nullopt);
  EXPECT_FALSE(holds(help_of({"launch", "--help"}), "--report")) << "nobody types it";
}

TEST(CommandLine, ProcessesTakeTheirSupervisorsFlags) {
  const auto watch = options_of<WatchOptions>({"watch", "--supervised", "--settings-fd", "3"});
  EXPECT_TRUE(watch.supervised);
  EXPECT_EQ(watch.settings_fd, 3);
  const auto heartbeat = options_of<HeartbeatOptions>({"heartbeat", "--name", "web"});
  EXPECT_FALSE(heartbeat.supervised);
  EXPECT_FALSE(heartbeat.settings_fd);
  const auto serve = options_of<ServeOptions>({"serve", "--name", "web", "--http", "unix:x", "--http-values"});
  EXPECT_FALSE(serve.supervised);
  EXPECT_EQ(serve.flags.values,
            (std::vector<settings::FlagValue>{{"--name", "web"}, {"--http", "unix:x"}, {"--http-values", "true"}}));
  EXPECT_TRUE(holds(complaint({"watch", "--settings-fd", "x"}), "descriptor"));
  EXPECT_TRUE(holds(complaint({"watch", "--settings-fd=-1"}), "descriptor"));
  EXPECT_FALSE(holds(help_of({"watch", "--help"}), "settings-fd"));
}

TEST(CommandLine, ReadersNeedOnlyTheirName) {
  const auto get = options_of<GetOptions>({"get", "--name", "web", "a/b"});
  EXPECT_EQ(get.reader.name, "web");
  EXPECT_EQ(get.reader.directory, "");
  EXPECT_EQ(get.key, "a/b");
  EXPECT_FALSE(get.raw || get.detailed || get.fallback);
  const auto list = options_of<ListOptions>({"list"}, {{"SHMCONF_NAME", "web"}, {"SHMCONF_DIR", "/run/x"}});
  EXPECT_EQ(list.reader.name, "web");
  EXPECT_EQ(list.reader.directory, "/run/x");
  const auto status =
      options_of<StatusOptions>({"status", "--backup", "/b", "--json"}, {{"SHMCONF_NAME", "web"}});
  EXPECT_EQ(status.reader.backup_file, "/b");
  EXPECT_TRUE(status.json);
  EXPECT_TRUE(holds(complaint({"status"}), "--name NAME"));
  EXPECT_TRUE(holds(complaint({"list"}, {{"SHMCONF_NAME", "a b"}}), "SHMCONF_NAME: "));
  EXPECT_TRUE(holds(complaint({"get", "--name", "web", "k", "--prefix", "a/"}),
                    "'--prefix' is not an option here"));
}

TEST(CommandLine, ReadersFindTheirNameInTheSettingsFileToo) {
  const settings::TextFile file(R"({"name": "filed", "directory": "/run/y", "sources": [{"key": "k"}]})");
  const auto wait = options_of<WaitOptions>({"wait", "--config", file.path()});
  EXPECT_EQ(wait.reader.name, "filed");
  EXPECT_EQ(wait.reader.directory, "/run/y");
}

TEST(CommandLine, ValuesAreTakenAsTheyAre) {
  const auto get = [](const Strings& more) {
    Strings arguments = {"get", "--name", "web", "k"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return options_of<GetOptions>(arguments);
  };
  EXPECT_EQ(get({"--default", ""}).fallback, "");
  EXPECT_EQ(get({"--default="}).fallback, "");
  EXPECT_EQ(get({"--default=", "--raw"}).fallback, "");
  EXPECT_EQ(get({"--default", "-1"}).fallback, "-1");
  EXPECT_EQ(get({"--default=--x"}).fallback, "--x");
  EXPECT_EQ(get({"--default", "[1,2]"}).fallback, "[1,2]");
  EXPECT_EQ(get({"--default", "a b=c"}).fallback, "a b=c");
  EXPECT_EQ(options_of<GetOptions>({"get", "--name", "web", "--", "--key"}).key, "--key");
  EXPECT_EQ(options_of<GetOptions>({"get", "--name", "web", "demo#/a=b"}).key, "demo#/a=b");
  EXPECT_EQ(options_of<ListOptions>({"list", "--name", "web", "p/"}).prefix, "p/");
}

TEST(CommandLine, WaitAndItsConditions) {
  const auto wait =
      options_of<WaitOptions>({"wait", "--name", "web", "--after", "18446744073709551615", "--key", "k",
                                             "--equals", "", "--timeout", "1m30s", "--timestamp"});
  EXPECT_EQ(wait.after, ~std::uint64_t{0});
  EXPECT_EQ(wait.key, "k");
  EXPECT_EQ(wait.equals, "");
  EXPECT_EQ(wait.timeout, std::chrono::seconds(90));
  EXPECT_TRUE(wait.timestamp);
  const auto plain = options_of<WaitOptions>({"wait", "--name", "web"});
  EXPECT_FALSE(plain.after || plain.key || plain.equals || plain.timeout || plain.timestamp);
  EXPECT_TRUE(holds(complaint({"wait", "--name", "web", "--after", "-1"}), "--after: "));
  EXPECT_TRUE(holds(complaint({"wait", "--name", "web", "--after", "18446744073709551616"}), "--after: "));
  EXPECT_TRUE(holds(complaint({"wait", "--name", "web", "--timeout", "30"}), "30s"));
  EXPECT_TRUE(holds(complaint({"wait", "--name", "web", "--equals", "x"}), "--key"));
}

TEST(CommandLine, DumpOfAFileNeedsNoName) {
  EXPECT_EQ(options_of<DumpOptions>({"dump", "web.snapshot", "--json"}).file, "web.snapshot");
  EXPECT_EQ(options_of<DumpOptions>({"dump"}, {{"SHMCONF_NAME", "web"}}).reader.name, "web");
  EXPECT_TRUE(holds(complaint({"dump"}), "--name NAME"));
}

TEST(CommandLine, DumpMasksUnlessToldOtherwise) {
  const auto plain = options_of<DumpOptions>({"dump", "web.snapshot"});
  EXPECT_FALSE(plain.show_secrets);
  EXPECT_TRUE(plain.secrets.empty());
  const auto dump = options_of<DumpOptions>({"dump", "f", "--show-secrets", "--secret", "pin", "--secret=dsn"});
  EXPECT_TRUE(dump.show_secrets);
  EXPECT_EQ(dump.secrets, (std::vector<std::string>{"pin", "dsn"}));
  EXPECT_TRUE(holds(complaint({"dump", "f", "--secret", ""}), "--secret is empty"));
}

TEST(CommandLine, DumpAndPackTakeTheKeyOfAnEncryptedBackup) {
  const harness::TempDirectory directory;
  const std::string key = directory / "backup.key";
  std::ofstream(key) << std::string(64, 'a');
  ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
  EXPECT_EQ(options_of<DumpOptions>({"dump", "f"}).key_file, "");
  EXPECT_EQ(options_of<DumpOptions>({"dump", "f", "--backup-key-file", key}).key_file, key);
  EXPECT_EQ(options_of<DumpOptions>({"dump", "f"}, {{"SHMCONF_BACKUP_KEY_FILE", key}}).key_file, key);
  EXPECT_EQ(options_of<DumpOptions>({"dump", "f"}, {{"SHMCONF_BACKUP_KEY_FILE", key + ".no"}}).key_file, key + ".no")
      << "it is not looked at before the file turns out to be encrypted";
  const auto by_flag = options_of<DumpOptions>({"dump", "--backup", "f", "--backup-key-file", key});
  EXPECT_EQ(by_flag.file, "f");
  EXPECT_EQ(by_flag.key_file, key);
  EXPECT_TRUE(holds(complaint({"dump", "--name", "web", "--backup-key-file", key}), "needs the backup file"));
  EXPECT_TRUE(holds(complaint({"dump", "f", "--backup-key-file", key + ".no"}), "cannot be opened"));
  EXPECT_EQ(options_of<PackOptions>({"pack", "in", "--output", "o", "--backup-key-file", key}).key_file, key);
  EXPECT_EQ(options_of<PackOptions>({"pack", "in", "--output", "o"}, {{"SHMCONF_BACKUP_KEY_FILE", key}}).key_file, key)
      << "what the sidecar encrypts, pack does not write in the clear";
  EXPECT_TRUE(holds(complaint({"pack", "in", "--output", "o", "--backup-key-file", key + ".no"}), "cannot be opened"));
}

TEST(CommandLine, PackTakesSourcesInOrder) {
  const auto pack =
      options_of<PackOptions>({"pack", "-", "--key", "k", "--output", "o", "--prefix", "a/"},
                              {{"SHMCONF_KEYS", "no"}});
  EXPECT_EQ(pack.input, "-");
  EXPECT_EQ(pack.output, "o");
  const std::vector<settings::Source> sources = {{settings::Source::Kind::kKey, "k"},
                                                 {settings::Source::Kind::kPrefix, "a/"}};
  EXPECT_EQ(pack.sources, sources);
  EXPECT_TRUE(holds(complaint({"pack", "in", "--output", "o", "--prefix", "a"}), "write 'a/'"));
  EXPECT_TRUE(holds(complaint({"pack", "in"}), "--output is required"));
  EXPECT_TRUE(holds(complaint({"pack", "--output", "o"}), "IN is required"));
}

TEST(CommandLine, DevHasItsOwnEndpoint) {
  const auto dev = options_of<DevOptions>({"dev", "--seed", "s.json", "--endpoint-only", "--name", "web"});
  EXPECT_EQ(dev.seed, "s.json");
  EXPECT_EQ(dev.listen, "127.0.0.1:8500");
  EXPECT_TRUE(dev.endpoint_only);
  EXPECT_EQ(dev.flags.values.size(), 1U);
  EXPECT_EQ(options_of<DevOptions>({"dev", "--listen", "127.0.0.1:0"}).listen, "127.0.0.1:0");
}

TEST(CommandLine, MistakesNameWhatWasProbablyMeant) {
  EXPECT_TRUE(holds(complaint({"rnu"}), "did you mean run?"));
  EXPECT_TRUE(holds(complaint({"run", "--prefx", "a/"}), "did you mean --prefix?"));
  EXPECT_TRUE(holds(complaint({"run", "--token_file=x"}), "did you mean --token-file?"));
  EXPECT_TRUE(holds(complaint({"get", "--rwa"}), "'--rwa' is not an option here; did you mean --raw?"));
  EXPECT_TRUE(holds(complaint({"get"}), "KEY is required"));
  EXPECT_TRUE(holds(complaint({"get", "--name", "web", "a", "b"}), "'b' is one argument too many"));
  EXPECT_TRUE(holds(complaint({"run", "--name", "--dir", "x"}), "--name needs a value"));
  EXPECT_TRUE(holds(complaint({"run", "--name"}), "--name needs a value"));
  EXPECT_TRUE(holds(complaint({"run", "--name", "a", "--name", "b"}), "--name is given twice"));
  EXPECT_TRUE(holds(complaint({"get", "--raw=yes", "k"}), "--raw takes no value"));
  EXPECT_TRUE(holds(complaint({"run", "--allow-empty="}), "write it alone, or --allow-empty=false"));
  EXPECT_TRUE(holds(complaint({"get", "--name", "web", "k", "--raw", "--detailed"}), "exclude each other"));
  EXPECT_TRUE(holds(complaint({"run", "--nonsense"}), "See shmconf run --help."));
  EXPECT_TRUE(holds(complaint({}), "Usage: shmconf"));
}

TEST(CommandLine, EveryCommandHasHelpWithExamplesAndExitCodes) {
  const std::string overview = help_of({"--help"});
  for (const CommandText& text : command_table()) {
    const std::string name(text.name);
    EXPECT_TRUE(holds(overview, "\n  " + name + " ")) << name;
    for (const Strings& asked : {Strings{name, "--help"}, Strings{name, "-h"}, Strings{"help", name}}) {
      const std::string help = help_of(asked);
      EXPECT_TRUE(holds(help, "shmconf " + name)) << help;
      EXPECT_TRUE(holds(help, "Examples:\n")) << name;
      EXPECT_TRUE(holds(help, std::string(exit_code_table()))) << name;
    }
  }
  EXPECT_TRUE(holds(overview, std::string(exit_code_table())));
  EXPECT_TRUE(holds(help_of({"exec", "--help"}), "shmconf exec [OPTIONS] -- CMD [ARGS...]\n"));
  EXPECT_EQ(help_of({"help"}), overview);
  EXPECT_EQ(help_of({"-h"}), overview);
}

TEST(CommandLine, ExamplesInTheHelpAreAccepted) {
  const settings::TextFile file(R"({"name": "web", "sources": [{"key": "k"}]})", "shmconf.json");
  for (const CommandText& text : command_table()) {
    std::istringstream lines{std::string(text.examples)};
    for (std::string line; std::getline(lines, line);) {
      // The words behind the program's own, without the shell's quotes.
      line.erase(std::remove(line.begin(), line.end(), '\''), line.end());
      std::istringstream words(line.substr(line.find("shmconf ") + 8));
      Strings arguments;
      for (std::string word; words >> word;) arguments.push_back(word == "shmconf.json" ? file.path() : word);
      const auto parsed = parse(arguments, {{"SHMCONF_NAME", "web"}});
      EXPECT_TRUE(std::holds_alternative<CommandLine>(parsed)) << line;
    }
  }
}

TEST(CommandLine, CommandsThatAreNotOfferedDoNotExist) {
  const std::vector<std::string_view> offered = {"check"};
  const auto parse_with = [&](const Strings& arguments) {
    return parse_command_line(arguments, offered, environment_of({}));
  };
  const auto parsed = parse_with({"run", "--name", "web"});
  ASSERT_TRUE(std::holds_alternative<Stop>(parsed));
  EXPECT_TRUE(holds(std::get<Stop>(parsed).text, "'run' is not a command"));
  EXPECT_FALSE(holds(std::get<Stop>(parse_with({"--help"})).text, "shmconf run"));
  EXPECT_TRUE(std::holds_alternative<CommandLine>(parse_with({"check", "f"})));
}

TEST(ExitCode, EachErrorHasItsOwn) {
  EXPECT_EQ(exit_code_of(ErrorCode::kAbsent), 1);
  EXPECT_EQ(exit_code_of(ErrorCode::kTimeout), 1);
  EXPECT_EQ(exit_code_of(ErrorCode::kInvalid), 2);
  EXPECT_EQ(exit_code_of(ErrorCode::kNotReady), 3);
  EXPECT_EQ(exit_code_of(ErrorCode::kUnavailable), 3);
  EXPECT_EQ(exit_code_of(ErrorCode::kNoSpace), 3);
  EXPECT_EQ(exit_code_of(ErrorCode::kSystem), 3);
  EXPECT_EQ(exit_code_of(ErrorCode::kWrongVersion), 4);
  EXPECT_EQ(exit_code_of(ErrorCode::kDamaged), 4);
  EXPECT_EQ(exit_code_of(ErrorCode::kDenied), 5);
}

// The exit code and what was printed.
struct Outcome {
  int code;
  std::string out;
  std::string err;
};

template <typename Function>
Outcome outcome_of(Function run) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = run();
  return {code, ::testing::internal::GetCapturedStdout(), ::testing::internal::GetCapturedStderr()};
}

TEST(Check, SaysThatAFileIsValid) {
  const settings::TextFile file(R"({"name": "web"})");
  const Outcome outcome = outcome_of([&] { return run_check({file.path()}); });
  EXPECT_EQ(outcome.code, kExitDone);
  EXPECT_EQ(outcome.out, file.path() + ": settings are valid\n");
  EXPECT_EQ(outcome.err, "");
}

TEST(Check, PrintsEveryProblemOnALineOfItsOwn) {
  const settings::TextFile file(R"({"nmae": "web", "consul": {"wait": "30"}})");
  const Outcome outcome = outcome_of([&] { return run_check({file.path()}); });
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 2);
  EXPECT_TRUE(holds(outcome.err,
                    "shmconf check: " + file.path() + ": /nmae: is not a setting; did you mean /name?\n"));
  EXPECT_TRUE(holds(outcome.err, "/consul/wait: '30' is not a duration; add a unit, for example 30s\n"));
}

TEST(Check, NamesAFileThatCannotBeReadOnce) {
  const Outcome outcome = outcome_of([] { return run_check({"/nonexistent.json"}); });
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_TRUE(outcome.err.starts_with("shmconf check: /nonexistent.json: the settings file cannot be "));
}

TEST(Version, IsOneLine) {
  const Outcome outcome = outcome_of([] { return run_version({}); });
  EXPECT_EQ(outcome.code, kExitDone);
  EXPECT_TRUE(outcome.out.starts_with("shmconf "));
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1);
}

}  // namespace
}  // namespace shmconf::cli
