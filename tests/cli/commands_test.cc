// The table of subcommands: what its usage lines must name.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "gateway/base/file.h"
#include "tests/cli/command_testing.h"

namespace gw::cli {
namespace {

namespace fs = std::filesystem;

const std::string kRoot = GW_SOURCE_DIR;

std::string TextOf(const std::string& path) {
  Result<std::string> text = ReadFile(path, kPartBytesMax);
  EXPECT_TRUE(text.ok()) << path;
  return text.ok() ? *std::move(text) : std::string();
}

bool IsOfName(char c) { return (c >= 'a' && c <= 'z') || c == '-'; }

// The word of a name's characters that begins at `begin`.
std::string WordAt(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && IsOfName(text[end])) {
    ++end;
  }
  return std::string(text.substr(begin, end - begin));
}

// The options (--name) of a text, each once.
std::set<std::string> OptionsIn(std::string_view text) {
  std::set<std::string> options;
  for (size_t at = text.find("--"); at != std::string_view::npos; at = text.find("--", at)) {
    std::string word = WordAt(text, at);
    at += word.size();
    if (word.size() > 2) {
      options.insert(std::move(word));
    }
  }
  return options;
}

// What a page shows of calls: each `caregate NAME ...` up to the end of its code span or line.
std::vector<std::pair<std::string, std::string>> CallsIn(std::string_view page) {
  constexpr std::string_view kProgram = "caregate ";
  std::vector<std::pair<std::string, std::string>> calls;
  for (size_t at = page.find(kProgram); at != std::string_view::npos;
       at = page.find(kProgram, at + 1)) {
    std::string name = WordAt(page, at + kProgram.size());
    calls.emplace_back(std::move(name), page.substr(at, page.find_first_of("`\n", at) - at));
  }
  return calls;
}

// Holds the calls of a page to the usage lines; returns how many options it names.
size_t HoldToUsage(const std::string& path) {
  size_t count = 0;
  for (const auto& [name, call] : CallsIn(TextOf(path))) {
    const Command* command = FindCommand(name);
    if (command == nullptr) {
      continue;  // "caregate is": prose
    }
    const std::set<std::string> offered = OptionsIn(command->usage);
    for (const std::string& option : OptionsIn(call)) {
      ++count;
      EXPECT_TRUE(offered.contains(option)) << path << ": " << call;
    }
  }
  return count;
}

TEST(Commands, AreFoundByName) {
  for (const Command& command : Commands()) {
    EXPECT_EQ(FindCommand(command.name), &command);
    EXPECT_TRUE(command.usage.starts_with(std::string(command.name) + " ")) << command.usage;
    EXPECT_NE(Help().find("  caregate " + std::string(command.name) + " "), std::string::npos);
  }
  EXPECT_EQ(FindCommand("no-such-command"), nullptr);
}

TEST(Commands, SayHowTheyAreUsed) {
  for (const Command& command : Commands()) {
    const Ran ran = cli::Run(command.run, {"--no-such-option"});
    EXPECT_EQ(ran.exit_code, kCannotRun) << command.name;
    EXPECT_EQ(ran.error, "usage: caregate " + std::string(command.usage) + "\n");
    EXPECT_EQ(ran.out, "") << command.name;
  }
}

// Each "--option" that stands as a word in a command's source.
TEST(Commands, NameEachOptionThatTheyTake) {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(kRoot + "/gateway/cli")) {
    const Command* command = FindCommand(WordAt(entry.path().stem().string(), 0));
    if (command == nullptr) {
      continue;
    }
    const std::string source = TextOf(entry.path().string());
    const std::set<std::string> named = OptionsIn(command->usage);
    for (const std::string& option : OptionsIn(source)) {
      const bool is_word = source.find("\"" + option + "\"") != std::string::npos;
      count += is_word ? 1 : 0;
      EXPECT_TRUE(!is_word || named.contains(option)) << entry.path() << " takes " << option;
    }
  }
  EXPECT_GT(count, 30U);
}

TEST(Commands, NameEachOptionOfTheDocumentation) {
  size_t count = HoldToUsage(kRoot + "/README.md");
  for (const auto& entry : fs::directory_iterator(kRoot + "/docs")) {
    count += entry.path().extension() == ".md" ? HoldToUsage(entry.path().string()) : 0;
  }
  EXPECT_GT(count, 15U);
}

TEST(Commands, NameEachOptionOfTheDesign) {
  const std::string page = kRoot + "/../shared/design/command-line.md";
  if (!fs::exists(page)) {
    GTEST_SKIP() << "the design of the command line is not beside the sources; "
                    "NameEachOptionOfTheDocumentation holds our own pages";
  }
  EXPECT_GT(HoldToUsage(page), 10U);
}

}  // namespace
}  // namespace gw::cli
