// Snapshots from differentials: chains across packages, slicing, choices, content references, what
// is refused.
#include <gtest/gtest.h>

#include "package_testing.h"

namespace gw::fhir {
namespace {

std::string Vs(const std::string& name) { return "http://example.org/ValueSet/" + name; }

// A chain of a nation's own profiles: a patient with a sliced number, an infant on top of it, a
// ward's infant on top of that in another package; extensions, a Quantity of its own.
const std::string kEthnicGroup =
    ProfileJson("Ethnic", "Extension", R4Url("Extension"),
                R"({"id":"Extension","path":"Extension","max":"1"},
       {"id":"Extension.url","path":"Extension.url","fixedUri":"http://example.org/ethnic"},
       {"id":"Extension.value[x]","path":"Extension.value[x]","min":1,
        "type":[{"code":"CodeableConcept"}]})",
                R"(,"context":[{"type":"element","expression":"Patient"}],
       "contextInvariant":["active"])");

const std::string kPatient = ProfileJson(
    "Patient", "Patient", R4Url("Patient"),
    R"({"id":"Patient","path":"Patient","constraint":[{"key":"nl-1","severity":"warning",
        "human":"someone to ring","expression":"contact.count() > 0"}]},
       {"id":"Patient.extension:ethnic","path":"Patient.extension","sliceName":"ethnic",
        "min":0,"max":"1","type":[{"code":"Extension","profile":[")" +
        OwnUrl("Ethnic") + R"("]}]},
       {"id":"Patient.identifier","path":"Patient.identifier","min":1,"slicing":{
        "discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
       {"id":"Patient.identifier:nhsNumber","path":"Patient.identifier","sliceName":"nhsNumber",
        "min":0,"max":"1"},
       {"id":"Patient.identifier:nhsNumber.system","path":"Patient.identifier.system","min":1,
        "fixedUri":"https://fhir.nhs.uk/Id/nhs-number"},
       {"id":"Patient.identifier:nhsNumber.value","path":"Patient.identifier.value","min":1,
        "maxLength":10},
       {"id":"Patient.maritalStatus","path":"Patient.maritalStatus",
        "binding":{"strength":"required","valueSet":")" +
        Vs("marital") + R"("}},
       {"id":"Patient.generalPractitioner","path":"Patient.generalPractitioner",
        "type":[{"code":"Reference","targetProfile":[")" +
        R4Url("Organization") + R"("]}]})");

const std::string kInfant =
    ProfileJson("Infant", "Patient", OwnUrl("Patient"),
                R"({"id":"Patient.identifier:nhsNumber","path":"Patient.identifier",
        "sliceName":"nhsNumber","min":1},
       {"id":"Patient.birthDate","path":"Patient.birthDate","min":1},
       {"id":"Patient.multipleBirthInteger","path":"Patient.multipleBirthInteger","min":1},
       {"id":"Patient.contact.relationship","path":"Patient.contact.relationship","min":1})");

const std::string kWardInfant =
    ProfileJson("WardInfant", "Patient", OwnUrl("Infant") + "|1.2.0",
                R"({"path":"Patient.extension","sliceName":"ethnic","min":1},
       {"path":"Patient.extension.value[x]","binding":{"strength":"required",
        "valueSet":")" +
                    Vs("ethnic") + R"("}},
       {"path":"Patient.maritalStatus","max":"0"})");

std::string At(const ElementRule* rule) {
  if (rule == nullptr) {
    return "absent";
  }
  return std::to_string(rule->min) + ".." +
         (rule->max == kMany ? std::string("*") : std::to_string(rule->max));
}

TEST(Snapshot, FollowsAChainAcrossPackagesInAnyOrder) {
  const TempFolder folder;
  folder.Write("ward/a.json", kWardInfant);
  folder.Write("core/infant.json", kInfant);
  folder.Write("core/patient.json", kPatient);
  folder.Write("core/ethnic.json", kEthnicGroup);
  PackageSources sources;
  sources.paths = {folder.path() + "/ward", folder.path() + "/core"};
  const Result<Packages> packages = Packages::Load(sources, R4Definitions());
  ASSERT_TRUE(packages.ok()) << packages.error().detail << " " << packages.error().where;
  const Profile* ward = packages->FindProfile(OwnUrl("WardInfant"));
  ASSERT_NE(ward, nullptr);
  const std::pair<const char*, const char*> expected[] = {
      {"Patient.extension:ethnic", "1..1"},
      {"Patient.extension:ethnic.value[x]", "1..1"},
      {"Patient.identifier", "1..*"},
      {"Patient.identifier:nhsNumber", "1..1"},
      {"Patient.identifier:nhsNumber.system", "1..1"},
      {"Patient.identifier:nhsNumber.period", "0..1"},
      {"Patient.birthDate", "1..1"},
      {"Patient.maritalStatus", "0..0"},
      {"Patient.contact.relationship", "1..*"},
      {"Patient.multipleBirth[x]:multipleBirthInteger", "1..1"},
      {"Patient.gender", "0..1"},
      {"Patient.identifier.system", "absent"},
  };
  for (const auto& [id, cardinality] : expected) {
    EXPECT_EQ(At(RuleOf(*ward, id)), cardinality) << id;
  }
  const auto elements = ward->elements;
  const ElementRule* number = RuleOf(*ward, "Patient.identifier:nhsNumber");
  EXPECT_EQ(elements[number->parent].id, "Patient");
  EXPECT_EQ(number->slice_name, "nhsNumber");
  EXPECT_EQ(number->base_max, kMany);
  EXPECT_EQ(number->slicing.rules, SlicingRules::kNone);
  const ElementRule* system = RuleOf(*ward, "Patient.identifier:nhsNumber.system");
  EXPECT_EQ(&elements[system->parent], number);
  ASSERT_NE(system->fixed, nullptr);
  EXPECT_EQ(system->fixed->text(), "https://fhir.nhs.uk/Id/nhs-number");
  EXPECT_EQ(RuleOf(*ward, "Patient.identifier:nhsNumber.value")->max_length, 10u);
  const ElementRule* identifier = RuleOf(*ward, "Patient.identifier");
  EXPECT_EQ(identifier->slicing.rules, SlicingRules::kOpen);
  ASSERT_EQ(identifier->slicing.discriminators.size(), 1u);
  EXPECT_EQ(identifier->slicing.discriminators[0].path, "system");
  // The extension's own elements were walked into: its narrowed value is bound here.
  const ElementRule* value = RuleOf(*ward, "Patient.extension:ethnic.value[x]");
  ASSERT_EQ(value->types.size(), 1u);
  EXPECT_EQ(value->types[0].code, "CodeableConcept");
  EXPECT_EQ(value->binding.value_set, Vs("ethnic"));
  EXPECT_EQ(RuleOf(*ward, "Patient.extension:ethnic")->types[0].profiles[0], OwnUrl("Ethnic"));
  EXPECT_EQ(RuleOf(*ward, "Patient.generalPractitioner")->types[0].target_profiles.size(), 1u);
  // Constraints of the whole chain, R4's among them.
  std::string keys;
  for (const Constraint& constraint : elements[0].constraints) {
    keys += std::string(constraint.key) + " ";
  }
  EXPECT_NE(keys.find("dom-2"), std::string::npos) << keys;
  EXPECT_NE(keys.find("nl-1"), std::string::npos) << keys;
  const Profile* ethnic = packages->FindProfile(OwnUrl("Ethnic"));
  ASSERT_EQ(ethnic->contexts.size(), 1u);
  EXPECT_EQ(ethnic->contexts[0].expression, "Patient");
  EXPECT_EQ(ethnic->context_invariants[0], "active");
}

// One profile on a type of R4, its elements given; the packages that hold it.
Result<Packages> LoadOne(const std::string& type, const std::string& elements) {
  return LoadFiles({{"p.json", ProfileJson("P", type, R4Url(type), elements)}});
}

struct Case {
  const char* name;
  const char* type;
  const char* elements;
  std::vector<std::pair<const char*, const char*>> expected;  // id, cardinality
};

class SnapshotOf : public testing::TestWithParam<Case> {};

TEST_P(SnapshotOf, HoldsWhatTheDifferentialSays) {
  const Result<Packages> packages = LoadOne(GetParam().type, GetParam().elements);
  ASSERT_TRUE(packages.ok()) << packages.error().detail << " " << packages.error().where;
  const Profile* profile = packages->FindProfile(OwnUrl("P"));
  ASSERT_NE(profile, nullptr);
  for (const auto& [id, cardinality] : GetParam().expected) {
    EXPECT_EQ(At(RuleOf(*profile, id)), cardinality) << id;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Snapshot, SnapshotOf,
    testing::Values(
        Case{"data_type",
             "Patient",
             R"({"id":"Patient.name.given","path":"Patient.name.given","min":1})",
             {{"Patient.name.given", "1..*"},
              {"Patient.name.period", "0..1"},
              {"Patient.name", "0..*"},
              {"Patient.contact.name.given", "absent"}}},
        Case{
            "type_in_a_type",
            "Patient",
            R"({"id":"Patient.identifier.period.start","path":"Patient.identifier.period.start","min":1})",
            {{"Patient.identifier.period.start", "1..1"},
             {"Patient.identifier.period.end", "0..1"}}},
        Case{"extension_of_a_primitive",
             "Patient",
             R"({"id":"Patient.birthDate.extension:time","path":"Patient.birthDate.extension",
                 "sliceName":"time","max":"1"})",
             {{"Patient.birthDate.extension:time", "0..1"},
              {"Patient.birthDate.extension", "0..*"},
              {"Patient.birthDate.value", "absent"}}},
        Case{"content_reference",
             "Observation",
             R"({"id":"Observation.component.referenceRange.low",
                 "path":"Observation.component.referenceRange.low","min":1})",
             {{"Observation.component.referenceRange.low", "1..1"},
              {"Observation.component.referenceRange.high", "0..1"},
              {"Observation.referenceRange.low", "0..1"}}},
        Case{
            "content_reference_in_itself",
            "Questionnaire",
            R"({"id":"Questionnaire.item.item.item.text","path":"Questionnaire.item.item.item.text",
                 "min":1})",
            {{"Questionnaire.item.item.item.text", "1..1"},
             {"Questionnaire.item.item.text", "0..1"},
             {"Questionnaire.item.item.item.item", "0..*"}}},
        Case{"slice_of_a_slice",
             "Observation",
             R"({"id":"Observation.component","path":"Observation.component",
                 "slicing":{"discriminator":[{"type":"pattern","path":"code"}],"rules":"closed"}},
                {"id":"Observation.component:sys","path":"Observation.component","sliceName":"sys",
                 "min":1,"max":"1"},
                {"id":"Observation.component:sys.code.coding","path":"Observation.component.code.coding",
                 "slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
                {"id":"Observation.component:sys.code.coding:loinc",
                 "path":"Observation.component.code.coding","sliceName":"loinc","min":1,"max":"1"},
                {"id":"Observation.component:sys.code.coding:loinc.code",
                 "path":"Observation.component.code.coding.code","min":1,"fixedCode":"8480-6"})",
             {{"Observation.component:sys", "1..1"},
              {"Observation.component:sys.code.coding:loinc", "1..1"},
              {"Observation.component:sys.code.coding:loinc.code", "1..1"},
              {"Observation.component:sys.code.coding:loinc.display", "0..1"},
              {"Observation.component:sys.code.coding.code", "absent"},
              {"Observation.component:sys.interpretation", "0..*"}}},
        Case{"reslice",
             "Patient",
             R"({"id":"Patient.identifier","path":"Patient.identifier",
                 "slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
                {"id":"Patient.identifier:local","path":"Patient.identifier","sliceName":"local",
                 "max":"3","slicing":{"discriminator":[{"type":"value","path":"use"}],"rules":"open"}},
                {"id":"Patient.identifier:local/old","path":"Patient.identifier",
                 "sliceName":"local/old","max":"1"})",
             {{"Patient.identifier:local", "0..3"}, {"Patient.identifier:local/old", "0..1"}}},
        Case{"paths_without_ids",
             "Observation",
             R"({"path":"Observation.component","slicing":{"discriminator":[{"type":"value",
                 "path":"code"}],"rules":"open"}},
                {"path":"Observation.component","sliceName":"a"},
                {"path":"Observation.component.code","min":1},
                {"path":"Observation.component.code.text","min":1},
                {"path":"Observation.component","sliceName":"b"},
                {"path":"Observation.component.dataAbsentReason","min":1})",
             {{"Observation.component:a.code.text", "1..1"},
              {"Observation.component:b.dataAbsentReason", "1..1"},
              {"Observation.component:a.dataAbsentReason", "0..1"},
              {"Observation.component.code.text", "absent"}}},
        Case{"choice_shortcuts",
             "Observation",
             R"({"id":"Observation.valueQuantity","path":"Observation.valueQuantity"},
                {"id":"Observation.valueQuantity.unit","path":"Observation.valueQuantity.unit","min":1},
                {"id":"Observation.valueString","path":"Observation.valueString"})",
             {{"Observation.value[x]", "0..1"},
              {"Observation.value[x]:valueQuantity.unit", "1..1"},
              {"Observation.value[x]:valueString", "0..1"}}},
        Case{"choice_slice",
             "Observation",
             R"({"id":"Observation.value[x]:valueQuantity","path":"Observation.value[x]",
                 "sliceName":"valueQuantity","min":1},
                {"id":"Observation.value[x]:valueQuantity.code","path":"Observation.value[x].code",
                 "min":1})",
             {{"Observation.value[x]:valueQuantity", "1..1"},
              {"Observation.value[x]:valueQuantity.code", "1..1"}}},
        Case{"entry_resource",
             "Bundle",
             R"({"id":"Bundle.entry.resource","path":"Bundle.entry.resource","min":1,
                 "type":[{"code":"Patient"}]},
                {"id":"Bundle.entry.resource.name","path":"Bundle.entry.resource.name","min":1})",
             {{"Bundle.entry.resource.name", "1..*"}, {"Bundle.entry.link", "0..*"}}}),
    [](const auto& info_of) { return std::string(info_of.param.name); });

TEST(Snapshot, NarrowsAChoiceToTheTypesThatAreNamed) {
  const Result<Packages> packages =
      LoadOne("Observation",
              R"({"id":"Observation.valueQuantity","path":"Observation.valueQuantity"},
                 {"id":"Observation.valueString","path":"Observation.valueString"},
                 {"id":"Observation.effective[x]:effectiveDateTime","path":"Observation.effective[x]",
                  "sliceName":"effectiveDateTime","type":[{"code":"dateTime"}]})");
  ASSERT_TRUE(packages.ok()) << packages.error().detail;
  const Profile* profile = packages->FindProfile(OwnUrl("P"));
  const ElementRule* value = RuleOf(*profile, "Observation.value[x]");
  ASSERT_EQ(value->types.size(), 2u);
  EXPECT_EQ(value->types[0].code, "Quantity");
  EXPECT_EQ(value->types[1].code, "string");
  EXPECT_EQ(value->slicing.rules, SlicingRules::kClosed);
  EXPECT_EQ(value->slicing.discriminators[0].kind, DiscriminatorKind::kType);
  EXPECT_EQ(RuleOf(*profile, "Observation.value[x]:valueString")->types[0].code, "string");
  // A slice with an id of its own leaves the others open.
  const ElementRule* effective = RuleOf(*profile, "Observation.effective[x]");
  EXPECT_EQ(effective->types.size(), 4u);
  EXPECT_EQ(effective->slicing.rules, SlicingRules::kOpen);
}

TEST(Snapshot, OfALogicalModelHasItsOwnElements) {
  const Result<Packages> packages = LoadFiles(
      {{"m.json", R"({"resourceType":"StructureDefinition","url":")" + OwnUrl("Handover") +
                      R"(","name":"Handover","kind":"logical","abstract":false,"type":"Handover",
                      "baseDefinition":")" +
                      R4Url("Element") + R"(","derivation":"specialization",
                      "differential":{"element":[{"path":"Handover"},
                      {"path":"Handover.ward","min":1,"max":"1","type":[{"code":"string"}]},
                      {"path":"Handover.task","min":0,"max":"*","type":[{"code":"BackboneElement"}]},
                      {"path":"Handover.task.due","min":0,"max":"1","type":[{"code":"date"}]}]}})"}});
  ASSERT_TRUE(packages.ok()) << packages.error().detail << packages.error().where;
  const Profile* model = packages->FindProfile(OwnUrl("Handover"));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->type, nullptr);
  EXPECT_FALSE(model->is_constraint);
  EXPECT_EQ(At(RuleOf(*model, "Handover.ward")), "1..1");
  EXPECT_EQ(RuleOf(*model, "Handover.task.due")->types[0].code, "date");
}

struct Refusal {
  const char* name;
  const char* elements;  // of a profile on Observation
  const char* detail;
  const char* element;
};

class SnapshotRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(SnapshotRefusal, NamesTheProfileAndTheElement) {
  const Result<Packages> packages = LoadOne("Observation", GetParam().elements);
  ASSERT_FALSE(packages.ok());
  EXPECT_EQ(packages.error().code, Code::kInvalid);
  EXPECT_NE(packages.error().detail.find(GetParam().detail), std::string::npos)
      << packages.error().detail;
  EXPECT_NE(packages.error().where.find("p.json: "), std::string::npos) << packages.error().where;
  EXPECT_NE(packages.error().where.find(GetParam().element), std::string::npos)
      << packages.error().where;
}

INSTANTIATE_TEST_SUITE_P(
    Snapshot, SnapshotRefusal,
    testing::Values(
        Refusal{"unknown_element", R"({"path":"Observation.colour"})", "no such element",
                "Observation.colour"},
        Refusal{"element_of_another_type", R"({"path":"Patient.name"})", "do not begin", "Patient"},
        Refusal{"unknown_in_a_type", R"({"path":"Observation.code.colour"})", "no such element",
                "Observation.code.colour"},
        Refusal{"min_below", R"({"path":"Observation.status","min":0})", "min is less",
                "Observation.status"},
        Refusal{"max_above", R"({"path":"Observation.status","max":"2"})", "max is more",
                "Observation.status"},
        Refusal{"min_above_max", R"({"path":"Observation.category","min":3,"max":"2"})",
                "min is more than max", "Observation.category"},
        Refusal{"no_number", R"({"path":"Observation.category","max":"many"})", "whole numbers",
                "Observation.category"},
        Refusal{"other_type", R"({"path":"Observation.code","type":[{"code":"Period"}]})",
                "does not allow: Period", "Observation.code"},
        Refusal{"looser_binding",
                R"({"path":"Observation.status","binding":{"strength":"preferred"}})",
                "may not be loosened", "Observation.status"},
        Refusal{"unknown_strength",
                R"({"path":"Observation.status","binding":{"strength":"firm"}})",
                "binding.strength", "Observation.status"},
        Refusal{"slice_of_nothing", R"({"path":"Observation.category","sliceName":"a"})",
                "not sliced", "Observation.category"},
        Refusal{"unknown_discriminator",
                R"({"path":"Observation.category","slicing":{"discriminator":[{"type":"odd",
                    "path":"a"}],"rules":"open"}})",
                "discriminator.type", "Observation.category"},
        Refusal{"slices_past_max",
                R"({"path":"Observation.category","max":"1","slicing":{"discriminator":[{
                    "type":"value","path":"coding"}],"rules":"open"}},
                   {"path":"Observation.category","sliceName":"a","min":1},
                   {"path":"Observation.category","sliceName":"b","min":1})",
                "ask for more", "Observation.category"},
        Refusal{"bad_fixed_value", R"({"path":"Observation.status","fixedCode":" final "})",
                "fixed or pattern", "StructureDefinition/P"}),
    [](const auto& info_of) { return std::string(info_of.param.name); });

TEST(Snapshot, RefusesABaseThatIsNotHeldAndACircle) {
  const Result<Packages> missing =
      LoadFiles({{"p.json", ProfileJson("P", "Patient", OwnUrl("None"), R"({"path":"Patient"})")}});
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().detail.find("not held: " + OwnUrl("None")), std::string::npos);
  EXPECT_NE(missing.error().where.find("p.json"), std::string::npos);
  const Result<Packages> circle =
      LoadFiles({{"a.json", ProfileJson("A", "Patient", OwnUrl("B"), R"({"path":"Patient"})")},
                 {"b.json", ProfileJson("B", "Patient", OwnUrl("A"), R"({"path":"Patient"})")}});
  ASSERT_FALSE(circle.ok());
  EXPECT_EQ(circle.error().code, Code::kInvalid);
  EXPECT_NE(circle.error().detail.find("circle"), std::string::npos);
  EXPECT_NE(circle.error().where.find(OwnUrl("A")), std::string::npos) << circle.error().where;
  const Result<Packages> itself =
      LoadFiles({{"a.json", ProfileJson("A", "Patient", OwnUrl("A"), R"({"path":"Patient"})")}});
  ASSERT_FALSE(itself.ok());
  EXPECT_NE(itself.error().detail.find("circle"), std::string::npos);
}

TEST(Snapshot, RefusesAFixedValueThatTheBaseContradicts) {
  const std::string fixed = R"({"path":"Observation.status","fixedCode":")";
  const Result<Packages> packages = LoadFiles(
      {{"a.json", ProfileJson("A", "Observation", R4Url("Observation"), fixed + "final\"}")},
       {"b.json", ProfileJson("B", "Observation", OwnUrl("A"), fixed + "amended\"}")}});
  ASSERT_FALSE(packages.ok());
  EXPECT_NE(packages.error().detail.find("fixes another value"), std::string::npos);
  EXPECT_NE(packages.error().where.find(OwnUrl("B")), std::string::npos);
}

TEST(SnapshotLimit, HoldsAtTheBoundAndNotPastIt) {
  const TempFolder folder;
  constexpr int kChain = 5;
  for (int index = 0; index < kChain; ++index) {
    const std::string base = index == 0 ? R4Url("Basic") : OwnUrl("C" + std::to_string(index - 1));
    folder.Write("p/" + std::to_string(kChain - index) + ".json",
                 ProfileJson("C" + std::to_string(index), "Basic", base, R"({"path":"Basic"})"));
  }
  PackageSources sources;
  sources.paths = {folder.path() + "/p"};
  sources.limits.chain_max = kChain;
  const Result<Packages> whole = Packages::Load(sources, R4Definitions());
  ASSERT_TRUE(whole.ok()) << whole.error().detail;
  const size_t elements = whole->FindProfile(OwnUrl("C0"))->elements.size();
  sources.limits.chain_max = kChain - 1;
  EXPECT_EQ(Packages::Load(sources, R4Definitions()).error().code, Code::kTooLarge);
  sources.limits.chain_max = kChain;
  sources.limits.elements_max = static_cast<uint32_t>(elements);
  EXPECT_TRUE(Packages::Load(sources, R4Definitions()).ok());
  sources.limits.elements_max = static_cast<uint32_t>(elements) - 1;
  EXPECT_EQ(Packages::Load(sources, R4Definitions()).error().code, Code::kTooLarge);
}

TEST(SnapshotLimit, RefusesElementsThatAreNestedTooDeep) {
  std::string path = "Questionnaire";
  for (int level = 0; level < 63; ++level) {
    path += ".item";
  }
  const auto load = [](const std::string& element) { return LoadOne("Questionnaire", element); };
  EXPECT_TRUE(load(R"({"path":")" + path + "\"}").ok());
  const Result<Packages> deep = load(R"({"path":")" + path + ".item\"}");
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().code, Code::kTooLarge);
  const Result<Packages> resliced =
      load(R"({"path":"Questionnaire.item","sliceName":"a/b/c/d/e/f/g/h/i/j"})");
  ASSERT_FALSE(resliced.ok());
  EXPECT_EQ(resliced.error().code, Code::kTooLarge);
}

TEST(SnapshotLimit, CountsSlicesAsTheyAreMade) {
  std::string elements = R"({"path":"Observation.component.code.text","min":1},
      {"path":"Observation.component","slicing":{"discriminator":[{"type":"value",
       "path":"code"}],"rules":"open"}})";
  for (int slice = 0; slice < 2'000; ++slice) {
    elements +=
        R"(,{"path":"Observation.component","sliceName":"s)" + std::to_string(slice) + "\"}";
  }
  const Result<Packages> packages = LoadOne("Observation", elements);
  ASSERT_FALSE(packages.ok());
  EXPECT_EQ(packages.error().code, Code::kTooLarge);
  EXPECT_NE(packages.error().detail.find("too many elements"), std::string::npos);
}

}  // namespace
}  // namespace gw::fhir
