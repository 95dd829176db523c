// Whole texts: where they are wrong, in which order it is told, and what is read on past.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/validate/validator.h"

namespace gw::validate {
namespace {

const fhir::Definitions& R4() {
  static const fhir::Definitions kDefinitions = fhir::Definitions::R4();
  return kDefinitions;
}

const Validator& TheValidator() {
  static const Validator kValidator(R4());
  return kValidator;
}

// "severity rule location line:column" of all but information and dom-6.
std::string Summary(const std::vector<Report>& reports) {
  std::string summary;
  for (const Report& report : reports) {
    for (const Issue& issue : report.issues) {
      if (issue.severity == Severity::kInformation || issue.rule == "dom-6") {
        continue;
      }
      summary += summary.empty() ? "" : "; ";
      summary += std::string(NameOf(issue.severity)) + " " + issue.rule + " " + issue.location +
                 " " + std::to_string(issue.line) + ":" + std::to_string(issue.column);
    }
  }
  return summary;
}

struct Case {
  const char* what;
  const char* text;
  const char* expected;
};

constexpr Case kJson[] = {
    {"nothing wrong", R"({"resourceType":"Patient","active":true})", ""},
    {"an unknown property and a missing element",
     "{\"resourceType\":\"Goal\",\n \"colour\":1,\n \"lifecycleStatus\":\"active\",\n"
     " \"description\":{\"text\":\"d\"}}",
     "error cardinality Goal 1:1; error unknown-element Goal 2:11"},
    {"no array where there is one, and a code that is none",
     "{\"resourceType\":\"Patient\",\n\"name\":{\"family\":\"f\"},\n\"gender\":\"x\"}",
     "error json-form Patient.name 2:8; error binding Patient.gender 3:10"},
    {"an array where there is none", R"({"resourceType":"Patient","active":[true]})",
     "error json-form Patient.active 1:36"},
    {"an empty array; that the element is empty is no second fault",
     R"({"resourceType":"Patient","maritalStatus":{"coding":[]}})",
     "error json-form Patient.maritalStatus.coding 1:53"},
    {"a number for a text, in a required element", R"({"resourceType":"Basic","code":{"text":1}})",
     "error json-form Basic.code.text 1:40"},
    {"comments", "{\"resourceType\":\"Patient\", // c\n\"active\":true /* d */}",
     "error json  1:28; error json  2:15"},
    {"commas", "{\"resourceType\":\"Patient\",\n\"name\":[{\"family\":\"f\"},]\n\"active\":true,}",
     "error json  2:23; error json  3:1; error json  3:14"},
    {"a member twice", R"({"resourceType":"Patient","active":true,"active":false})",
     "error json  1:41"},
    {"an empty text", R"({"resourceType":"Patient","id":""})", "error json-form Patient.id 1:32"},
    {"a null alone", R"({"resourceType":"Patient","name":[{"given":[null]}]})",
     "error json-form Patient.name[0].given 1:45"},
    {"a wrong form", R"({"resourceType":"Patient","birthDate":"1.2.1950","id":"a_b"})",
     "error lexical-form Patient.birthDate 1:39; error lexical-form Patient.id 1:55"},
    {"what hides the rest", "{\"resourceType\":\"Patient\",\n\"active\":true]", "fatal json  2:14"},
    {"no type", R"({"active":true})", "fatal resource-type  1:1"},
    {"a type that R4 does not have", R"({"resourceType":"Penguin"})", "fatal resource-type  1:1"},
    {"not a resource", "[1]", "fatal resource-type  1:1"},
    {"nothing at all", "", "fatal json  1:1"},
};

TEST(DocumentTest, Json) {
  for (const Case& each : kJson) {
    EXPECT_EQ(Summary(TheValidator().CheckText(each.text, Format::kJson, Limits{})), each.expected)
        << each.what;
  }
}

TEST(DocumentTest, Xml) {
  const char* good =
      "<Patient xmlns=\"http://hl7.org/fhir\">\n <active value=\"true\"/>\n</Patient>";
  EXPECT_EQ(Summary(TheValidator().CheckText(good, Format::kXml, Limits{})), "");
  const char* bad = "<Patient xmlns=\"http://hl7.org/fhir\">\n <gender value=\"x\"/>\n</Patient>";
  EXPECT_EQ(Summary(TheValidator().CheckText(bad, Format::kXml, Limits{})),
            "error binding Patient.gender 2:2");
  EXPECT_TRUE(
      HasErrors(TheValidator().CheckText("<Patient", Format::kXml, Limits{}).front().issues));
}

TEST(DocumentTest, NdjsonIsOneReportALine) {
  const std::vector<Report> reports = TheValidator().CheckText(
      "{\"resourceType\":\"Patient\"}\n\n{\"resourceType\":\"Basic\"}\r\n{", Format::kNdjson,
      Limits{});
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[0].type, "Patient");
  EXPECT_FALSE(HasErrors(reports[0].issues));
  EXPECT_EQ(reports[1].type, "Basic");
  EXPECT_TRUE(HasErrors(reports[1].issues));
  EXPECT_EQ(reports[1].issues[0].line, 3u);
  EXPECT_EQ(reports[2].issues[0].severity, Severity::kFatal);
  EXPECT_EQ(reports[2].issues[0].line, 4u);
}

TEST(DocumentTest, LimitsHoldForRefusedTextsToo) {
  Limits limits;
  std::string deep = R"({"resourceType":"Patient","x":)";
  deep += std::string(limits.json_depth_max + 2, '[') + std::string(limits.json_depth_max + 2, ']');
  deep += "}";
  const std::vector<Report> reports = TheValidator().CheckText(deep, Format::kJson, limits);
  ASSERT_EQ(reports[0].issues.size(), 1u);
  EXPECT_TRUE(HasErrors(reports[0].issues));
}

TEST(DocumentTest, NoIssueNamesAValue) {
  const char* text =
      R"({"resourceType":"Patient","gender":"Sekret1","birthDate":"Sekret2","Sekret3":"Sekret4",)"
      R"("name":"Sekret5","active":"Sekret6","id":"Sekret_7"})";
  for (const Report& report : TheValidator().CheckText(text, Format::kJson, Limits{})) {
    EXPECT_GE(report.issues.size(), 6u);
    for (const Issue& issue : report.issues) {
      EXPECT_EQ((issue.location + issue.detail).find("Sekret"), std::string::npos) << issue.detail;
    }
  }
}

}  // namespace
}  // namespace gw::validate
