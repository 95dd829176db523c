#include "tests/validate/validate_testing.h"

namespace gw::validate {
namespace {

void Append(const Issue& issue, bool with_place, std::string* out) {
  if (issue.severity == Severity::kInformation || issue.rule == "dom-6") {
    return;
  }
  *out += out->empty() ? "" : "; ";
  *out += std::string(NameOf(issue.severity)) + " " + issue.rule + " " + issue.location;
  if (with_place) {
    *out += " " + std::to_string(issue.line) + ":" + std::to_string(issue.column);
  }
}

}  // namespace

const fhir::Definitions& R4() {
  static const fhir::Definitions kDefinitions = fhir::Definitions::R4();
  return kDefinitions;
}

const Validator& TheValidator() {
  static const Validator kValidator(R4());
  return kValidator;
}

std::string RulesOf(const std::vector<Issue>& issues, bool with_place) {
  std::string rules;
  for (const Issue& issue : issues) {
    Append(issue, with_place, &rules);
  }
  return rules;
}

std::string RulesOf(const std::vector<Report>& reports, bool with_place) {
  std::string rules;
  for (const Report& report : reports) {
    for (const Issue& issue : report.issues) {
      Append(issue, with_place, &rules);
    }
  }
  return rules;
}

}  // namespace gw::validate
