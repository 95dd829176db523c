// caregate fhirpath: exit codes, and what stands on which stream (docs/fhirpath.md).
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/cli/command_testing.h"
#include "tests/temp_folder.h"

namespace gw::cli {
namespace {

Ran RunCommand(std::vector<std::string> words) { return Run(FhirPath, std::move(words)); }

class FhirPathCommand : public testing::Test {
 protected:
  FhirPathCommand() {
    Write("patient.json",
          R"({"resourceType":"Patient","id":"p1","active":true,"name":[{"use":"official",)"
          R"("family":"Marsh","given":["Ada","Bea"]},{"given":["Cy"]}],"birthDate":"1950-02",)"
          R"("multipleBirthInteger":2,"extension":[{"url":"https://example.org/weight",)"
          R"("valueDecimal":1.50}]})");
    Write("patient.xml",
          "<Patient xmlns=\"http://hl7.org/fhir\">\n <name><family value=\"Marsh\"/></name>\n"
          "</Patient>");
    Write("bad.json", "{\"resourceType\":\"Patient\",\n \"colour\":1}");
    Write("bad.xml", "<Patient xmlns=\"http://hl7.org/fhir\">\n <colour value=\"1\"/>\n</Patient>");
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  void Write(const std::string& name, const std::string& text) const { folder_.Write(name, text); }
  std::string Evaluated(const std::string& expression) const {
    const Ran ran = RunCommand({expression, Path("patient.json")});
    EXPECT_EQ(ran.exit_code, kDone) << expression << ": " << ran.error;
    return ran.out;
  }

  const TempFolder folder_;
};

TEST_F(FhirPathCommand, PrintsOneTypedValueALine) {
  struct Case {
    const char* expression;
    const char* expected;
  };
  constexpr Case kCases[] = {
      {"Patient.name.given",
       "{\"type\":\"string\",\"value\":\"Ada\"}\n"
       "{\"type\":\"string\",\"value\":\"Bea\"}\n"
       "{\"type\":\"string\",\"value\":\"Cy\"}\n"},
      {"Patient.active", "{\"type\":\"boolean\",\"value\":true}\n"},
      {"Patient.active and true", "{\"type\":\"Boolean\",\"value\":true}\n"},
      {"Patient.birthDate", "{\"type\":\"date\",\"value\":\"1950-02\"}\n"},
      {"@2026-01-20", "{\"type\":\"Date\",\"value\":\"2026-01-20\"}\n"},
      {"@T10:30", "{\"type\":\"Time\",\"value\":\"10:30\"}\n"},
      {"Patient.multipleBirth", "{\"type\":\"integer\",\"value\":2}\n"},
      {"Patient.extension.value", "{\"type\":\"decimal\",\"value\":1.50}\n"},
      {"1.50 + 1.50", "{\"type\":\"Decimal\",\"value\":3.00}\n"},
      {"4.0 'mg'", "{\"type\":\"Quantity\",\"value\":\"4.0 'mg'\"}\n"},
      {"Patient.name[1]", "{\"type\":\"HumanName\",\"value\":{\"given\":[\"Cy\"]}}\n"},
      {"Patient.photo", ""},
      {"-1", "{\"type\":\"Integer\",\"value\":-1}\n"},
  };
  for (const Case& each : kCases) {
    EXPECT_EQ(Evaluated(each.expression), each.expected) << each.expression;
  }
}

TEST_F(FhirPathCommand, ReadsXmlAsItReadsJson) {
  const Ran ran = RunCommand({"Patient.name.family", Path("patient.xml")});
  EXPECT_EQ(ran.exit_code, kDone);
  EXPECT_EQ(ran.out, "{\"type\":\"string\",\"value\":\"Marsh\"}\n");
}

TEST_F(FhirPathCommand, AsksProfilesAndDefinitions) {
  EXPECT_EQ(Evaluated("name.elementDefinition().path"),
            "{\"type\":\"string\",\"value\":\"Patient.name\"}\n"
            "{\"type\":\"string\",\"value\":\"Patient.name\"}\n");
  EXPECT_EQ(Evaluated("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')"),
            "{\"type\":\"Boolean\",\"value\":true}\n");
  EXPECT_EQ(Evaluated("extension.slice('https://example.org/unknown', 'a')"), "");
}

TEST_F(FhirPathCommand, EvaluatesWithoutInput) {
  EXPECT_EQ(RunCommand({"--no-input", "1 + 1"}).out, "{\"type\":\"Integer\",\"value\":2}\n");
  EXPECT_EQ(RunCommand({"--no-input", "Patient.name"}).out, "");
}

TEST_F(FhirPathCommand, RefusesWithThePlaceOnStderr) {
  struct Case {
    const char* what;
    std::vector<std::string> words;
    int exit_code;
    const char* error;
  };
  const Case cases[] = {
      {"a wrong expression", {"Patient.name.", Path("patient.json")}, kRefused, "line 1, column"},
      {"one that fails on this input",
       {"name.given.toInteger() + 1", Path("patient.json")},
       kRefused,
       "expression: line 1"},
      {"a name that the type does not have, strictly",
       {"--strict", "Patient.colour", Path("patient.json")},
       kRefused,
       "line 1, column"},
      {"JSON that is no resource", {"Patient", Path("bad.json")}, kRefused, "line 2, column"},
      {"XML that is no resource", {"Patient", Path("bad.xml")}, kRefused, "line 2, column"},
      {"a file that is not there", {"Patient", Path("absent.json")}, kCannotRun, "cannot be read"},
      {"no expression", {}, kCannotRun, "fhirpath"},
      {"an unknown option", {"--what", "1"}, kCannotRun, "fhirpath"},
      {"too many words", {"1", Path("patient.json"), "x"}, kCannotRun, "fhirpath"},
  };
  for (const Case& each : cases) {
    const Ran ran = RunCommand(each.words);
    EXPECT_EQ(ran.exit_code, each.exit_code) << each.what;
    EXPECT_EQ(ran.out, "") << each.what;
    EXPECT_NE(ran.error.find(each.error), std::string::npos) << each.what << ": " << ran.error;
    EXPECT_EQ(ran.error.find("Marsh"), std::string::npos) << each.what << " tells a value";
  }
}

TEST_F(FhirPathCommand, StrictRefusesWhatLenientPassesOver) {
  EXPECT_EQ(RunCommand({"Patient.colour", Path("patient.json")}).exit_code, kDone);
  EXPECT_EQ(RunCommand({"--strict", "Patient.colour", Path("patient.json")}).exit_code, kRefused);
}

TEST_F(FhirPathCommand, TracesOnStderr) {
  const Ran ran = RunCommand({"Patient.name.given.trace('names').count()", Path("patient.json")});
  EXPECT_EQ(ran.out, "{\"type\":\"Integer\",\"value\":3}\n");
  EXPECT_NE(ran.error.find("trace names: {\"type\":\"string\",\"value\":\"Ada\"}"),
            std::string::npos)
      << ran.error;
}

}  // namespace
}  // namespace gw::cli
