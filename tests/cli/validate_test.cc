// caregate validate: exit codes, one OperationOutcome a resource, and where each issue stands.
#include <gtest/gtest.h>

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "tests/temp_folder.h"

namespace gw::cli {
namespace {

constexpr std::string_view kProfile = R"json({
  "resourceType": "StructureDefinition",
  "url": "https://example.org/fhir/StructureDefinition/dated-patient",
  "version": "1.0.0", "name": "DatedPatient", "status": "active", "fhirVersion": "4.0.1",
  "kind": "resource", "abstract": false, "type": "Patient",
  "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "derivation": "constraint",
  "differential": {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]}
})json";
constexpr const char* kProfileUrl = "https://example.org/fhir/StructureDefinition/dated-patient";

struct Ran {
  int exit_code = 0;
  std::vector<std::string> lines;
  std::string error;
};

Ran RunCommand(std::vector<std::string> words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.exit_code = Validate(Arguments(std::move(words)));
  std::fflush(stdout);
  std::istringstream out(testing::internal::GetCapturedStdout());
  ran.error = testing::internal::GetCapturedStderr();
  for (std::string line; std::getline(out, line);) {
    ran.lines.push_back(line);
  }
  return ran;
}

std::string ValueOf(const Json& issue, std::string_view extension) {
  for (const Json& each : issue.Find("extension")->items()) {
    if (!each.TextOf("url").ends_with(extension)) {
      continue;
    }
    const Json* number = each.Find("valueInteger");
    return number != nullptr ? std::to_string(*number->integer())
                             : std::string(each.TextOf("valueString"));
  }
  return "";
}

// "severity code rule expression line:column" of errors and fatal issues.
std::string Errors(const std::string& line) {
  const Limits limits;
  const Result<Json> outcome = Json::Parse(line, limits);
  if (!outcome || outcome->TextOf("resourceType") != "OperationOutcome") {
    return "no OperationOutcome: " + line;
  }
  std::string errors;
  for (const Json& issue : outcome->Find("issue")->items()) {
    const std::string_view severity = issue.TextOf("severity");
    if (severity != "error" && severity != "fatal") {
      continue;
    }
    const Json* expression = issue.Find("expression");
    errors += errors.empty() ? "" : "; ";
    errors += std::string(severity) + " " + std::string(issue.TextOf("code")) + " " +
              ValueOf(issue, "message-id") + " " +
              (expression == nullptr ? "" : expression->items().front().text()) + " " +
              ValueOf(issue, "issue-line") + ":" + ValueOf(issue, "issue-col");
  }
  return errors;
}

class ValidateCommand : public testing::Test {
 protected:
  ValidateCommand() {
    Write("guide/dated-patient.json", std::string(kProfile));
    Write("good.json", R"({"resourceType":"Patient","active":true})");
    Write("good.xml", R"(<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>)");
    Write("bad.json", "{\"resourceType\":\"Patient\",\n \"gender\":\"x\",\n \"colour\":1}");
    Write("bad.xml",
          "<Patient xmlns=\"http://hl7.org/fhir\">\n <colour value=\"1\"/>\n"
          " <gender value=\"x\"/>\n</Patient>");
    Write("three.ndjson",
          "{\"resourceType\":\"Patient\"}\n{\"resourceType\":\"Basic\"}\n"
          "{\"resourceType\":\"Patient\"}\n");
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  void Write(const std::string& name, const std::string& text) const { folder_.Write(name, text); }

  const TempFolder folder_;
};

TEST_F(ValidateCommand, TellsOfEachResourceOnALineOfItsOwn) {
  const Ran ran = RunCommand({Path("good.json"), Path("good.xml"), Path("three.ndjson")});
  EXPECT_EQ(ran.exit_code, kRefused) << "one line of the NDJSON has an error";
  ASSERT_EQ(ran.lines.size(), 5u);
  EXPECT_EQ(Errors(ran.lines[0]), "");
  EXPECT_EQ(Errors(ran.lines[1]), "");
  EXPECT_EQ(Errors(ran.lines[2]), "");
  EXPECT_EQ(Errors(ran.lines[3]), "error required cardinality Basic 2:1");
  EXPECT_EQ(Errors(ran.lines[4]), "");
  EXPECT_NE(ran.lines[0].find(Path("good.json")), std::string::npos) << "the file is named";
}

TEST_F(ValidateCommand, IsDoneWhereNothingIsWrong) {
  const Ran ran = RunCommand({Path("good.json")});
  EXPECT_EQ(ran.exit_code, kDone);
  ASSERT_EQ(ran.lines.size(), 1u);
  EXPECT_EQ(ran.error, "");
}

TEST_F(ValidateCommand, NamesEachFaultOfJsonAndOfXmlWithItsPlace) {
  const Ran json = RunCommand({Path("bad.json")});
  EXPECT_EQ(json.exit_code, kRefused);
  EXPECT_EQ(Errors(json.lines.front()),
            "error code-invalid binding Patient.gender 2:11; "
            "error structure unknown-element Patient 3:11");
  const Ran xml = RunCommand({Path("bad.xml")});
  EXPECT_EQ(xml.exit_code, kRefused);
  EXPECT_EQ(Errors(xml.lines.front()),
            "error structure xml-form Patient 2:2; error code-invalid binding Patient.gender 3:2");
}

TEST_F(ValidateCommand, HoldsToTheProfileOfAPackage) {
  EXPECT_EQ(RunCommand({"--package", Path("guide"), Path("good.json")}).exit_code, kDone)
      << "a profile that is not asked for is not asked";
  const Ran ran =
      RunCommand({"--package", Path("guide"), "--profile", kProfileUrl, Path("good.json")});
  EXPECT_EQ(ran.exit_code, kRefused);
  EXPECT_EQ(Errors(ran.lines.front()), "error required cardinality Patient 1:1");
  Write("dated.json", R"({"resourceType":"Patient","birthDate":"1950-02-01"})");
  EXPECT_EQ(RunCommand({"--profile", kProfileUrl, "--package", Path("guide"), Path("dated.json")})
                .exit_code,
            kDone);
}

TEST_F(ValidateCommand, TakesOptionsOfTheReferenceValidator) {
  Write("commented.json", "// kept by hand\n{\"resourceType\":\"Patient\"}");
  EXPECT_EQ(RunCommand({Path("commented.json")}).exit_code, kRefused);
  EXPECT_EQ(RunCommand({"--allow-comments", Path("commented.json")}).exit_code, kDone);
  Write("contained.json",
        R"({"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"a"}]})");
  EXPECT_EQ(RunCommand({Path("contained.json")}).exit_code, kRefused);
  EXPECT_EQ(RunCommand({"--ignore-contained", Path("contained.json")}).exit_code, kDone);
  Write("active.json", R"({"resourceType":"Basic","code":{"text":"<script>"}})");
  EXPECT_EQ(RunCommand({Path("active.json")}).exit_code, kRefused);
  EXPECT_EQ(RunCommand({"--allow-active-content", Path("active.json")}).exit_code, kDone);
}

TEST_F(ValidateCommand, SaysWhyItCannotRun) {
  Write("guide/broken.json", "{");
  struct Case {
    const char* what;
    std::vector<std::string> words;
    const char* error;
  };
  const Case cases[] = {
      {"no file", {}, "validate"},
      {"an unknown option", {"--what", Path("good.json")}, "validate"},
      {"a file that is not there", {Path("absent.json")}, "absent.json"},
      {"a profile that nobody has",
       {"--profile", "https://example.org/x", Path("good.json")},
       "https://example.org/x"},
      {"a package that is not there",
       {"--package", Path("absent.tgz"), Path("good.json")},
       "absent.tgz"},
      {"a package that is broken", {"--package", Path("guide"), Path("good.json")}, "broken.json"},
  };
  for (const Case& each : cases) {
    const Ran ran = RunCommand(each.words);
    EXPECT_EQ(ran.exit_code, kCannotRun) << each.what;
    EXPECT_TRUE(ran.lines.empty()) << each.what;
    EXPECT_NE(ran.error.find(each.error), std::string::npos) << each.what << ": " << ran.error;
  }
}

TEST_F(ValidateCommand, PrintsTheSameForTheSameInput) {
  const std::vector<std::string> words = {Path("bad.json"), Path("bad.xml")};
  EXPECT_EQ(RunCommand(words).lines, RunCommand(words).lines);
}

}  // namespace
}  // namespace gw::cli
