// HL7's own validator cases for base R4 (suites/README.md) against what its reference validator
// found. Scores are printed; the test holds the level that was reached.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/validate/validator.h"

namespace gw::validate {
namespace {

constexpr std::string_view kSuite = GW_SOURCE_DIR "/../shared/suites/validator/";
constexpr int kVerdictsMin = 70;
constexpr int kNumbersMin = 64;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

Format FormatOf(std::string_view path) {
  return path.ends_with(".xml") ? Format::kXml
                                : (path.ends_with(".ndjson") ? Format::kNdjson : Format::kJson);
}

// The reference validator names resources in comments: Bundle.entry[0].resource/*Patient/1*/.
std::string WithoutComments(std::string_view expression) {
  std::string out;
  while (!expression.empty()) {
    const size_t start = std::min(expression.find("/*"), expression.size());
    out += expression.substr(0, start);
    const size_t end = expression.find("*/", start);
    expression = end == std::string_view::npos ? std::string_view() : expression.substr(end + 2);
  }
  return out;
}

bool IsError(const Issue& issue) {
  return issue.severity == Severity::kError || issue.severity == Severity::kFatal;
}

struct Outcome {
  int errors = 0;
  std::string first;
  std::string list;
};

// What a case asks of the reference validator.
Options OptionsOf(const Json& asked) {
  const auto is_set = [&asked](std::string_view name) {
    const Json* value = asked.Find(name);
    return value != nullptr && value->boolean();
  };
  return {.allow_comments = is_set("allow-comments"),
          .ignore_contained = asked.TextOf("validateContains") == "IGNORE",
          .security_checks = is_set("security-checks")};
}

Outcome Checked(const Validator& validator, const std::string& path, const Options& options) {
  Outcome outcome;
  Limits limits;
  for (const Report& report :
       validator.CheckText(ReadFile(path), FormatOf(path), limits, {}, options)) {
    for (const Issue& issue : report.issues) {
      if (!IsError(issue)) {
        continue;
      }
      if (outcome.errors++ == 0) {
        outcome.first = issue.location;
      }
      outcome.list += "      " + issue.location + " [" + issue.rule + "] " + issue.detail + " (" +
                      std::to_string(issue.line) + ":" + std::to_string(issue.column) + ")\n";
    }
  }
  return outcome;
}

TEST(ValidatorSuiteTest, AgreesWithTheReferenceValidator) {
  const std::string list = ReadFile(std::string(kSuite) + "cases.json");
  if (list.empty()) {
    GTEST_SKIP() << "The published validator cases are not on this machine.";
  }
  Limits limits;
  const Result<Json> cases = Json::Parse(list, limits);
  ASSERT_TRUE(cases.ok());
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const Validator validator(definitions);
  int verdicts = 0;
  int numbers = 0;
  int places = 0;
  int count = 0;
  for (const Json& each : cases->Find("cases")->items()) {
    const std::string name(each.TextOf("name"));
    const bool is_valid = each.Find("valid")->boolean();
    const auto errors = static_cast<int>(*each.Find("errors")->integer());
    std::string place;
    for (const Json& issue : each.Find("issues")->items()) {
      if (place.empty() && (issue.TextOf("severity") == "error")) {
        place = WithoutComments(issue.TextOf("expression"));
      }
    }
    const Outcome found = Checked(validator, std::string(kSuite) + std::string(each.TextOf("file")),
                                  OptionsOf(*each.Find("options")));
    const bool verdict = (found.errors == 0) == is_valid;
    const bool number = found.errors == errors;
    ++count;
    verdicts += verdict ? 1 : 0;
    numbers += number ? 1 : 0;
    places += found.first == place ? 1 : 0;
    if (!verdict || !number) {
      std::printf("  %s %s: errors %d, reference %d\n%s", verdict ? "number " : "VERDICT",
                  name.c_str(), found.errors, errors, found.list.c_str());
    }
    EXPECT_TRUE(verdict || !is_valid) << "refused, and it is valid: " << name;
  }
  std::printf("  verdict %d, number of errors %d, first place %d of %d\n", verdicts, numbers,
              places, count);
  EXPECT_GE(verdicts, kVerdictsMin);
  EXPECT_GE(numbers, kNumbersMin);
}

}  // namespace
}  // namespace gw::validate
