#include "gateway/fhir/resource.h"

#include <gtest/gtest.h>

#include <string>

namespace gw::fhir {
namespace {

const Definitions& R4() {
  static const Definitions kDefinitions = Definitions::R4();
  return kDefinitions;
}

Resource Parsed(std::string_view json) {
  Result<Resource> resource = ParseJson(json, R4(), Limits{});
  EXPECT_TRUE(resource.ok()) << resource.error().detail << " at " << resource.error().where;
  return std::move(*resource);
}

std::string Written(const Element& element) {
  std::string json;
  WriteJson(element, &json);
  return json;
}

constexpr const char* kCarePlan =
    R"({"resourceType":"CarePlan","id":"c1","status":"active","intent":"plan",)"
    R"("subject":{"reference":"Patient/p1"},)"
    R"("activity":[{"detail":{"status":"in-progress"}},{"reference":{"reference":"Task/t1"}}]})";

TEST(ResourceTest, MakesOnlyConcreteResources) {
  EXPECT_TRUE(Resource::Make("Patient", R4()).ok());
  for (const char* type : {"DomainResource", "Resource", "HumanName", "CarePlan.activity", ""}) {
    const Result<Resource> made = Resource::Make(type, R4());
    ASSERT_FALSE(made.ok()) << type;
    EXPECT_EQ(made.error().code, Code::kUnsupported) << type;
  }
}

TEST(ResourceTest, ReadsByNameAndPath) {
  const Resource plan = Parsed(kCarePlan);
  EXPECT_EQ(plan.type(), "CarePlan");
  EXPECT_EQ(plan.id(), "c1");
  const Element& root = plan.root();
  EXPECT_EQ(root.TextAt("subject.reference"), "Patient/p1");
  EXPECT_EQ(root.Count("activity"), 2u);
  EXPECT_EQ(root.Child("activity", 1)->TextAt("reference.reference"), "Task/t1");
  EXPECT_EQ(root.Child("activity", 2), nullptr);
  EXPECT_EQ(root.Path("activity.detail.status")->type().name(), "code");
  EXPECT_EQ(root.Path("activity.reference"), nullptr) << "Path takes the first of each";
  EXPECT_EQ(root.TextAt("period.start"), "");
  EXPECT_FALSE(root.has_text());
}

TEST(ResourceTest, LocationsAreFhirPaths) {
  const Resource plan = Parsed(kCarePlan);
  EXPECT_EQ(plan.root().Location(), "CarePlan");
  EXPECT_EQ(plan.root().Path("activity.detail.status")->Location(),
            "CarePlan.activity[0].detail.status");
  EXPECT_EQ(plan.root().Child("activity", 1)->Child("reference")->Location(),
            "CarePlan.activity[1].reference");
}

TEST(ResourceTest, AddsInDefinitionOrder) {
  Resource patient = *Resource::Make("Patient", R4());
  Element& root = patient.root();
  ASSERT_TRUE(root.Add("gender", "other").ok());
  Element* first = *root.Add("name");
  ASSERT_TRUE(first->Add("family", "Sample").ok());
  ASSERT_TRUE(root.Add("active", "true").ok());
  Element* second = *root.Add("name");
  ASSERT_TRUE(second->Add("text", "S").ok());
  ASSERT_TRUE(root.Add("id", "p1").ok());
  std::string order;
  for (const Element* child = root.first_child(); child != nullptr; child = child->next()) {
    order += std::string(child->name()) + " ";
  }
  EXPECT_EQ(order, "id active name name gender ");
  EXPECT_EQ(root.Child("name", 1), second);
}

TEST(ResourceTest, ChoicesTakeTheirTypeFromTheNameOrTheCaller) {
  Resource observation = *Resource::Make("Observation", R4());
  Element& root = observation.root();
  Element* value = *root.Add("valueDateTime", "2026");
  EXPECT_EQ(value->name(), "value");
  EXPECT_EQ(value->type().name(), "dateTime");
  EXPECT_EQ(root.Child("value"), value);
  root.Clear("value");
  EXPECT_EQ(root.Child("value"), nullptr);
  ASSERT_TRUE(root.AddTyped("value", *R4().Find("Quantity")).ok());
  EXPECT_EQ(Written(root), R"({"resourceType":"Observation"})")
      << "an empty element is not written";
}

TEST(ResourceTest, RefusesWhatTheDefinitionRefuses) {
  Resource patient = *Resource::Make("Patient", R4());
  Element& root = patient.root();
  ASSERT_TRUE(root.Add("birthDate", "1950").ok());
  struct Case {
    const char* name;
    const char* detail;
    const char* where;
  };
  for (const Case& refused : {Case{"nickname", "no such element", "Patient.nickname"},
                              Case{"birthDate", "may not repeat", "Patient.birthDate"},
                              Case{"deceased", "needs its type", "Patient.deceased"}}) {
    const Result<Element*> added = root.Add(refused.name, "x");
    ASSERT_FALSE(added.ok()) << refused.name;
    EXPECT_EQ(added.error().code, Code::kInvalid);
    EXPECT_NE(added.error().detail.find(refused.detail), std::string::npos);
    EXPECT_EQ(added.error().where, refused.where);
  }
  EXPECT_FALSE(root.AddTyped("deceased", *R4().Find("Quantity")).ok());
  EXPECT_FALSE(root.AddTyped("contained", *R4().Find("Coding")).ok());
  EXPECT_FALSE(root.AddTyped("contained", *R4().Find("DomainResource")).ok());
  EXPECT_TRUE(root.AddTyped("contained", *R4().Find("Organization")).ok());
}

TEST(ResourceTest, CopiesAcrossTrees) {
  const Resource plan = Parsed(kCarePlan);
  Resource bundle = *Resource::Make("Bundle", R4());
  Element* entry = *bundle.root().Add("entry");
  ASSERT_TRUE(entry->AddCopy("resource", plan.root()).ok());
  EXPECT_EQ(Written(bundle.root()),
            std::string(R"({"resourceType":"Bundle","entry":[{"resource":)") + kCarePlan + "}]}");
  const Resource copy = Resource::CopyOf(*bundle.root().Path("entry.resource"));
  EXPECT_EQ(Written(copy.root()), kCarePlan);
  Resource task = *Resource::Make("Task", R4());
  EXPECT_TRUE(task.root().AddCopy("for", *plan.root().Child("subject")).ok());
  EXPECT_TRUE(task.root().AddCopy("description", *plan.root().Child("status")).ok())
      << "a code may become a string";
  EXPECT_EQ(task.root().Child("description")->type().name(), "string");
  EXPECT_FALSE(task.root().AddCopy("code", *plan.root().Child("subject")).ok());
}

TEST(ResourceTest, CloneSharesNothing) {
  Resource plan = Parsed(kCarePlan);
  const Resource clone = plan.Clone();
  plan.root().Child("status")->SetText("revoked");
  EXPECT_EQ(clone.root().TextAt("status"), "active");
}

TEST(ResourceTest, RemovesAndClears) {
  Resource plan = Parsed(kCarePlan);
  Element& root = plan.root();
  root.Remove(root.Child("activity", 1));
  EXPECT_EQ(root.Count("activity"), 1u);
  ASSERT_TRUE(root.Add("activity").ok());
  EXPECT_EQ(root.Count("activity"), 2u) << "appending works after the last child went";
  root.Clear("activity");
  EXPECT_EQ(root.Count("activity"), 0u);
  root.Clear("resource that has none");
  for (const char* name : {"id", "status", "intent", "subject"}) {
    root.Clear(name);
  }
  EXPECT_EQ(root.first_child(), nullptr);
  ASSERT_TRUE(root.Add("id", "c2").ok());
  EXPECT_EQ(plan.id(), "c2");
}

TEST(ResourceTest, SetsIdAndVersion) {
  Resource plan = Parsed(kCarePlan);
  plan.SetId("c9");
  plan.SetVersion(7, "2026-01-20T10:00:00.000Z");
  plan.SetVersion(8, "2026-01-20T11:00:00.000Z");
  EXPECT_EQ(plan.id(), "c9");
  EXPECT_EQ(plan.version_id(), "8");
  EXPECT_EQ(plan.last_updated(), "2026-01-20T11:00:00.000Z");
  EXPECT_EQ(
      Written(plan.root()).find(R"({"resourceType":"CarePlan","id":"c9","meta":{"versionId")"), 0u);
}

TEST(ResourceTest, MovesAChildAmongThoseOfItsName) {
  struct Case {
    uint32_t from;
    uint32_t to;
    const char* given;
  };
  for (const Case& test : {Case{0, 2, "bca"}, Case{2, 0, "cab"}, Case{1, 1, "abc"},
                           Case{0, 9, "bca"}, Case{2, 1, "acb"}}) {
    Resource patient = Parsed(
        R"({"resourceType":"Patient","name":[{"family":"F","given":["a","b","c"],"suffix":["S"]}]})");
    Element* name = patient.root().Child("name");
    name->MoveTo(name->Child("given", test.from), test.to);
    std::string given;
    for (uint32_t i = 0; i < name->Count("given"); ++i) {
      given += name->Child("given", i)->text();
    }
    EXPECT_EQ(given, test.given) << test.from << " to " << test.to;
    EXPECT_EQ(Written(*name).find(R"({"family":"F","given":[)"), 0u);
    ASSERT_TRUE(name->Add("suffix", "T").ok());
    EXPECT_NE(Written(*name).find(R"("suffix":["S","T"])"), std::string::npos);
    name->MoveTo(name->Child("family"), 5);
    EXPECT_EQ(Written(*name).find(R"({"family":"F","given":[)"), 0u);
  }
}

TEST(ModelTest, BuildsSourceModels) {
  ModelBuilder builder(R4());
  builder.AddType("Row", {{"person", "Person", 1}, {"visit", "dateTime", kMany}});
  builder.AddType("Person", {{"name", "string", 1}, {"knows", "Person", kMany}});
  EXPECT_EQ(builder.Find("Row"), nullptr) << "not before Finish()";
  ASSERT_TRUE(builder.Finish().ok());
  Resource row = Resource::MakeOf(*builder.Find("Row"));
  Element* person = *row.root().Add("person");
  EXPECT_EQ(person->type().kind(), Kind::kModel);
  ASSERT_TRUE((*person->Add("knows"))->Add("name", "N").ok());
  ASSERT_TRUE(row.root().Add("visit", "2026").ok());
  EXPECT_EQ(row.root().Path("person.knows.name")->Location(), "Row.person.knows[0].name");
  EXPECT_EQ(row.root().Child("visit")->type().primitive(), Primitive::kDateTime);
  EXPECT_FALSE(row.root().Add("person").ok());
}

TEST(ModelTest, NamesTheTypeThatDoesNotExist) {
  ModelBuilder builder(R4());
  builder.AddType("Row", {{"person", "Persona", 1}});
  const Status status = builder.Finish();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().detail.find("Persona"), std::string::npos);
  EXPECT_EQ(status.error().where, "Row.person");
}

}  // namespace
}  // namespace gw::fhir
