#include "gateway/fhir/definitions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gw::fhir {
namespace {

using Membership = Definitions::Membership;

const Definitions& R4() {
  static const Definitions kDefinitions = Definitions::R4();
  return kDefinitions;
}

TEST(DefinitionsTest, HoldsAllOfR4) {
  EXPECT_EQ(R4().resource_types().size(), 146u);
  EXPECT_TRUE(
      std::is_sorted(R4().resource_types().begin(), R4().resource_types().end(),
                     [](const TypeDef* a, const TypeDef* b) { return a->name() < b->name(); }));
  EXPECT_EQ(R4().Find("SubscriptionStatus"), nullptr) << "of R4B";
  EXPECT_EQ(R4().Find("Nobody"), nullptr);
  EXPECT_EQ(R4().Find(""), nullptr);
}

TEST(DefinitionsTest, Kinds) {
  struct Case {
    const char* name;
    Kind kind;
    const char* base;
    bool is_abstract;
  };
  for (const Case& expected :
       {Case{"Patient", Kind::kResource, "DomainResource", false},
        Case{"Bundle", Kind::kResource, "Resource", false},
        Case{"DomainResource", Kind::kResource, "Resource", true},
        Case{"Resource", Kind::kResource, "", true},
        Case{"HumanName", Kind::kComplex, "Element", false},
        Case{"Age", Kind::kComplex, "Quantity", false}, Case{"Element", Kind::kComplex, "", true},
        Case{"CarePlan.activity", Kind::kBackbone, "BackboneElement", false},
        Case{"Timing.repeat", Kind::kBackbone, "Element", false},
        Case{"code", Kind::kPrimitive, "string", false},
        Case{"xhtml", Kind::kPrimitive, "Element", false}}) {
    const TypeDef* type = R4().Find(expected.name);
    ASSERT_NE(type, nullptr) << expected.name;
    EXPECT_EQ(type->name(), expected.name);
    EXPECT_EQ(type->kind(), expected.kind) << expected.name;
    EXPECT_EQ(type->base() == nullptr ? "" : type->base()->name(), expected.base) << expected.name;
    EXPECT_EQ(type->is_abstract(), expected.is_abstract) << expected.name;
  }
  EXPECT_TRUE(R4().Find("Patient")->Is("Resource"));
  EXPECT_FALSE(R4().Find("Bundle")->Is("DomainResource"));
}

TEST(DefinitionsTest, EveryPrimitiveIsKnownByItsForm) {
  for (const char* name :
       {"base64Binary", "boolean",     "canonical", "code",     "date", "dateTime",    "decimal",
        "id",           "instant",     "integer",   "markdown", "oid",  "positiveInt", "string",
        "time",         "unsignedInt", "uri",       "url",      "uuid", "xhtml"}) {
    ASSERT_NE(R4().Find(name), nullptr) << name;
    EXPECT_NE(R4().Find(name)->primitive(), Primitive::kNone) << name;
    EXPECT_EQ(R4().Find(name)->Find("value"), nullptr) << name << ": the value is the node's text";
  }
  EXPECT_EQ(R4().Find("HumanName")->primitive(), Primitive::kNone);
}

TEST(DefinitionsTest, Elements) {
  const ElementDef* subject = R4().Find("CarePlan")->Find("subject");
  ASSERT_NE(subject, nullptr);
  EXPECT_EQ(subject->min, 1);
  EXPECT_EQ(subject->max, 1);
  EXPECT_TRUE(subject->summary);
  ASSERT_EQ(subject->targets.size(), 2u);
  EXPECT_EQ(subject->targets[0], "Patient");
  const ElementDef* status = R4().Find("Consent")->Find("status");
  EXPECT_TRUE(status->modifier);
  EXPECT_EQ(status->binding, Strength::kRequired);
  EXPECT_EQ(status->value_set, "http://hl7.org/fhir/ValueSet/consent-state-codes");
  const ElementDef* value = R4().Find("Observation")->Find("value");
  ASSERT_NE(value, nullptr);
  EXPECT_TRUE(value->choice);
  EXPECT_EQ(value->types.size(), 11u);
  EXPECT_EQ(R4().Find("Patient")->Find("name")->max, kMany);
  EXPECT_EQ(R4().Find("Patient")->Find("id")->types[0]->name(), "id");
  EXPECT_EQ(R4().Find("HumanName")->Find("id")->types[0]->name(), "string");
  EXPECT_EQ(R4().Find("Extension")->Find("url")->types[0]->name(), "uri");
  EXPECT_EQ(R4().Find("Consent.provision")->Find("provision")->types[0],
            R4().Find("Consent.provision"));
  EXPECT_EQ(R4().Find("Bundle.entry")->Find("resource")->types[0]->name(), "Resource");
  EXPECT_TRUE(R4().Find("CarePlan.activity")->Find("outcomeReference")->targets.empty())
      << "Reference(Any)";
}

// compiler/r4_corrections.json: the package of definitions departs from what HL7 published.
TEST(DefinitionsTest, IsR4AsPublished) {
  for (const auto& [type, element] : std::vector<std::pair<const char*, const char*>>{
           {"Meta", "project"},
           {"Meta", "account"},
           {"Binary", "url"},
           {"DeviceDefinition", "classification"},
           {"ObservationDefinition", "publisher"},
           {"ResearchStudy", "associatedParty"},
           {"ResearchStudy.objective", "description"},
           {"EvidenceVariable.characteristic", "linkId"}}) {
    ASSERT_NE(R4().Find(type), nullptr) << type;
    EXPECT_EQ(R4().Find(type)->Find(element), nullptr) << type << "." << element;
  }
  std::string order;
  for (const ElementDef& element : R4().Find("EvidenceVariable.characteristic")->elements()) {
    order += std::string(element.name) + " ";
  }
  EXPECT_EQ(order,
            "id extension modifierExtension description definition usageContext exclude "
            "participantEffective timeFromStart groupMeasure ");
  EXPECT_EQ(R4().Find("EvidenceVariable")->Find("characteristic")->min, 1);
  EXPECT_EQ(R4().Find("DetectedIssue")->Find("status")->value_set,
            "http://hl7.org/fhir/ValueSet/observation-status");
  EXPECT_EQ(R4().Find("Bundle.entry.response")->Find("outcome")->types[0]->name(), "Resource");
  EXPECT_EQ(R4().Find("ResearchStudy")->Find("site")->targets.size(), 1u);
  EXPECT_EQ(R4().FindSearch("DeviceDefinition", "classification"), nullptr);
  EXPECT_NE(R4().FindSearch("DeviceDefinition", "parent"), nullptr);
}

TEST(DefinitionsTest, JsonNamesLeadBothWays) {
  size_t properties = 0;
  for (const TypeDef* type : R4().resource_types()) {
    for (const ElementDef& element : type->elements()) {
      for (const TypeDef* element_type : element.types) {
        const std::string_view name = type->JsonName(element, *element_type);
        const TypeDef::Property property = type->ByJsonName(name);
        EXPECT_EQ(property.element, &element) << type->name() << "." << name;
        EXPECT_EQ(property.type, element_type) << type->name() << "." << name;
        ++properties;
      }
    }
  }
  EXPECT_GT(properties, 3'000u);
  const TypeDef& observation = *R4().Find("Observation");
  EXPECT_EQ(observation.JsonName(*observation.Find("value"), *R4().Find("dateTime")),
            "valueDateTime");
  EXPECT_EQ(observation.ByJsonName("value").element, nullptr);
  EXPECT_EQ(observation.ByJsonName("valueAddress").element, nullptr);
  EXPECT_EQ(observation.ByJsonName("").element, nullptr);
}

const Invariant* FindInvariant(std::string_view type, std::string_view key) {
  for (const Invariant& invariant : R4().Find(type)->invariants()) {
    if (invariant.key == key) {
      return &invariant;
    }
  }
  return nullptr;
}

TEST(DefinitionsTest, Invariants) {
  const Invariant* cpl3 = FindInvariant("CarePlan.activity", "cpl-3");
  ASSERT_NE(cpl3, nullptr);
  EXPECT_EQ(cpl3->expression, "detail.empty() or reference.empty()");
  EXPECT_EQ(cpl3->element, "");
  EXPECT_TRUE(cpl3->error);
  EXPECT_EQ(FindInvariant("CarePlan", "cpl-3"), nullptr) << "it is the activity's own";
  EXPECT_EQ(FindInvariant("Organization", "org-2")->element, "address");
  EXPECT_NE(FindInvariant("Patient", "dom-2"), nullptr);
  EXPECT_FALSE(FindInvariant("Patient", "dom-6")->error);
  EXPECT_NE(FindInvariant("Age", "age-1"), nullptr);
  EXPECT_EQ(FindInvariant("Dosage.doseAndRate", "sqty-1")->element, "dose")
      << "SimpleQuantity's rule goes with the elements that ask for it";
  EXPECT_EQ(FindInvariant("Patient", "ele-1"), nullptr) << "no element of a type repeats its rules";
  std::set<std::string_view> expressions;
  for (const TypeDef* type : R4().resource_types()) {
    for (const Invariant& invariant : type->invariants()) {
      EXPECT_FALSE(invariant.expression.empty()) << type->name() << " " << invariant.key;
      expressions.insert(invariant.expression);
    }
  }
  EXPECT_GT(expressions.size(), 50u);
}

TEST(DefinitionsTest, SearchParameters) {
  const SearchParameter* patient = R4().FindSearch("CarePlan", "patient");
  ASSERT_NE(patient, nullptr);
  EXPECT_EQ(patient->expression, "CarePlan.subject.where(resolve() is Patient)");
  EXPECT_EQ(patient->kind, SearchKind::kReference);
  EXPECT_EQ(R4().FindSearch("AllergyIntolerance", "code")->expression,
            "AllergyIntolerance.code | AllergyIntolerance.reaction.substance");
  EXPECT_EQ(R4().FindSearch("MedicationRequest", "code")->expression,
            "(MedicationRequest.medication as CodeableConcept)");
  EXPECT_EQ(R4().FindSearch("InsurancePlan", "name")->expression, "name | alias");
  EXPECT_EQ(R4().FindSearch("Patient", "_id")->base, "Resource");
  EXPECT_EQ(R4().FindSearch("Bundle", "_text"), nullptr) << "not a DomainResource";
  EXPECT_NE(R4().FindSearch("Patient", "_text"), nullptr);
  EXPECT_EQ(R4().FindSearch("Patient", "nobody"), nullptr);
  EXPECT_EQ(R4().FindSearch("Nobody", "_id"), nullptr);
  size_t own = 0;
  for (const SearchParameter* parameter : R4().SearchParametersOf("Goal")) {
    own += parameter->base == "Goal" ? 1u : 0u;
  }
  EXPECT_EQ(own, 8u);
}

TEST(DefinitionsTest, Membership) {
  constexpr const char* kGender = "http://hl7.org/fhir/ValueSet/administrative-gender";
  constexpr const char* kGenderSystem = "http://hl7.org/fhir/administrative-gender";
  struct Case {
    const char* value_set;
    const char* system;
    const char* code;
    Membership expected;
  };
  for (const Case& asked :
       {Case{kGender, "", "female", Membership::kMember},
        Case{kGender, kGenderSystem, "female", Membership::kMember},
        Case{kGender, "urn:other", "female", Membership::kNotMember},
        Case{kGender, "", "Female", Membership::kNotMember},
        Case{kGender, "", "", Membership::kNotMember},
        Case{"http://hl7.org/fhir/ValueSet/units-of-time", "", "wk", Membership::kMember},
        Case{"http://hl7.org/fhir/ValueSet/observation-status", "", "corrected",
             Membership::kMember},
        Case{"http://hl7.org/fhir/ValueSet/currencies", "", "GBP", Membership::kUnknown},
        Case{"http://hl7.org/fhir/ValueSet/mimetypes", "", "text/plain", Membership::kUnknown},
        Case{"http://example.org/ValueSet/unknown", "", "x", Membership::kUnknown}}) {
    EXPECT_EQ(R4().IsMember(asked.value_set, asked.system, asked.code), asked.expected)
        << asked.value_set << " " << asked.system << " " << asked.code;
  }
}

TEST(DefinitionsTest, EveryRequiredBindingButFourExpands) {
  std::set<std::string_view> unknown;
  const auto note = [&unknown](const TypeDef& type) {
    for (const ElementDef& element : type.elements()) {
      if (element.binding == Strength::kRequired &&
          R4().IsMember(element.value_set, {}, "no such code") == Membership::kUnknown) {
        unknown.insert(element.value_set);
      }
    }
  };
  for (const TypeDef* type : R4().resource_types()) {
    note(*type);
    for (const ElementDef& element : type->elements()) {
      for (const TypeDef* inner : element.types) {
        note(*inner);
      }
    }
  }
  for (const std::string_view value_set : unknown) {
    EXPECT_TRUE(value_set == "http://hl7.org/fhir/ValueSet/currencies" ||
                value_set == "http://hl7.org/fhir/ValueSet/mimetypes" ||
                value_set == "http://hl7.org/fhir/ValueSet/all-distance-units" ||
                value_set == "http://hl7.org/fhir/ValueSet/ucum-units" ||
                value_set == "http://hl7.org/fhir/ValueSet/characteristic-combination" ||
                value_set == "http://loinc.org/vs/LL379-9")
        << value_set;
  }
}

TEST(DefinitionsTest, Hierarchies) {
  constexpr const char* kActCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
  constexpr const char* kReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
  struct Case {
    const char* system;
    const char* ancestor;
    const char* code;
    bool expected;
  };
  for (const Case& asked :
       {Case{kReason, "PurposeOfUse", "TREAT", true}, Case{kReason, "TREAT", "TREAT", true},
        Case{kReason, "TREAT", "ETREAT", true}, Case{kReason, "ETREAT", "TREAT", false},
        Case{kReason, "TREAT", "HRESCH", false}, Case{kReason, "TREAT", "no such code", false},
        Case{kActCode, "_InformationSensitivityPolicy", "PSY", true},
        Case{"urn:unknown", "x", "x", true}, Case{"urn:unknown", "x", "y", false}}) {
    EXPECT_EQ(R4().Subsumes(asked.system, asked.ancestor, asked.code), asked.expected)
        << asked.ancestor << " " << asked.code;
  }
  EXPECT_TRUE(R4().KnowsCode("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R"));
  EXPECT_FALSE(R4().KnowsCode("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "X"));
  EXPECT_TRUE(
      R4().KnowsCode("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"));
  EXPECT_FALSE(R4().KnowsCode("urn:unknown", "R"));
}

TEST(DefinitionsTest, PatientCompartment) {
  const auto plan = R4().PatientCompartment("CarePlan");
  ASSERT_EQ(plan.size(), 2u);
  EXPECT_EQ(plan[0], "patient");
  EXPECT_EQ(plan[1], "performer");
  EXPECT_TRUE(R4().PatientCompartment("Organization").empty());
  EXPECT_TRUE(R4().PatientCompartment("Nobody").empty());
}

TEST(DefinitionsTest, MovesWithItsTypesInPlace) {
  Definitions first = Definitions::R4();
  const TypeDef* patient = first.Find("Patient");
  const Definitions second = std::move(first);
  EXPECT_EQ(second.Find("Patient"), patient);
}

}  // namespace
}  // namespace gw::fhir
