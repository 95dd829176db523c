#include <gtest/gtest.h>

#include <string>

#include "gateway/fhir/resource.h"

namespace gw::fhir {
namespace {

const Definitions& R4() {
  static const Definitions kDefinitions = Definitions::R4();
  return kDefinitions;
}

std::string Written(const Resource& resource) {
  std::string json;
  WriteJson(resource, &json);
  return json;
}

struct RoundTrip {
  const char* what;
  const char* in;
  const char* out;  // null: the same bytes
};

constexpr RoundTrip kRoundTrips[] = {
    {"nothing but a type", R"({"resourceType":"Patient"})", nullptr},
    {"a decimal keeps its digits",
     R"({"resourceType":"Observation","status":"final","valueQuantity":{"value":1.50}})", nullptr},
    {"exponents and long fractions",
     R"({"resourceType":"Observation","status":"final",)"
     R"("valueQuantity":{"value":1.1030161663305387E+2}})",
     nullptr},
    {"booleans and integers",
     R"({"resourceType":"Patient","active":true,"multipleBirthInteger":2})", nullptr},
    {"definition order",
     R"({"resourceType":"Patient","birthDate":"1950-01-02","active":false,"id":"p1"})",
     R"({"resourceType":"Patient","id":"p1","active":false,"birthDate":"1950-01-02"})"},
    {"the type may come last",
     R"({"id":"p1","name":[{"family":"Sample"}],"resourceType":"Patient"})",
     R"({"resourceType":"Patient","id":"p1","name":[{"family":"Sample"}]})"},
    {"an extension of a primitive",
     R"({"resourceType":"Patient","birthDate":"1950","_birthDate":{"id":"b",)"
     R"("extension":[{"url":"http://example.org/x","valueCode":"y"}]}})",
     nullptr},
    {"an extension where the value is absent",
     R"({"resourceType":"Patient","_birthDate":{"extension":[{"url":"http://example.org/x",)"
     R"("valueCode":"y"}]}})",
     nullptr},
    {"the extension before the value",
     R"({"resourceType":"Patient","_birthDate":{"id":"b"},"birthDate":"1950"})",
     R"({"resourceType":"Patient","birthDate":"1950","_birthDate":{"id":"b"}})"},
    {"padded arrays",
     R"({"resourceType":"Patient","name":[{"given":["Ann",null,"Zoe"],"_given":[null,)"
     R"({"id":"m"},{"id":"z"}]}]})",
     nullptr},
    {"the shorter array first, with others between",
     R"({"resourceType":"Patient","name":[{"_given":[{"id":"a"}],"text":"A B","given":["A",)"
     R"("B"]}]})",
     R"({"resourceType":"Patient","name":[{"text":"A B","given":["A","B"],)"
     R"("_given":[{"id":"a"},null]}]})"},
    {"contained resources of any type",
     R"({"resourceType":"CarePlan","contained":[{"id":"o","resourceType":"Organization"},)"
     R"({"resourceType":"Goal","id":"g"}],"status":"active"})",
     R"({"resourceType":"CarePlan","contained":[{"resourceType":"Organization","id":"o"},)"
     R"({"resourceType":"Goal","id":"g"}],"status":"active"})"},
    {"a Bundle within a Bundle, types last",
     R"({"type":"collection","entry":[{"resource":{"entry":[{"resource":{"id":"x",)"
     R"("resourceType":"Basic"}}],"resourceType":"Bundle"}}],"resourceType":"Bundle"})",
     R"({"resourceType":"Bundle","type":"collection",)"
     R"("entry":[{"resource":{"resourceType":"Bundle",)"
     R"("entry":[{"resource":{"resourceType":"Basic","id":"x"}}]}}]})"},
    {"Parameters",
     R"({"resourceType":"Parameters","parameter":[{"name":"r",)"
     R"("resource":{"resourceType":"Patient"}},{"name":"s","valueString":"t"}]})",
     nullptr},
    {"a nested element that is defined by reference",
     R"({"resourceType":"Consent","status":"active",)"
     R"("provision":{"provision":[{"provision":[{"type":"deny"}]}]}})",
     nullptr},
    {"escapes", R"({"resourceType":"Basic","id":"b","author":{"display":"\"A\" \\ \n \u00e9"}})",
     "{\"resourceType\":\"Basic\",\"id\":\"b\",\"author\":{\"display\":\"\\\"A\\\" \\\\ \\n "
     "\xC3\xA9\"}}"},
    {"a narrative",
     R"({"resourceType":"Basic","text":{"status":"empty",)"
     R"("div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}})",
     nullptr},
};

TEST(JsonTest, RoundTrips) {
  for (const RoundTrip& trip : kRoundTrips) {
    const Result<Resource> read = ParseJson(trip.in, R4(), Limits{});
    ASSERT_TRUE(read.ok()) << trip.what << ": " << read.error().detail << " at "
                           << read.error().where;
    EXPECT_EQ(Written(*read), trip.out == nullptr ? trip.in : trip.out) << trip.what;
    // What was written reads as the same again.
    const Result<Resource> again = ParseJson(Written(*read), R4(), Limits{});
    ASSERT_TRUE(again.ok()) << trip.what;
    EXPECT_EQ(Written(*again), Written(*read)) << trip.what;
  }
}

// Each element is found where its value begins: an "_" member counts where there is no value.
TEST(JsonTest, ElementsKnowTheirOffset) {
  const std::string text = R"({"resourceType":"Patient","_birthDate":{"id":"b"},
  "birthDate":"1950","contained":[ {"id":"o","resourceType":"Basic"}],
  "active":true,"multipleBirthInteger": 12,
  "name":[{"given":["A",null],"_given":[null,{"id":"g"},{"id":"h"}]}, {"family":"F"}]})";
  const Result<Resource> patient = ParseJson(text, R4(), Limits{});
  ASSERT_TRUE(patient.ok()) << patient.error().detail << " at " << patient.error().where;
  const Element& root = patient->root();
  EXPECT_EQ(root.offset(), 0u);
  const std::pair<const Element*, const char*> cases[] = {
      {root.Path("birthDate"), R"("1950")"},
      {root.Path("birthDate.id"), R"("b"})"},
      {root.Path("contained"), R"({"id":"o")"},
      {root.Path("contained.id"), R"("o")"},
      {root.Path("active"), "true"},
      {root.Child("multipleBirth"), "12,"},
      {root.Child("name", 0), R"({"given")"},
      {root.Child("name", 0)->Child("given", 0), R"("A")"},
      {root.Child("name", 0)->Child("given", 1), R"({"id":"g")"},
      {root.Child("name", 0)->Child("given", 2), R"({"id":"h")"},
      {root.Child("name", 1), R"({"family")"},
      {root.Child("name", 1)->Child("family"), R"("F")"},
  };
  for (const auto& [element, start] : cases) {
    ASSERT_NE(element, nullptr) << start;
    EXPECT_EQ(text.substr(element->offset(), std::string(start).size()), start);
  }
}

TEST(JsonTest, AResourceWhoseTypeComesLastKnowsItsOffsets) {
  const std::string text = R"( {"id":"p","active":false,"resourceType":"Patient"})";
  const Result<Resource> patient = ParseJson(text, R4(), Limits{});
  ASSERT_TRUE(patient.ok());
  EXPECT_EQ(patient->root().offset(), 1u);
  EXPECT_EQ(text.substr(patient->root().Path("id")->offset(), 3), R"("p")");
  EXPECT_EQ(text.substr(patient->root().Path("active")->offset(), 5), "false");
}

struct Refused {
  const char* in;
  const char* detail;
  const char* where;
  Code code = Code::kInvalid;
};

constexpr Refused kRefused[] = {
    {R"([])", "a resource is an object", "line 1"},
    {R"("Patient")", "a resource is an object", "line 1"},
    {R"({})", "a resource without a resourceType", "line 1"},
    {R"({"id":"x"})", "a resource without a resourceType", "line 1"},
    {R"({"resourceType":7})", "resourceType is a text", "line 1"},
    {R"({"resourceType":"Nobody"})", "not a resource type of FHIR R4", "line 1",
     Code::kUnsupported},
    {R"({"resourceType":"DomainResource"})", "not a resource type of FHIR R4", "line 1",
     Code::kUnsupported},
    {R"({"resourceType":"HumanName"})", "not a resource type of FHIR R4", "line 1",
     Code::kUnsupported},
    {"{\"resourceType\":\"Patient\",\n \"nickname\":\"x\"}",
     "a property that the type does not have", "Patient (line 2"},
    {R"({"resourceType":"Patient","name":[{"first":"x"}]})",
     "a property that the type does not have", "Patient.name[0]"},
    {R"({"resourceType":"Patient","_name":[{"id":"x"}]})", "a property that the type does not have",
     "Patient"},
    {R"({"resourceType":"Observation","value":"x"})", "a property that the type does not have",
     "Observation"},
    {R"({"resourceType":"Patient","birthDate":1950})", "a text was expected", "Patient.birthDate"},
    {R"({"resourceType":"Patient","birthDate":"1950-02-30"})", "not a valid date",
     "Patient.birthDate"},
    {R"({"resourceType":"Patient","birthDate":""})", "a text may not be empty",
     "Patient.birthDate"},
    {R"({"resourceType":"Patient","birthDate":null})",
     "null stands only in the arrays of a primitive's values and extensions", "Patient.birthDate"},
    {R"({"resourceType":"Patient","active":"true"})", "true or false was expected",
     "Patient.active"},
    {R"({"resourceType":"Patient","active":{}})", "a primitive value was expected, not an object",
     "Patient.active"},
    {R"({"resourceType":"Patient","multipleBirthInteger":"2"})", "a number was expected",
     "Patient.multipleBirth"},
    {R"({"resourceType":"Patient","multipleBirthInteger":2.5})", "not a valid integer",
     "Patient.multipleBirth"},
    {R"({"resourceType":"Patient","multipleBirthInteger":2,"multipleBirthBoolean":true})",
     "a choice of types has two values", "Patient.multipleBirth"},
    {R"({"resourceType":"Patient","name":{"family":"x"}})",
     "an element that may repeat is an array", "Patient.name[0]"},
    {R"({"resourceType":"Patient","name":[]})", "an array without an item", "Patient.name"},
    {R"({"resourceType":"Patient","name":[{}]})", "an object without a member", "Patient.name[0]"},
    {R"({"resourceType":"Patient","name":["x"]})", "an object was expected", "Patient.name[0]"},
    {R"({"resourceType":"Patient","name":[[{"family":"x"}]]})", "an array within an array",
     "Patient.name[0]"},
    {R"({"resourceType":"Patient","name":[null]})",
     "null stands only in the arrays of a primitive's values and extensions", "Patient.name[0]"},
    {R"({"resourceType":"Patient","gender":["male"]})",
     "the element does not repeat, so it is no array", "Patient.gender"},
    {R"({"resourceType":"Patient","name":[{"given":["A",null]}]})",
     "null where there is neither a value nor an extension", "Patient.name[0].given[1]"},
    {R"({"resourceType":"Patient","name":[{"given":["A",null],"_given":[{"id":"a"},null]}]})",
     "null where there is neither a value nor an extension", "Patient.name[0].given[1]"},
    {R"({"resourceType":"Patient","_birthDate":{}})", "an object without a member",
     "Patient.birthDate"},
    {R"({"resourceType":"Patient","_birthDate":"x"})", "an object was expected",
     "Patient.birthDate"},
    {R"({"resourceType":"Patient","name":[{"given":["A"],"_given":[{"family":"x"}]}]})",
     "a property that the type does not have", "Patient.name[0].given[0]"},
    {R"({"resourceType":"CarePlan","contained":[{"id":"x"}]})", "a resource without a resourceType",
     "CarePlan.contained[0]"},
    {R"({"resourceType":"CarePlan","contained":[{"resourceType":"Coding"}]})",
     "not a resource type of FHIR R4", "CarePlan.contained[0]", Code::kUnsupported},
    {R"({"resourceType":"Patient","id":"x","id":"y"})", "twice", "line 1"},
    {R"({"resourceType":"Patient")", "", "line 1"},
    {R"({"resourceType":"Patient"} x)", "", "line 1"},
};

TEST(JsonTest, Refusals) {
  for (const Refused& refused : kRefused) {
    const Result<Resource> read = ParseJson(refused.in, R4(), Limits{});
    ASSERT_FALSE(read.ok()) << refused.in;
    EXPECT_EQ(read.error().code, refused.code) << refused.in;
    EXPECT_NE(read.error().detail.find(refused.detail), std::string::npos)
        << refused.in << ": " << read.error().detail;
    EXPECT_NE(read.error().where.find(refused.where), std::string::npos)
        << refused.in << ": " << read.error().where;
  }
}

TEST(JsonTest, RefusalsNeverNameAValue) {
  const Result<Resource> read =
      ParseJson(R"({"resourceType":"Patient","birthDate":"SECRET","name":[{"family":"SECRET"}]})",
                R4(), Limits{});
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().detail.find("SECRET"), std::string::npos);
  EXPECT_EQ(read.error().where.find("SECRET"), std::string::npos);
}

TEST(JsonTest, BytesThatAreNoText) {
  constexpr char kWithNul[] = "{\"resourceType\":\"Patient\",\"id\":\"a\0b\"}";
  EXPECT_FALSE(ParseJson({kWithNul, sizeof(kWithNul) - 1}, R4(), Limits{}).ok());
  EXPECT_FALSE(ParseJson("{\"resourceType\":\"Basic\",\"id\":\"\xFF\"}", R4(), Limits{}).ok());
  EXPECT_FALSE(
      ParseJson(R"({"resourceType":"Basic","author":{"display":"\u0000"}})", R4(), Limits{}).ok());
}

// Extensions within extensions: each level takes an object and an array.
std::string Nested(size_t levels) {
  std::string text = R"({"resourceType":"Basic")";
  for (size_t level = 0; level < levels; ++level) {
    text += R"(,"extension":[{"url":"urn:x")";
  }
  for (size_t level = 0; level < levels; ++level) {
    text += "}]";
  }
  return text + "}";
}

TEST(JsonTest, DepthAtTheBoundAndPastIt) {
  Limits limits;
  limits.json_depth_max = 21;
  EXPECT_TRUE(ParseJson(Nested(10), R4(), limits).ok());
  const Result<Resource> deep = ParseJson(Nested(11), R4(), limits);
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().code, Code::kTooLarge);
  EXPECT_FALSE(ParseJson(std::string(100'000, '['), R4(), Limits{}).ok());
  EXPECT_FALSE(ParseJson(Nested(50'000), R4(), Limits{}).ok());
}

TEST(JsonTest, ManyEntriesTakeTimeInProportion) {
  std::string text = R"({"resourceType":"Bundle","type":"collection","entry":[)";
  for (int entry = 0; entry < 50'000; ++entry) {
    text += entry == 0 ? "" : ",";
    text += R"({"resource":{"resourceType":"Basic","id":"b"}})";
  }
  text += "]}";
  const Result<Resource> bundle = ParseJson(text, R4(), Limits{});
  ASSERT_TRUE(bundle.ok()) << bundle.error().detail;
  EXPECT_EQ(Written(*bundle), text);
}

TEST(JsonTest, NullsAreNotWritten) {
  Result<Resource> patient = Resource::Make("Patient", R4());
  ASSERT_TRUE(patient.ok());
  (*patient->root().Add("birthDate"))->SetNull();
  Element* name = *patient->root().Add("name");
  (*name->Add("family"))->SetNull();
  EXPECT_EQ(Written(*patient), R"({"resourceType":"Patient"})");
  ASSERT_TRUE(name->Add("given", "Ann").ok());
  EXPECT_EQ(Written(*patient), R"({"resourceType":"Patient","name":[{"given":["Ann"]}]})");
}

TEST(JsonTest, TextThatIsNoNumberIsQuoted) {
  Result<Resource> observation = Resource::Make("Observation", R4());
  ASSERT_TRUE(observation.ok());
  ASSERT_TRUE(observation->root().Add("valueInteger", "12a").ok());
  EXPECT_EQ(Written(*observation), R"({"resourceType":"Observation","valueInteger":"12a"})");
}

}  // namespace
}  // namespace gw::fhir
