// caregate terminology: R4's four terminology operations over R4 and a package of our own.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/cli/command_testing.h"
#include "tests/temp_folder.h"

namespace gw::cli {
namespace {

Ran RunCommand(std::vector<std::string> words) { return Run(Terms, std::move(words)); }

class TerminologyCommand : public testing::Test {
 protected:
  TerminologyCommand() {
    Write("cs", R"({"resourceType":"CodeSystem","url":"https://example.org/cs","version":"2",)"
                R"("name":"Wards","status":"active","content":"complete","concept":[{"code":"a",)"
                R"("display":"Ward A","definition":"The first","designation":[{"language":"cy",)"
                R"("value":"Ward Un"}]},{"code":"b","display":"Ward B"}]})");
    Write("vs", R"({"resourceType":"ValueSet","url":"https://example.org/vs","status":"active",)"
                R"("compose":{"include":[{"system":"https://example.org/cs"},)"
                R"({"system":"http://snomed.info/sct"}]}})");
    Write("cm", R"({"resourceType":"ConceptMap","url":"https://example.org/cm","status":"active",)"
                R"("group":[{"source":"https://example.org/cs","target":"https://example.org/to",)"
                R"("element":[{"code":"a","target":[{"code":"1","equivalence":"wider"}]},)"
                R"({"code":"b"}]}]})");
  }
  void Write(const std::string& name, const std::string& text) const {
    folder_.Write(name + ".json", text);
  }
  Ran WithPackage(std::vector<std::string> words) const {
    words.insert(words.end(), {"--package", folder_.path()});
    return RunCommand(std::move(words));
  }

  const TempFolder folder_;
};

TEST_F(TerminologyCommand, Expand) {
  const std::string gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
  const Ran all = RunCommand({"expand", gender, "--filter", "male", "--count", "1"});
  EXPECT_EQ(all.exit_code, kDone) << all.error;
  EXPECT_NE(all.out.find(R"("total":2,"offset":0,"contains":[{"system":)"
                         R"("http://hl7.org/fhir/administrative-gender","code":"male",)"
                         R"("display":"Male"}]})"),
            std::string::npos)
      << all.out;
  const Ran part = WithPackage({"expand", "https://example.org/vs"});
  EXPECT_EQ(part.exit_code, kDone);
  EXPECT_NE(part.out.find("valueset-unclosed"), std::string::npos) << part.out;
  EXPECT_NE(part.out.find(R"("code":"b")"), std::string::npos) << part.out;
  EXPECT_NE(part.error.find("http://snomed.info/sct"), std::string::npos) << part.error;
  EXPECT_EQ(RunCommand({"expand", "https://example.org/vs"}).exit_code, kRefused) << "no such set";
}

TEST_F(TerminologyCommand, ValidateCode) {
  const std::string gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
  const Ran good = RunCommand({"validate-code", gender, "female"});
  EXPECT_EQ(good.exit_code, kDone);
  EXPECT_NE(good.out.find(R"({"name":"result","valueBoolean":true})"), std::string::npos);
  EXPECT_NE(good.out.find(R"({"name":"display","valueString":"Female"})"), std::string::npos);
  const Ran bad = RunCommand({"validate-code", gender, "x"});
  EXPECT_EQ(bad.exit_code, kRefused);
  EXPECT_NE(bad.out.find(R"("valueBoolean":false)"), std::string::npos);
  EXPECT_EQ(RunCommand({"validate-code", gender, "female", "--display", "Femail"}).exit_code,
            kRefused);
  const Ran unknown = WithPackage(
      {"validate-code", "https://example.org/vs", "1", "--system", "http://snomed.info/sct"});
  EXPECT_EQ(unknown.exit_code, kCannotRun);
  EXPECT_EQ(unknown.out, "") << "what cannot be judged is neither right nor wrong";
  EXPECT_NE(unknown.error.find("http://snomed.info/sct"), std::string::npos) << unknown.error;
}

TEST_F(TerminologyCommand, Lookup) {
  const Ran found = WithPackage({"lookup", "https://example.org/cs", "a"});
  EXPECT_EQ(found.exit_code, kDone);
  EXPECT_EQ(found.out,
            R"({"resourceType":"Parameters","parameter":[{"name":"name","valueString":"Wards"},)"
            R"({"name":"version","valueString":"2"},{"name":"display","valueString":"Ward A"},)"
            R"({"name":"designation","part":[{"name":"language","valueCode":"cy"},)"
            R"({"name":"value","valueString":"Ward Un"}]},)"
            R"({"name":"definition","valueString":"The first"}]})"
            "\n");
  EXPECT_EQ(WithPackage({"lookup", "https://example.org/cs", "z"}).exit_code, kRefused);
  EXPECT_EQ(RunCommand({"lookup", "http://snomed.info/sct", "1"}).exit_code, kCannotRun);
}

TEST_F(TerminologyCommand, Translate) {
  const Ran found =
      WithPackage({"translate", "--map", "https://example.org/cm", "https://example.org/cs", "a"});
  EXPECT_EQ(found.exit_code, kDone);
  EXPECT_EQ(found.out,
            R"({"resourceType":"Parameters","parameter":[{"name":"result","valueBoolean":true},)"
            R"({"name":"match","part":[{"name":"equivalence","valueCode":"wider"},)"
            R"({"name":"concept","valueCoding":{"system":"https://example.org/to","code":"1"}},)"
            R"({"name":"source","valueUri":"https://example.org/cm"}]}]})"
            "\n");
  const Ran none =
      WithPackage({"translate", "--map", "https://example.org/cm", "https://example.org/cs", "b"});
  EXPECT_EQ(none.exit_code, kRefused);
  EXPECT_NE(none.out.find(R"("valueBoolean":false)"), std::string::npos);
  EXPECT_EQ(
      RunCommand({"translate", "http://hl7.org/fhir/administrative-gender", "female", "--target",
                  "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender"})
          .exit_code,
      kDone);
  EXPECT_EQ(RunCommand({"translate", "--map", "https://example.org/none", "urn:a", "b"}).exit_code,
            kRefused);
}

TEST_F(TerminologyCommand, SaysHowItIsUsed) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"expand"},
                                             {"guess", "a", "b"},
                                             {"lookup", "a"},
                                             {"expand", "a", "--count", "x"},
                                             {"expand", "a", "--what"}}) {
    const Ran ran = RunCommand(words);
    EXPECT_EQ(ran.exit_code, kCannotRun);
    EXPECT_EQ(ran.out, "");
    EXPECT_NE(ran.error.find("terminology"), std::string::npos);
  }
}

}  // namespace
}  // namespace gw::cli
