#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/temp_folder.h"
#include "tests/validate/validate_testing.h"

namespace gw::validate {
namespace {

struct Case {
  const char* what;
  std::string json;
  const char* expected;
};

std::string Checked(const Validator& validator, const std::string& json,
                    const std::vector<std::string>& profiles = {}) {
  return RulesOf(validator.CheckText(json, Format::kJson, Limits{}, profiles));
}

// A blood pressure with what stands after its code.
std::string Pressure(std::string_view rest) {
  return R"({"resourceType":"Observation","status":"final","category":[{"coding":[{"system":)"
         R"("http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],)"
         R"("code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},)"
         R"("subject":{"reference":"Patient/p1"})" +
         std::string(rest) + "}";
}

std::string Component(std::string_view code, std::string_view unit = "mm[Hg]") {
  return R"({"code":{"coding":[{"system":"http://loinc.org","code":")" + std::string(code) +
         R"("}]},"valueQuantity":{"value":120,"unit":"mmHg","system":)"
         R"("http://unitsofmeasure.org","code":")" +
         std::string(unit) + R"("}})";
}

TEST(ProfileTest, VitalSignsConformBecauseOfTheirCode) {
  const Validator validator(R4());
  const std::string when = R"(,"effectiveDateTime":"2026-01-20")";
  const Case cases[] = {
      {"both parts",
       Pressure(when + R"(,"component":[)" + Component("8480-6") + "," + Component("8462-4") + "]"),
       ""},
      {"a part is missing", Pressure(when + R"(,"component":[)" + Component("8480-6") + "]"),
       "error cardinality Observation; error cardinality Observation"},
      {"another unit",
       Pressure(when + R"(,"component":[)" + Component("8480-6", "kPa") + "," +
                Component("8462-4") + "]"),
       "error binding Observation.component[0].value.ofType(Quantity); "
       "error fixed Observation.component[0].value.ofType(Quantity).code"},
      {"no time",
       Pressure(R"(,"component":[)" + Component("8480-6") + "," + Component("8462-4") + "]"),
       "error cardinality Observation"},
      {"a part twice",
       Pressure(when + R"(,"component":[)" + Component("8480-6") + "," + Component("8480-6") + "," +
                Component("8462-4") + "]"),
       "error cardinality Observation"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(Checked(validator, each.json), each.expected) << each.what;
  }
}

TEST(ProfileTest, Extensions) {
  const Validator validator(R4());
  const auto patient = [](std::string_view rest) {
    return R"({"resourceType":"Patient")" + std::string(rest) + "}";
  };
  const std::string r4 = "http://hl7.org/fhir/StructureDefinition/";
  const Case cases[] = {
      {"where and with what its definition says",
       patient(R"(,"birthDate":"1950-02-01","_birthDate":{"extension":[{"url":")" + r4 +
               R"(patient-birthTime","valueDateTime":"1950-02-01T10:00:00Z"}]})"),
       ""},
      {"another type of value",
       patient(R"(,"birthDate":"1950-02-01","_birthDate":{"extension":[{"url":")" + r4 +
               R"(patient-birthTime","valueString":"ten"}]})"),
       "error type Patient.birthDate.extension[0].value.ofType(string)"},
      {"another place",
       patient(R"(,"extension":[{"url":")" + r4 +
               R"(patient-birthTime","valueDateTime":"1950-02-01T10:00:00Z"}])"),
       "error extension-context Patient"},
      {"a part that the definition does not have",
       patient(R"(,"extension":[{"url":")" + r4 +
               R"(patient-animal","extension":[{"url":"species","valueCodeableConcept":)"
               R"({"text":"dog"}},{"url":"colour","valueCodeableConcept":{"text":"red"}}]}])"),
       "error extension-part Patient.extension[0].extension[1]"},
      {"a part that the definition requires",
       patient(R"(,"extension":[{"url":")" + r4 +
               R"(patient-animal","extension":[{"url":"breed","valueCodeableConcept":)"
               R"({"text":"collie"}}]}])"),
       "error cardinality Patient.extension[0]"},
      {"a url that is not absolute",
       patient(R"(,"extension":[{"url":"animal","valueCode":"dog"}])"),
       "error extension-url Patient.extension[0]"},
      {"one that nobody here knows",
       patient(R"(,"extension":[{"url":"https://example.org/x","valueCode":"dog"}])"), ""},
      {"one that nobody here knows, and that changes the meaning",
       patient(R"(,"modifierExtension":[{"url":"https://example.org/x","valueCode":"dog"}])"),
       "warning extension-unknown Patient.modifierExtension[0]"},
      {"one that does not change the meaning as one that does",
       patient(R"(,"modifierExtension":[{"url":")" + r4 +
               R"(patient-religion","valueCodeableConcept":{"text":"r"}}])"),
       "error extension-modifier Patient.modifierExtension[0]"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(Checked(validator, each.json), each.expected) << each.what;
  }
}

constexpr std::string_view kPlanUrl = "https://example.org/fhir/StructureDefinition/shared-plan";

// A profile of CarePlan as a guide would publish it: a differential.
constexpr std::string_view kPlanProfile = R"json({
  "resourceType": "StructureDefinition",
  "url": "https://example.org/fhir/StructureDefinition/shared-plan",
  "version": "1.0.0", "name": "SharedPlan", "status": "active", "fhirVersion": "4.0.1",
  "kind": "resource", "abstract": false, "type": "CarePlan",
  "baseDefinition": "http://hl7.org/fhir/StructureDefinition/CarePlan", "derivation": "constraint",
  "differential": {"element": [
    {"id": "CarePlan", "path": "CarePlan", "constraint": [{"key": "plan-1", "severity": "error",
      "human": "A plan that is active has a period.",
      "expression": "status = 'active' implies period.exists()"
}]
},
    {"id": "CarePlan.identifier", "path": "CarePlan.identifier", "slicing": {"rules": "closed",
      "ordered": true, "discriminator": [{"type": "value", "path": "system"}]}, "min": 1},
    {"id": "CarePlan.identifier:plan", "path": "CarePlan.identifier", "sliceName": "plan",
      "min": 1, "max": "1"},
    {"id": "CarePlan.identifier:plan.system", "path": "CarePlan.identifier.system", "min": 1,
      "fixedUri": "https://example.org/plan"},
    {"id": "CarePlan.identifier:case", "path": "CarePlan.identifier", "sliceName": "case",
      "min": 0, "max": "1"},
    {"id": "CarePlan.identifier:case.system", "path": "CarePlan.identifier.system", "min": 1,
      "fixedUri": "https://example.org/case"},
    {"id": "CarePlan.category", "path": "CarePlan.category", "slicing": {"rules": "openAtEnd",
      "discriminator": [{"type": "pattern", "path": "$this"}]}},
    {"id": "CarePlan.category:social", "path": "CarePlan.category", "sliceName": "social",
      "min": 0, "max": "1", "patternCodeableConcept": {"coding": [{
      "system": "https://example.org/kind", "code": "social"}]}},
    {"id": "CarePlan.title", "path": "CarePlan.title", "min": 1, "maxLength": 10},
    {"id": "CarePlan.description", "path": "CarePlan.description", "max": "0"},
    {"id": "CarePlan.subject", "path": "CarePlan.subject", "type": [{"code": "Reference",
      "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Patient"]}]},
    {"id": "CarePlan.supportingInfo", "path": "CarePlan.supportingInfo", "slicing": {
      "rules": "open", "discriminator": [{"type": "type", "path": "resolve()"}]}},
    {"id": "CarePlan.supportingInfo:location", "path": "CarePlan.supportingInfo",
      "sliceName": "location", "min": 0, "max": "1", "type": [{"code": "Reference",
      "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Location"]}]},
    {"id": "CarePlan.contributor", "path": "CarePlan.contributor", "slicing": {
      "rules": "open", "discriminator": [{"type": "exists", "path": "display"}]}},
    {"id": "CarePlan.contributor:named", "path": "CarePlan.contributor", "sliceName": "named",
      "min": 0, "max": "1"},
    {"id": "CarePlan.contributor:named.display", "path": "CarePlan.contributor.display", "min": 1},
    {"id": "CarePlan.contributor:unnamed", "path": "CarePlan.contributor",
      "sliceName": "unnamed", "min": 0, "max": "1"},
    {"id": "CarePlan.contributor:unnamed.display", "path": "CarePlan.contributor.display",
      "max": "0"}
  ]
}
})json";

std::string Plan(std::string_view rest, std::string_view status = "draft") {
  return R"({"resourceType":"CarePlan","status":")" + std::string(status) +
         R"(","intent":"plan","title":"Walk","subject":{"reference":"Patient/p1"})" +
         std::string(rest) + "}";
}

class PackageProfileTest : public testing::Test {
 protected:
  PackageProfileTest() {
    folder_.Write("shared-plan.json", kPlanProfile);
    fhir::PackageSources sources;
    sources.paths = {folder_.path()};
    Result<fhir::Packages> packages = fhir::Packages::Load(sources, R4());
    EXPECT_TRUE(packages.ok()) << packages.error().detail << " " << packages.error().where;
    packages_.emplace(std::move(*packages));
    validator_.emplace(R4(), *packages_);
  }

  TempFolder folder_;
  std::optional<fhir::Packages> packages_;
  std::optional<Validator> validator_;
};

TEST_F(PackageProfileTest, EachRuleOfAProfile) {
  const std::string plan = R"({"system":"https://example.org/plan","value":"1"})";
  const std::string other = R"({"system":"https://example.org/case","value":"2"})";
  const std::string one = R"(,"identifier":[)" + plan + "]";
  const std::string social =
      R"({"coding":[{"system":"https://example.org/kind","code":"social"}],"text":"s"})";
  const Case cases[] = {
      {"what conforms", Plan(one), ""},
      {"a slice that is required", Plan(R"(,"identifier":[)" + other + "]"),
       "error cardinality CarePlan"},
      {"slices in order", Plan(R"(,"identifier":[)" + plan + "," + other + "]"), ""},
      {"slices out of order", Plan(R"(,"identifier":[)" + other + "," + plan + "]"),
       "error slicing CarePlan.identifier[1]"},
      {"none of the slices of a closed slicing",
       Plan(R"(,"identifier":[)" + plan + R"(,{"system":"https://example.org/x","value":"3"}])"),
       "error slicing CarePlan.identifier[1]"},
      {"a slice twice", Plan(R"(,"identifier":[)" + plan + "," + plan + "]"),
       "error cardinality CarePlan"},
      {"others after the slices", Plan(one + R"(,"category":[)" + social + R"(,{"text":"x"}])"),
       ""},
      {"others before the slices", Plan(one + R"(,"category":[{"text":"x"},)" + social + "]"),
       "error slicing CarePlan.category[0]"},
      {"an invariant", Plan(one, "active"), "error plan-1 CarePlan"},
      {"an element that is not used", Plan(one + R"(,"description":"d")"),
       "error cardinality CarePlan"},
      {"a target that R4 allows and the profile does not",
       R"({"resourceType":"CarePlan","status":"draft","intent":"plan","title":"Walk",)"
       R"("subject":{"reference":"Group/g1"})" +
           one + "}",
       "error reference-target CarePlan.subject"},
      {"no title and a long one",
       R"({"resourceType":"CarePlan","status":"draft","intent":"plan",)"
       R"("subject":{"reference":"Patient/p1"})" +
           one + "}",
       "error cardinality CarePlan"},
      {"a title that is too long",
       R"({"resourceType":"CarePlan","status":"draft","intent":"plan","title":"A longer walk",)"
       R"("subject":{"reference":"Patient/p1"})" +
           one + "}",
       "error max-length CarePlan.title"},
      {"slices by the type of what is referred to",
       Plan(one + R"(,"supportingInfo":[{"reference":"Location/1"},{"reference":"Device/1"},)"
                  R"({"reference":"Location/2"}])"),
       "error cardinality CarePlan"},
      {"slices by what exists",
       Plan(one + R"(,"contributor":[{"reference":"Patient/1","display":"d"},)"
                  R"({"reference":"Patient/2"},{"reference":"Patient/3"}])"),
       "error cardinality CarePlan"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(Checked(*validator_, each.json, {std::string(kPlanUrl)}), each.expected) << each.what;
  }
}

TEST_F(PackageProfileTest, ClaimedProfilesAreChecked) {
  const std::string claim = R"(,"meta":{"profile":[")" + std::string(kPlanUrl) + R"("]})";
  EXPECT_EQ(Checked(*validator_, Plan(claim)),
            "error cardinality CarePlan; error cardinality CarePlan");
  EXPECT_EQ(Checked(*validator_, Plan("")), "");
  EXPECT_EQ(Checked(*validator_, Plan(R"(,"meta":{"profile":["https://example.org/unknown"]})")),
            "warning profile-unknown CarePlan.meta.profile[0]");
  EXPECT_EQ(Checked(*validator_, R"({"resourceType":"Basic","code":{"text":"c"}})",
                    {std::string(kPlanUrl)}),
            "error profile-type Basic");
  EXPECT_TRUE(validator_->Knows(kPlanUrl));
  EXPECT_FALSE(validator_->Knows("https://example.org/unknown"));
}

}  // namespace
}  // namespace gw::validate
