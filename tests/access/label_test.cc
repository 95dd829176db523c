#include "gateway/access/label.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/access/label_class_internal.h"
#include "tests/access/access_testing.h"
#include "tests/temp_folder.h"

namespace gw::access {
namespace {

fhir::Resource Parsed(const std::string& json) {
  Result<fhir::Resource> resource = fhir::ParseJson(json, R4(), Limits{});
  if (!resource) {
    ADD_FAILURE() << resource.error().detail << " " << json;
    return *fhir::Resource::Make("Basic", R4());
  }
  return *std::move(resource);
}

std::string WithLabels(const std::string& codings) {
  return R"({"resourceType":"Condition","id":"c","meta":{"security":[)" + codings +
         R"(]},"subject":{"reference":"Patient/p1"}})";
}

TEST(LabelClass, NamesTypeAndLabels) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Coding("v3-Confidentiality", "R"), "Condition R"},
      {Coding("v3-ActCode", "PSY") + "," + Coding("v3-Confidentiality", "R"),
       "Condition R PSY@v3-ActCode"},
      {Coding("v3-ActCode", "SEX") + "," + Coding("v3-ActCode", "HIV"),
       "Condition HIV@v3-ActCode SEX@v3-ActCode"},
      {Coding("v3-ActCode", "HIV") + "," + Coding("v3-ActCode", "HIV"), "Condition HIV@v3-ActCode"},
      {Coding("v2-0177", "AID"), "Condition HIV@v3-ActCode"},
      {Coding("v2-0177", "ETH"), "Condition ETHUD@v3-ActCode"},
      {Coding("v2-0177", "U"), "Condition N"},
      {Coding("v2-0177", "VIP"), "Condition VIP@v2-0177"},
      {Coding("v3-Confidentiality", "PSY"), "Condition PSY@v3-ActCode"},
      {Coding("v3-Confidentiality", "AID"), "Condition HIV@v3-ActCode"},
      {Coding("urn:oid:2.16.840.1.113883.5.25", "V"), "Condition V"},
      {Coding("http://example.org/labels", "X"), "Condition X@http://example.org/labels"},
      {Coding("http://example.org/labels", "+a b@~%"),
       "Condition %2Ba%20b%40%7E%25@http://example.org/labels"},
      {R"({"system":"http://example.org/labels"})", "Condition @http://example.org/labels"},
      {R"({"code":"X"})", "Condition X@"},
  };
  for (const auto& [codings, expected] : cases) {
    EXPECT_EQ(LabelClassOf(Parsed(WithLabels(codings))), expected);
  }
}

TEST(LabelClass, PartsThatCarryLabels) {
  EXPECT_EQ(LabelClassOf(Parsed(R"({"resourceType":"Goal"})")), "Goal");
  EXPECT_EQ(
      LabelClassOf(Parsed(R"({"resourceType":"DocumentReference","securityLabel":[{"coding":[)" +
                          Coding("v2-0177", "R") + "]}]}")),
      "DocumentReference R");
  EXPECT_EQ(LabelClassOf(Parsed(R"({"resourceType":"Composition","confidentiality":"V"})")),
            "Composition V");
  EXPECT_EQ(LabelClassOf(Parsed(R"({"resourceType":"CarePlan","contained":[)" +
                                WithLabels(Coding("v3-ActCode", "HIV")) +
                                R"(,{"resourceType":"Organization","id":"o"}]})")),
            "CarePlan +Condition +Organization HIV@v3-ActCode");
}

TEST(LabelClass, NarrativeThatMayRepeatWhatIsReferredTo) {
  const std::string text = R"("text":{"status":"generated","div":)"
                           R"("<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},)";
  const auto encounter = [](const std::string& narrative, const std::string& reference) {
    return LabelClassOf(Parsed(R"({"resourceType":"Encounter",)" + narrative +
                               R"("diagnosis":[{"condition":{"reference":")" + reference +
                               R"("}}]})"));
  };
  EXPECT_EQ(encounter(text, "Condition/1"), "Encounter ~text");
  EXPECT_EQ(encounter("", "Condition/1"), "Encounter");
  EXPECT_EQ(encounter(text, "Patient/1"), "Encounter");
}

TEST(LabelClass, ReadsWhatItWrites) {
  const LabelClass labels = ReadLabelClass(
      "CarePlan +Condition +Organization ~text L HIV@v3-ActCode NOPAT@v3-ActCode", R4());
  EXPECT_EQ(labels.type, "CarePlan");
  EXPECT_EQ(labels.contained_count, 2U);
  EXPECT_TRUE(labels.narrative);
  EXPECT_EQ(labels.level, Level::kR);
  EXPECT_EQ(labels.label_count, 2U);
  EXPECT_EQ(labels.labels[0].kind, LabelClass::Kind::kSensitivity);
  EXPECT_EQ(labels.labels[1].kind, LabelClass::Kind::kHandling);
  EXPECT_EQ(ReadLabelClass("Goal", R4()).level, Level::kN);
  EXPECT_EQ(ReadLabelClass("Goal L", R4()).level, Level::kL);
  EXPECT_EQ(ReadLabelClass("Goal N V", R4()).level, Level::kV);
  EXPECT_EQ(ReadLabelClass("", R4()).type, "");
}

TEST(Persons, SubjectFirstThenEveryoneNamed) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {R"({"resourceType":"Patient","id":"p1"})", {"p1"}},
      {R"({"resourceType":"Patient","id":"p1","link":[{"other":{"reference":"Patient/p2"}}]})",
       {"p1", "p2"}},
      {R"({"resourceType":"RelatedPerson","id":"r","patient":{"reference":"Patient/p1"}})", {"p1"}},
      {R"({"resourceType":"CarePlan","contributor":[{"reference":"Patient/p2"}],)"
       R"("subject":{"reference":"Patient/p1/_history/3"}})",
       {"p1", "p2"}},
      {R"({"resourceType":"CarePlan","contained":[{"resourceType":"Goal","id":"g",)"
       R"("subject":{"reference":"Patient/p3"}}],"subject":{"reference":"Patient/p1"}})",
       {"p1", "p3"}},
      {R"({"resourceType":"Goal","extension":[{"url":"urn:x","valueReference":)"
       R"({"reference":"Patient/p4"}}]})",
       {"p4"}},
      {R"({"resourceType":"Goal","subject":{"reference":"https://other.example/Patient/p1"}})", {}},
      {R"({"resourceType":"Goal","subject":{"reference":"urn:uuid:Patient/p1"}})", {}},
      {R"({"resourceType":"Goal","subject":{"reference":"#p1"}})", {}},
      {R"({"resourceType":"Goal","subject":{"reference":"Patient/"}})", {}},
      {R"({"resourceType":"Goal","subject":{"reference":"Patient/p1/x"}})", {}},
      {R"({"resourceType":"Organization","id":"o"})", {}},
      {R"({"resourceType":"Goal","subject":{"reference":"Patient/p1"},)"
       R"("expressedBy":{"reference":"Patient/p1"}})",
       {"p1"}},
  };
  for (const auto& [json, expected] : cases) {
    EXPECT_EQ(PersonsOf(Parsed(json)), expected) << json;
  }
}

TEST(Labeller, LabelsByTheShippedSets) {
  const Result<Labeller> labeller = Labeller::Load(std::string(GW_SOURCE_DIR) + "/profiles/labels");
  ASSERT_TRUE(labeller) << labeller.error().detail;
  const auto condition = [](const std::string& meta, const std::string& code) {
    return Parsed(R"({"resourceType":"Condition",)" + meta + R"("code":{"coding":[)" +
                  Coding("http://snomed.info/sct", code) + "]}}");
  };
  fhir::Resource hiv = condition("", "86406008");
  EXPECT_EQ(*labeller->Label(&hiv), 2);
  EXPECT_EQ(LabelClassOf(hiv), "Condition R HIV@v3-ActCode");
  EXPECT_EQ(*labeller->Label(&hiv), 0);

  fhir::Resource plain = condition("", "44054006");
  EXPECT_EQ(*labeller->Label(&plain), 0);
  EXPECT_EQ(plain.root().Child("meta"), nullptr);

  fhir::Resource stays = condition(R"("meta":{"security":[)" + Coding("v3-Confidentiality", "V") +
                                       "," + Coding("v2-0177", "HIV") + "]},",
                                   "86406008");
  EXPECT_EQ(*labeller->Label(&stays), 0) << "V is above R, and table 0177's HIV is HIV";

  fhir::Resource plan = Parsed(R"({"resourceType":"CarePlan","activity":[{"detail":{"code":)"
                               R"({"coding":[)" +
                               Coding("http://snomed.info/sct", "74732009") + "]}}}]}");
  EXPECT_EQ(*labeller->Label(&plan), 2);
  EXPECT_EQ(LabelClassOf(plan), "CarePlan R PSY@v3-ActCode");
}

TEST(Labeller, RefusesBrokenSetsByName) {
  const TempFolder folder;
  EXPECT_FALSE(Labeller::Load(folder.Path("absent"))) << "no folder";
  EXPECT_FALSE(Labeller::Load(folder.path())) << "no file";
  for (const char* text : {"{", "[]", R"({"sensitivity":"HIV"})", R"({"codes":[]})",
                           R"({"sensitivity":"HIV","codes":[]})",
                           R"({"sensitivity":"HIV","codes":[{"system":"s"}]})"}) {
    folder.Write("broken.json", text);
    const Result<Labeller> labeller = Labeller::Load(folder.path());
    ASSERT_FALSE(labeller) << text;
    EXPECT_EQ(labeller.error().code, Code::kInvalid);
    EXPECT_EQ(labeller.error().where, "broken.json");
  }
}

}  // namespace
}  // namespace gw::access
