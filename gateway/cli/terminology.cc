#include "gateway/fhir/terminology.h"

#include <cstdio>

#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"

namespace gw::cli {
namespace {

using fhir::Coding;
using fhir::Terminology;

constexpr std::string_view kUnclosed = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed";

int Print(const std::string& json) {
  std::printf("%s\n", json.c_str());
  return kDone;
}

int Refuse(const Error& error) {
  PrintError(error.where + ": " + error.detail);
  return error.code == Code::kNotFound ? kRefused : kCannotRun;
}

void WriteCoding(const Coding& coding, JsonWriter* writer) {
  writer->ObjectStart();
  const auto member = [&](std::string_view name, std::string_view text) {
    if (!text.empty()) {
      writer->Member(name, text);
    }
  };
  member("system", coding.system);
  member("version", coding.version);
  member("code", coding.code);
  member("display", coding.display);
  writer->ObjectEnd();
}

// One parameter of a Parameters; nothing where there is no text.
void WriteText(std::string_view name, std::string_view type, std::string_view text,
               JsonWriter* writer) {
  if (!text.empty()) {
    writer->ObjectStart().Member("name", name);
    writer->Member("value" + std::string(type), text).ObjectEnd();
  }
}

void StartParameters(JsonWriter* writer) {
  writer->ObjectStart().Member("resourceType", "Parameters").Key("parameter").ArrayStart();
}

void WriteResult(bool result, JsonWriter* writer) {
  writer->ObjectStart().Member("name", "result").Key("valueBoolean").Bool(result).ObjectEnd();
}

bool ReadNumber(const std::string& text, uint32_t* out) {
  if (text.empty()) {
    return true;
  }
  if (text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) {
    return false;
  }
  *out = static_cast<uint32_t>(std::stoul(text));
  return true;
}

void WriteExpanded(const Terminology::Expanded& item, JsonWriter* writer) {
  writer->ObjectStart().Member("system", item.coding.system);
  if (item.is_abstract) {
    writer->Key("abstract").Bool(true);
  }
  if (item.is_inactive) {
    writer->Key("inactive").Bool(true);
  }
  writer->Member("code", item.coding.code);
  if (!item.coding.display.empty()) {
    writer->Member("display", item.coding.display);
  }
  writer->ObjectEnd();
}

// R4 valueset-operation-expand.html. What is missing of it is named on stderr.
int Expand(const Terminology& terminology, const std::string& value_set,
           const Terminology::ExpandOptions& options) {
  const auto expansion = terminology.Expand(value_set, options);
  if (!expansion) {
    return Refuse(expansion.error());
  }
  for (const std::string& missing : expansion->missing) {
    PrintError(missing + ": not held, so the expansion lacks what is of it");
  }
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Member("resourceType", "ValueSet").Member("url", value_set);
  writer.Member("status", "active").Key("expansion").ObjectStart();
  if (!expansion->missing.empty()) {
    writer.Key("extension").ArrayStart().ObjectStart().Member("url", kUnclosed);
    writer.Key("valueBoolean").Bool(true).ObjectEnd().ArrayEnd();
  }
  writer.Member("timestamp", FormatInstant(SystemClock().Now()));
  writer.Key("total").Integer(expansion->total).Key("offset").Integer(options.offset);
  if (!expansion->codes.empty()) {
    writer.Key("contains").ArrayStart();
    for (const Terminology::Expanded& item : expansion->codes) {
      WriteExpanded(item, &writer);
    }
    writer.ArrayEnd();
  }
  writer.ObjectEnd().ObjectEnd();
  return Print(json);
}

// R4 valueset-operation-validate-code.html.
int ValidateCode(const Terminology& terminology, const std::string& value_set,
                 const Coding& coding) {
  using Answer = Terminology::Answer;
  const Terminology::Validation found = terminology.ValidateCode(value_set, coding);
  if (found.answer == Answer::kUnknown) {
    PrintError(std::string(found.missing.empty() ? std::string_view(value_set) : found.missing) +
               ": not held, so the code cannot be judged");
    return kCannotRun;
  }
  const bool is_member = found.answer == Answer::kYes;
  const bool is_wrong_display = is_member && found.display_fits == Answer::kNo;
  std::string json;
  JsonWriter writer(&json);
  StartParameters(&writer);
  WriteResult(is_member && !is_wrong_display, &writer);
  WriteText("message", "String",
            is_wrong_display ? "the display is none of the code's"
            : is_member      ? ""
                             : "the value set has no such code",
            &writer);
  WriteText("display", "String", is_member ? found.display : std::string_view(), &writer);
  writer.ArrayEnd().ObjectEnd();
  Print(json);
  return is_member && !is_wrong_display ? kDone : kRefused;
}

// R4 codesystem-operation-lookup.html.
int Lookup(const Terminology& terminology, const Coding& coding) {
  const auto found = terminology.Lookup(coding);
  if (!found) {
    return Refuse(found.error());
  }
  std::string json;
  JsonWriter writer(&json);
  StartParameters(&writer);
  WriteText("name", "String", found->system_name, &writer);
  WriteText("version", "String", found->system_version, &writer);
  WriteText("display", "String", found->display, &writer);
  for (const Terminology::Designation& designation : found->designations) {
    writer.ObjectStart().Member("name", "designation").Key("part").ArrayStart();
    WriteText("language", "Code", designation.language, &writer);
    if (!designation.use.empty()) {
      writer.ObjectStart().Member("name", "use").Key("valueCoding");
      WriteCoding({{}, designation.use, {}, {}}, &writer);
      writer.ObjectEnd();
    }
    WriteText("value", "String", designation.value, &writer);
    writer.ArrayEnd().ObjectEnd();
  }
  WriteText("definition", "String", found->definition, &writer);
  for (const Terminology::Property& property : found->properties) {
    writer.ObjectStart().Member("name", "property").Key("part").ArrayStart();
    WriteText("code", "Code", property.code, &writer);
    WriteText("value", "String", property.value, &writer);
    writer.ArrayEnd().ObjectEnd();
  }
  writer.ArrayEnd().ObjectEnd();
  return Print(json);
}

// Does it say what the code is there, rather than that it is nothing?
bool IsTranslation(const Terminology::Match& match) {
  return match.equivalence != "unmatched" && match.equivalence != "disjoint";
}

// R4 conceptmap-operation-translate.html.
int Translate(const Terminology& terminology, const std::string& map, const Coding& coding,
              const std::string& target) {
  const auto matches = terminology.Translate(map, coding, target);
  if (!matches) {
    return Refuse(matches.error());
  }
  bool is_translated = false;
  for (const Terminology::Match& match : *matches) {
    is_translated = is_translated || IsTranslation(match);
  }
  std::string json;
  JsonWriter writer(&json);
  StartParameters(&writer);
  WriteResult(is_translated, &writer);
  WriteText("message", "String", is_translated ? "" : "no map has a translation of the code",
            &writer);
  for (const Terminology::Match& match : *matches) {
    writer.ObjectStart().Member("name", "match").Key("part").ArrayStart();
    WriteText("equivalence", "Code", match.equivalence, &writer);
    if (!match.target.code.empty()) {
      writer.ObjectStart().Member("name", "concept").Key("valueCoding");
      WriteCoding(match.target, &writer);
      writer.ObjectEnd();
    }
    WriteText("source", "Uri", match.source, &writer);
    writer.ArrayEnd().ObjectEnd();
  }
  writer.ArrayEnd().ObjectEnd();
  Print(json);
  return is_translated ? kDone : kRefused;
}

// What the command line asks for.
struct Asked {
  std::vector<std::string> packages;
  std::string filter, offset, count, system, display, map, target;
  bool active_only = false;
  std::vector<std::string> operands;
  std::string unknown;
};

Asked Read(Arguments* arguments) {
  Asked asked;
  asked.packages = arguments->Options("--package");
  asked.filter = arguments->Option("--filter");
  asked.offset = arguments->Option("--offset");
  asked.count = arguments->Option("--count");
  asked.system = arguments->Option("--system");
  asked.display = arguments->Option("--display");
  asked.map = arguments->Option("--map");
  asked.target = arguments->Option("--target");
  asked.active_only = arguments->Flag("--active");
  asked.operands = arguments->Operands(&asked.unknown);
  return asked;
}

int Answer(const Terminology& terminology, const Asked& asked) {
  const std::string& what = asked.operands.front();
  const size_t count = asked.operands.size();
  if (what == "expand" && count == 2) {
    Terminology::ExpandOptions options;
    options.filter = asked.filter;
    options.active_only = asked.active_only;
    return ReadNumber(asked.offset, &options.offset) && ReadNumber(asked.count, &options.count)
               ? Expand(terminology, asked.operands[1], options)
               : Usage("terminology");
  }
  if (count != 3) {
    return Usage("terminology");
  }
  const Coding coding{asked.operands[1], asked.operands[2], {}, {}};
  if (what == "validate-code") {
    return ValidateCode(terminology, asked.operands[1],
                        {asked.system, asked.operands[2], asked.display, {}});
  }
  if (what == "lookup") {
    return Lookup(terminology, coding);
  }
  return what == "translate" ? Translate(terminology, asked.map, coding, asked.target)
                             : Usage("terminology");
}

}  // namespace

int Terms(Arguments arguments) {
  const Asked asked = Read(&arguments);
  if (asked.operands.empty() || !asked.unknown.empty()) {
    return Usage("terminology");
  }
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const Result<fhir::Packages> packages =
      asked.packages.empty() ? Result<fhir::Packages>(fhir::Packages::R4(definitions))
                             : fhir::Packages::Load({asked.packages, {}, {}}, definitions);
  if (!packages) {
    PrintError(Describe(packages.error()));
    return kCannotRun;
  }
  return Answer(Terminology(*packages), asked);
}

}  // namespace gw::cli
