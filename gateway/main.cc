// caregate: one program, a subcommand for each thing it does. docs/architecture.md says where to
// start reading.
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "gateway/cli/commands.h"

namespace {

int Run(const std::vector<std::string>& words) {
  if (words.empty()) {
    std::fputs(gw::cli::Help().c_str(), stderr);
    return gw::cli::kCannotRun;
  }
  if (words[0] == "--version") {
    std::printf("caregate %s\n", GW_VERSION);
    return gw::cli::kDone;
  }
  if (words[0] == "--help" || words[0] == "help") {
    std::fputs(gw::cli::Help().c_str(), stdout);
    return gw::cli::kDone;
  }
  const gw::cli::Command* command = gw::cli::FindCommand(words[0]);
  if (command == nullptr) {
    gw::cli::PrintError("there is no subcommand of that name; see caregate --help");
    return gw::cli::kCannotRun;
  }
  std::vector<std::string> rest(words.begin() + 1, words.end());
  if (!rest.empty() && rest[0] == "--help") {
    std::printf("usage: caregate %s\n", std::string(command->usage).c_str());
    return gw::cli::kDone;
  }
  return command->run(gw::cli::Arguments(std::move(rest)));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception&) {
    gw::cli::PrintError("an unexpected fault ended the program");
    return gw::cli::kCannotRun;
  }
}
