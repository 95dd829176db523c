#include <cstdio>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/fhir/package.h"
#include "gateway/validate/validator.h"

namespace gw::cli {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;
// R4's core extensions of OperationOutcome.
constexpr std::string_view kExtension = "http://hl7.org/fhir/StructureDefinition/operationoutcome-";

// A file that the user names is not foreign input of unknown size: Bundles of 100,000 entries are
// to be checked whole.
Limits FileLimits() {
  Limits limits;
  limits.json_items_max = 2'000'000;
  limits.json_nodes_max = 200'000'000;
  limits.body_bytes_max = static_cast<uint32_t>(kFileBytesMax);
  return limits;
}

// By the name; where that does not tell, by the first character.
validate::Format FormatOf(std::string_view path, std::string_view text) {
  if (path.ends_with(".xml")) {
    return validate::Format::kXml;
  }
  if (path.ends_with(".ndjson")) {
    return validate::Format::kNdjson;
  }
  const size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const bool is_markup = first != std::string_view::npos && text[first] == '<';
  return is_markup && !path.ends_with(".json") ? validate::Format::kXml : validate::Format::kJson;
}

void WriteExtension(std::string_view name, uint32_t value, JsonWriter* writer) {
  writer->ObjectStart().Member("url", std::string(kExtension) + std::string(name));
  writer->Key("valueInteger").Integer(value).ObjectEnd();
}

void WriteIssue(const validate::Issue& issue, JsonWriter* writer) {
  writer->ObjectStart().Key("extension").ArrayStart();
  if (issue.line > 0) {
    WriteExtension("issue-line", issue.line, writer);
    WriteExtension("issue-col", issue.column, writer);
  }
  writer->ObjectStart().Member("url", std::string(kExtension) + "message-id");
  writer->Member("valueString", issue.rule).ObjectEnd().ArrayEnd();
  writer->Member("severity", validate::NameOf(issue.severity)).Member("code", issue.code);
  writer->Member("diagnostics", issue.detail);
  if (!issue.location.empty()) {
    writer->Key("expression").ArrayStart().String(issue.location).ArrayEnd();
  }
  writer->ObjectEnd();
}

void PrintOutcome(const std::string& path, const validate::Report& report) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Member("resourceType", "OperationOutcome").Key("extension").ArrayStart();
  writer.ObjectStart().Member("url", std::string(kExtension) + "file");
  writer.Member("valueString", path).ObjectEnd().ArrayEnd().Key("issue").ArrayStart();
  for (const validate::Issue& issue : report.issues) {
    WriteIssue(issue, &writer);
  }
  if (report.issues.empty()) {
    writer.ObjectStart().Member("severity", "information").Member("code", "informational");
    writer.Member("diagnostics", "no rule is broken").ObjectEnd();
  }
  writer.ArrayEnd().ObjectEnd();
  std::printf("%s\n", json.c_str());
}

}  // namespace

int Validate(Arguments arguments) {
  const std::vector<std::string> profiles = arguments.Options("--profile");
  const std::vector<std::string> paths = arguments.Options("--package");
  const validate::Options options = {.allow_comments = arguments.Flag("--allow-comments"),
                                     .ignore_contained = arguments.Flag("--ignore-contained"),
                                     .security_checks = !arguments.Flag("--allow-active-content")};
  std::string unknown;
  const std::vector<std::string> files = arguments.Operands(&unknown);
  if (files.empty() || !unknown.empty()) {
    return Usage("validate");
  }
  const fhir::Definitions definitions = fhir::Definitions::R4();
  Result<fhir::Packages> packages = paths.empty()
                                        ? Result<fhir::Packages>(fhir::Packages::R4(definitions))
                                        : fhir::Packages::Load({paths, {}, {}}, definitions);
  if (!packages) {
    PrintError(packages.error().where + ": " + packages.error().detail);
    return kCannotRun;
  }
  const validate::Validator validator(definitions, *packages);
  for (const std::string& profile : profiles) {
    if (!validator.Knows(profile)) {
      PrintError("--profile " + profile + ": neither R4 nor a package has that profile");
      return kCannotRun;
    }
  }
  int exit_code = kDone;
  for (const std::string& path : files) {
    const Result<std::string> text = ReadFile(path, kFileBytesMax);
    if (!text) {
      PrintError(path + ": the file cannot be read");
      return kCannotRun;
    }
    for (const validate::Report& report :
         validator.CheckText(*text, FormatOf(path, *text), FileLimits(), profiles, options)) {
      PrintOutcome(path, report);
      exit_code = validate::HasErrors(report.issues) ? kRefused : exit_code;
    }
  }
  return exit_code;
}

}  // namespace gw::cli
