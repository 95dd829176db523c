#include "gateway/cli/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gw::cli {
namespace {

constexpr std::array<Command, 12> kCommands = {{
    {"serve", Serve, "serve --config FILE"},
    {"check", Check, "check --config FILE"},
    {"convert", Convert,
     "convert [--from hl7v2|csv|fhir] [--to fhir|hl7v2|csv] [--feed NAME] [--destination NAME] "
     "[--config FILE] [--report] FILE..."},
    {"validate", Validate,
     "validate [--profile URL]... [--package TGZ]... [--allow-comments] [--ignore-contained] "
     "[--allow-active-content] FILE..."},
    {"fhirpath", FhirPath,
     "fhirpath [--strict] [--no-input] EXPRESSION [FILE], where FILE may be - for stdin"},
    {"terminology", Terms,
     "terminology expand|validate-code|lookup|translate ... [--package DIR|TGZ]...\n"
     "  terminology expand VALUESET [--filter TEXT] [--offset N] [--count N] [--active]\n"
     "  terminology validate-code VALUESET CODE [--system URL] [--display TEXT]\n"
     "  terminology lookup SYSTEM CODE\n"
     "  terminology translate [--map URL] SYSTEM CODE [--target URL]"},
    {"transform", Transform, "transform --map FILE [--package DIR|TGZ]... FILE..."},
    {"map", Map,
     "map test [DIR] [--config FILE] [--write] | map trace --feed NAME FILE [--config FILE] | "
     "map convert FILE"},
    {"send", Send, "send HOST:PORT FILE..."},
    {"token", Token, "token --config FILE --client ID [--patient ID] [--lifetime SECONDS]"},
    {"feed", Feed,
     "feed list|causes|messages|fields|show|resubmit|discard|replay|trace ... --config FILE\n"
     "  feed list [--feed NAME]                  counters and alerts of each feed\n"
     "  feed causes [--feed NAME]                the queue by cause\n"
     "  feed messages [--feed NAME] [--state S] [--cause C] [--control-id ID] [--from D] "
     "[--until D]\n"
     "  feed fields --feed NAME                  top unread fields and unmapped codes\n"
     "  feed show NUMBER                         one message with its bytes\n"
     "  feed resubmit NUMBER [--file EDITED] | --feed NAME --cause C\n"
     "  feed discard NUMBER --reason TEXT | --feed NAME --cause C --reason TEXT\n"
     "  feed replay --feed NAME --from D --until D\n"
     "  feed trace --control-id ID | --identifier [SYSTEM|]VALUE | --resource TYPE/ID"},
    {"audit", Audit,
     "audit verify DIR [--checkpoint FILE] [--verifier FILE]\n"
     "  There is no audit export and no audit prove: entries are read over REST, as AuditEvents."},
}};

}  // namespace

std::span<const Command> Commands() { return kCommands; }

const Command* FindCommand(std::string_view name) {
  const auto* const found =
      std::find_if(kCommands.begin(), kCommands.end(),
                   [name](const Command& command) { return command.name == name; });
  return found == kCommands.end() ? nullptr : found;
}

std::string Help() {
  std::string text =
      "caregate: a FHIR R4 gateway that enforces each person's sharing preferences\n\n";
  for (const Command& command : kCommands) {
    text += "  caregate ";
    text += command.usage.substr(0, command.usage.find('\n'));
    text += '\n';
  }
  return text + "  caregate --version\n";
}

int Usage(std::string_view name) {
  const Command* command = FindCommand(name);
  const std::string_view usage = command == nullptr ? name : command->usage;
  std::fprintf(stderr, "usage: caregate %.*s\n", static_cast<int>(usage.size()), usage.data());
  return kCannotRun;
}

}  // namespace gw::cli
