// caregate: one program, a subcommand for each thing it does. docs/architecture.md says where to
// start reading.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/cli/commands.h"

namespace {

struct Subcommand {
  std::string_view name;
  int (*run)(gw::cli::Arguments arguments);
  std::string_view usage;
};

constexpr Subcommand kSubcommands[] = {
    {"serve", gw::cli::Serve, "serve --config FILE"},
    {"check", gw::cli::Check, "check --config FILE"},
    {"convert", gw::cli::Convert,
     "convert [--from hl7v2|csv] [--feed NAME] [--config FILE] [--report] FILE..."},
    {"validate", gw::cli::Validate, "validate [--profile URL]... [--package TGZ]... FILE..."},
    {"fhirpath", gw::cli::FhirPath, "fhirpath [--strict] [--no-input] EXPRESSION [FILE]"},
    {"terminology", gw::cli::Terms,
     "terminology expand|validate-code|lookup|translate ... [--package DIR|TGZ]..."},
    {"transform", gw::cli::Transform, "transform --map FILE [--package DIR|TGZ]... FILE..."},
    {"map", gw::cli::Map,
     "map test [DIR] [--config FILE] [--write] | map trace --feed NAME FILE [--config FILE] | map "
     "convert FILE"},
    {"send", gw::cli::Send, "send HOST:PORT FILE..."},
    {"token", gw::cli::Token,
     "token --config FILE --client ID [--patient ID] [--lifetime SECONDS]"},
    {"feed", gw::cli::Feed,
     "feed list|causes|messages|fields|show|resubmit|discard|replay|trace --config FILE ..."},
    {"audit", gw::cli::Audit, "audit verify DIR [--checkpoint FILE] [--verifier FILE]"},
};

void PrintHelp(std::FILE* out) {
  std::fprintf(out,
               "caregate: a FHIR R4 gateway that enforces each person's sharing preferences\n\n");
  for (const Subcommand& subcommand : kSubcommands) {
    std::fprintf(out, "  caregate %.*s\n", static_cast<int>(subcommand.usage.size()),
                 subcommand.usage.data());
  }
  std::fprintf(out, "  caregate --version\n");
}

int Run(const std::vector<std::string>& words) {
  if (words.empty()) {
    PrintHelp(stderr);
    return gw::cli::kCannotRun;
  }
  if (words[0] == "--version") {
    std::printf("caregate %s\n", GW_VERSION);
    return gw::cli::kDone;
  }
  if (words[0] == "--help" || words[0] == "help") {
    PrintHelp(stdout);
    return gw::cli::kDone;
  }
  for (const Subcommand& subcommand : kSubcommands) {
    if (subcommand.name != words[0]) {
      continue;
    }
    std::vector<std::string> rest(words.begin() + 1, words.end());
    if (!rest.empty() && rest[0] == "--help") {
      std::printf("usage: caregate %.*s\n", static_cast<int>(subcommand.usage.size()),
                  subcommand.usage.data());
      return gw::cli::kDone;
    }
    return subcommand.run(gw::cli::Arguments(std::move(rest)));
  }
  gw::cli::PrintError("there is no subcommand of that name; see caregate --help");
  return gw::cli::kCannotRun;
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
