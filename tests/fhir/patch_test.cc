#include "gateway/fhir/patch.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/fhir/path_testing.h"

namespace gw::fhir {
namespace {

using path::Parsed;
using path::R4;

constexpr std::string_view kPlan =
    R"({"resourceType":"CarePlan","id":"c1","status":"active","intent":"plan",)"
    R"("title":"Diabetes","subject":{"reference":"Patient/p1"},)"
    R"("careTeam":[{"reference":"CareTeam/a"},{"reference":"CareTeam/b"},{"reference":"CareTeam/c"}],)"
    R"("activity":[{"detail":{"status":"in-progress","quantity":{"value":1.50}}}]})";

std::string Written(const Resource& resource) {
  std::string json;
  WriteJson(resource, &json);
  return json;
}

std::string Described(const Error& error) {
  const char* code = error.code == Code::kInvalid         ? "invalid"
                     : error.code == Code::kUnprocessable ? "unprocessable"
                     : error.code == Code::kTooLarge      ? "too large"
                                                          : "other";
  return std::string(code) + ": " + error.detail + " (" + error.where + ")";
}

// One operation of a FHIRPath Patch. `rest` is JSON of more parts.
std::string Operation(const std::string& type, const std::string& path, const std::string& rest) {
  return R"({"name":"operation","part":[{"name":"type","valueCode":")" + type +
         R"("},{"name":"path","valueString":")" + path + "\"}" + (rest.empty() ? "" : "," + rest) +
         "]}";
}

std::string PatchedBy(const std::string& operations, std::string_view json = kPlan) {
  const Resource resource = Parsed(json);
  const Resource parameters =
      Parsed(R"({"resourceType":"Parameters","parameter":[)" + operations + "]}");
  const auto patched = ApplyFhirPathPatch(resource, parameters, R4(), Limits());
  EXPECT_EQ(Written(resource), json) << "the resource that is patched stays as it is";
  return patched ? Written(*patched) : Described(patched.error());
}

std::string JsonPatchedBy(std::string_view patch, std::string_view json = kPlan) {
  const Resource resource = Parsed(json);
  const auto patched = ApplyJsonPatch(resource, patch, R4(), Limits());
  EXPECT_EQ(Written(resource), json);
  return patched ? Written(*patched) : Described(patched.error());
}

// What of the written result a case looks for; the whole for errors.
struct Case {
  std::string patch;
  std::string wanted;
};

TEST(FhirPathPatch, DoesWhatItsOperationsSay) {
  const Case cases[] = {
      {Operation("replace", "CarePlan.status", R"({"name":"value","valueCode":"completed"})"),
       R"("status":"completed","intent")"},
      {Operation("add", "CarePlan",
                 R"({"name":"name","valueString":"description"},)"
                 R"({"name":"value","valueString":"D"})"),
       R"("title":"Diabetes","description":"D")"},
      {Operation("add", "CarePlan",
                 R"({"name":"name","valueString":"careTeam"},)"
                 R"({"name":"value","valueReference":{"reference":"#x"}})"),
       R"({"reference":"CareTeam/c"},{"reference":"#x"}])"},
      {Operation("add", "CarePlan.activity[0].detail",
                 R"({"name":"name","valueString":"product"},)"
                 R"({"name":"value","valueReference":{"reference":"Medication/m"}})"),
       R"("productReference":{"reference":"Medication/m"})"},
      {Operation("add", "CarePlan",
                 R"({"name":"name","valueString":"activity"},{"name":"value","part":[)"
                 R"({"name":"detail","part":[{"name":"status","valueCode":"scheduled"}]}]})"),
       R"({"value":1.50}}},{"detail":{"status":"scheduled"}}])"},
      {Operation("insert", "CarePlan.careTeam",
                 R"({"name":"index","valueInteger":1},)"
                 R"({"name":"value","valueReference":{"reference":"#x"}})"),
       R"([{"reference":"CareTeam/a"},{"reference":"#x"},{"reference":"CareTeam/b"})"},
      {Operation("insert", "CarePlan.careTeam",
                 R"({"name":"index","valueInteger":3},)"
                 R"({"name":"value","valueReference":{"reference":"#x"}})"),
       R"({"reference":"CareTeam/c"},{"reference":"#x"}])"},
      {Operation("move", "CarePlan.careTeam",
                 R"({"name":"source","valueInteger":0},)"
                 R"({"name":"destination","valueInteger":2})"),
       R"([{"reference":"CareTeam/b"},{"reference":"CareTeam/c"},{"reference":"CareTeam/a"}])"},
      {Operation("delete", "CarePlan.careTeam.where(reference='CareTeam/b')", ""),
       R"([{"reference":"CareTeam/a"},{"reference":"CareTeam/c"}])"},
      {Operation("delete", "CarePlan.period", ""), std::string(kPlan)},
      {Operation("delete", "CarePlan.title", "") + "," +
           Operation("delete", "CarePlan.activity[0].detail.status", "") + "," +
           Operation("delete", "CarePlan.activity[0].detail.quantity.value", ""),
       R"({"reference":"CareTeam/c"}]})"},
      {Operation("replace", "CarePlan.careTeam[1]",
                 R"({"name":"value","valueReference":{"display":"x"}})"),
       R"([{"reference":"CareTeam/a"},{"display":"x"},{"reference":"CareTeam/c"}])"},
  };
  for (const Case& test : cases) {
    EXPECT_NE(PatchedBy(test.patch).find(test.wanted), std::string::npos) << test.patch << "\n"
                                                                          << PatchedBy(test.patch);
  }
}

TEST(FhirPathPatch, ReplacesExtensionsOfAPrimitiveToo) {
  EXPECT_EQ(PatchedBy(R"({"name":"operation","part":[{"name":"type","valueCode":"replace"},)"
                      R"({"name":"path","valueString":"Patient.birthDate"},{"name":"value",)"
                      R"("_valueDate":{"extension":[{"url":"u","valueCode":"unknown"}]}}]})",
                      R"({"resourceType":"Patient","birthDate":"1961-04-12"})"),
            R"({"resourceType":"Patient","_birthDate":{"extension":)"
            R"([{"url":"u","valueCode":"unknown"}]}})");
}

TEST(FhirPathPatch, RefusesWithTheOperationAndTheRule) {
  const std::string value = R"({"name":"value","valueString":"secret"})";
  const std::string first = " (Parameters.parameter[0])";
  const Case cases[] = {
      {Operation("replace", "CarePlan.period.start", value),
       "unprocessable: path: nothing stands there" + first},
      {Operation("replace", "CarePlan.careTeam", value),
       "unprocessable: path: it leads to several elements, one is needed" + first},
      {Operation("replace", "CarePlan.nosuch", value),
       "unprocessable: path: the type has no element of this name, line 1, column 10" + first},
      {Operation("replace", "CarePlan.title.length()", value),
       "unprocessable: path: it leads to a value that is no element of the resource" + first},
      {Operation("replace", "CarePlan.(", value),
       "invalid: path: a name was expected, line 1, column 10" + first},
      {Operation("replace", "CarePlan", value),
       "unprocessable: a patch cannot replace the resource itself" + first},
      {Operation("replace", "CarePlan.title", ""), "invalid: replace needs a value" + first},
      {Operation("replace", "CarePlan.status", R"({"name":"value","valueInteger":1})"), ""},
      {Operation("replace", "CarePlan.status", R"({"name":"value","valueString":" a  b "})"),
       "unprocessable: the value is no lexical form of its type" + first},
      {Operation("replace", "CarePlan.status", R"({"name":"value","valueHumanName":{"text":"x"}})"),
       "unprocessable: the value is not of the element's type" + first},
      {Operation("delete", "CarePlan.careTeam", ""),
       "unprocessable: path: it leads to several elements, one is needed" + first},
      {Operation("delete", "CarePlan", ""),
       "unprocessable: a patch cannot delete the resource itself" + first},
      {Operation("add", "CarePlan", value), "invalid: add needs a name and a value" + first},
      {Operation("add", "CarePlan.period", R"({"name":"name","valueString":"start"},)" + value),
       "unprocessable: path: nothing stands there" + first},
      {Operation("add", "CarePlan", R"({"name":"name","valueString":"title"},)" + value),
       "unprocessable: the element stands already and may not repeat" + first},
      {Operation("add", "CarePlan", R"({"name":"name","valueString":"nosuch"},)" + value),
       "unprocessable: the element that is added to has no element of this name" + first},
      {Operation("add", "CarePlan", R"({"name":"name","valueString":"period"},{"name":"value"})"),
       "invalid: a part has no value" + first},
      {Operation("insert", "CarePlan.careTeam", R"({"name":"index","valueInteger":4},)" + value),
       "unprocessable: the index is past the end of the list" + first},
      {Operation("insert", "CarePlan.goal", R"({"name":"index","valueInteger":0},)" + value),
       "unprocessable: path: nothing stands there" + first},
      {Operation("insert", "CarePlan.careTeam.take(2)",
                 R"({"name":"index","valueInteger":0},)" + value),
       "unprocessable: path: it does not lead to one whole list" + first},
      {Operation("insert", "CarePlan.careTeam", R"({"name":"index","valueInteger":-1},)" + value),
       "invalid: index, source and destination are integers from 0" + first},
      {Operation("move", "CarePlan.careTeam",
                 R"({"name":"source","valueInteger":0},{"name":"destination","valueInteger":3})"),
       "unprocessable: source or destination is past the end of the list" + first},
      {Operation("move", "CarePlan.careTeam", R"({"name":"source","valueInteger":0})"),
       "invalid: move needs a source and a destination" + first},
      {Operation("upsert", "CarePlan", value),
       "invalid: the type is none of add, insert, delete, replace, move" + first},
      {Operation("delete", "CarePlan.title", R"({"name":"extra","valueString":"x"})"),
       "invalid: a part is none of type, path, name, value, index, source, destination" + first},
      {R"({"name":"operation"})", "invalid: an operation needs a path" + first},
      {R"({"name":"other"})", "invalid: each parameter of a patch is named operation" + first},
      {Operation("delete", "CarePlan.title", "") + "," +
           Operation("replace", "CarePlan.title", value),
       "unprocessable: path: nothing stands there (Parameters.parameter[1])"},
  };
  for (const Case& test : cases) {
    const std::string outcome = PatchedBy(test.patch);
    if (test.wanted.empty()) {
      EXPECT_NE(outcome.find("\"status\":\"1\""), std::string::npos) << outcome;
      continue;
    }
    EXPECT_EQ(outcome, test.wanted) << test.patch;
    EXPECT_EQ(outcome.find("secret"), std::string::npos);
  }
}

TEST(FhirPathPatch, TakesParametersOnlyAndNotTooManyOperations) {
  const Resource plan = Parsed(kPlan);
  const auto refused = ApplyFhirPathPatch(plan, plan, R4(), Limits());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalid);
  for (const size_t count : {kPatchOperationsMax, kPatchOperationsMax + 1}) {
    std::string operations;
    for (size_t i = 0; i < count; ++i) {
      operations += (i == 0 ? "" : ",") + Operation("delete", "CarePlan.title", "");
    }
    EXPECT_EQ(PatchedBy(operations).starts_with("too large"), count > kPatchOperationsMax);
  }
}

TEST(FhirPathPatch, CannotNestDeeperThanWhatIsRead) {
  std::string operations;
  std::string path = "QuestionnaireResponse";
  for (int i = 0; i < 40; ++i) {
    operations += (i == 0 ? "" : ",") +
                  Operation("add", path,
                            R"({"name":"name","valueString":"item"},{"name":"value","part":[)"
                            R"({"name":"linkId","valueString":"a"}]})");
    path += ".item";
  }
  EXPECT_EQ(PatchedBy(operations, R"({"resourceType":"QuestionnaireResponse"})"),
            "too large: the patched resource is nested too deeply (Parameters)");
}

TEST(JsonPatch, DoesWhatItsOperationsSay) {
  const Case cases[] = {
      {R"([{"op":"replace","path":"/status","value":"completed"}])", R"("status":"completed")"},
      {R"([{"op":"add","path":"/careTeam/1","value":{"reference":"#x"}}])",
       R"([{"reference":"CareTeam/a"},{"reference":"#x"},{"reference":"CareTeam/b"})"},
      {R"([{"op":"add","path":"/careTeam/-","value":{"reference":"#x"}}])",
       R"({"reference":"CareTeam/c"},{"reference":"#x"}])"},
      {R"([{"op":"add","path":"/title","value":"New"}])", R"("title":"New")"},
      {R"([{"op":"remove","path":"/careTeam/0"}])", R"("careTeam":[{"reference":"CareTeam/b"})"},
      {R"([{"op":"move","from":"/careTeam/0","path":"/careTeam/2"}])",
       R"([{"reference":"CareTeam/b"},{"reference":"CareTeam/c"},{"reference":"CareTeam/a"}])"},
      {R"([{"op":"copy","from":"/careTeam/0","path":"/careTeam/-"}])",
       R"({"reference":"CareTeam/c"},{"reference":"CareTeam/a"}])"},
      {R"([{"op":"test","path":"/activity/0/detail/quantity/value","value":1.5}])",
       R"("quantity":{"value":1.50})"},
      {R"([{"op":"test","path":"/subject","value":{"reference":"Patient/p1"}}])", "CarePlan"},
      // What a removal leaves empty goes too; RFC 6902 alone would leave {} and [].
      {R"([{"op":"remove","path":"/activity/0/detail/status"},)"
       R"({"op":"remove","path":"/activity/0/detail/quantity/value"}])",
       R"({"reference":"CareTeam/c"}]})"},
      {R"([{"op":"remove","path":"/activity/0"},{"op":"add","path":"/activity/-",)"
       R"("value":{"detail":{"status":"completed"}}}])",
       R"("activity":[{"detail":{"status":"completed"}}])"},
      {"[]", std::string(kPlan)},
  };
  for (const Case& test : cases) {
    EXPECT_NE(JsonPatchedBy(test.patch).find(test.wanted), std::string::npos)
        << test.patch << "\n"
        << JsonPatchedBy(test.patch);
  }
}

TEST(JsonPatch, RefusesWithTheOperationAndTheRule) {
  const Case cases[] = {
      {R"([{"op":"replace","path":"/period","value":{}}])",
       "unprocessable: nothing stands at the path (operation 0)"},
      {R"([{"op":"remove","path":"/careTeam/3"}])",
       "unprocessable: nothing stands at the path (operation 0)"},
      {R"([{"op":"remove","path":""}])",
       "unprocessable: the whole document cannot be taken away (operation 0)"},
      {R"([{"op":"add","path":"/careTeam/4","value":1}])",
       "unprocessable: the index is past the end of the array (operation 0)"},
      {R"([{"op":"add","path":"/careTeam/01","value":1}])",
       "unprocessable: an array has no such index (operation 0)"},
      {R"([{"op":"add","path":"/careTeam/x","value":1}])",
       "unprocessable: an array has no such index (operation 0)"},
      {R"([{"op":"add","path":"/period/start","value":"2026"}])",
       "unprocessable: nothing that could hold a value stands on the way of the path (operation "
       "0)"},
      {R"([{"op":"add","path":"/title/x","value":"2026"}])",
       "unprocessable: nothing that could hold a value stands on the way of the path (operation "
       "0)"},
      {R"([{"op":"test","path":"/title","value":"Other"}])",
       "unprocessable: test: the values are not equal (operation 0)"},
      {R"([{"op":"test","path":"/activity/0/detail/quantity/value","value":"1.50"}])",
       "unprocessable: test: the values are not equal (operation 0)"},
      {R"([{"op":"move","from":"/activity","path":"/activity/0/detail"}])",
       "unprocessable: a value cannot be moved into itself (operation 0)"},
      {R"([{"op":"copy","from":"/goal","path":"/careTeam"}])",
       "unprocessable: nothing stands at the path (operation 0)"},
      {R"([{"op":"add","path":"title","value":"x"}])",
       "invalid: a JSON Pointer begins with / (operation 0)"},
      {R"([{"op":"add","path":"/a~2","value":"x"}])",
       "invalid: ~ in a JSON Pointer is followed by 0 or 1 (operation 0)"},
      {R"([{"op":"add","path":"/title"}])",
       "invalid: add, replace and test need a value (operation 0)"},
      {R"([{"op":"remove"}])", "invalid: an operation needs the string path (operation 0)"},
      {R"([{"op":"move","path":"/title"}])",
       "invalid: an operation needs the string from (operation 0)"},
      {R"([{"op":"merge","path":"/title"}])",
       "invalid: op is none of add, remove, replace, move, copy, test (operation 0)"},
      {R"([{"path":"/title"}])", "invalid: an operation needs the string op (operation 0)"},
      {R"([1])", "invalid: an operation is an object (operation 0)"},
      {R"({})", "invalid: a JSON Patch is an array of operations (line 1, column 1)"},
      {R"([{"op":"remove","path":"/title"},{"op":"remove","path":"/title"}])",
       "unprocessable: nothing stands at the path (operation 1)"},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(JsonPatchedBy(test.patch), test.wanted) << test.patch;
  }
}

TEST(JsonPatch, RefusesAResultThatIsNotFhir) {
  for (const char* patch : {R"([{"op":"add","path":"/nosuch","value":"x"}])",
                            R"([{"op":"replace","path":"/status","value":5}])",
                            R"([{"op":"replace","path":"/status","value":" x"}])",
                            R"([{"op":"add","path":"/period","value":{}}])",
                            R"([{"op":"replace","path":"","value":[]}])",
                            R"([{"op":"remove","path":"/resourceType"}])"}) {
    const std::string outcome = JsonPatchedBy(patch);
    EXPECT_TRUE(outcome.starts_with("unprocessable: ")) << patch << " " << outcome;
    EXPECT_EQ(outcome.find("line "), std::string::npos) << outcome;
  }
  EXPECT_TRUE(JsonPatchedBy("[{]").starts_with("invalid: ")) << JsonPatchedBy("[{]");
}

TEST(JsonPatch, IsBounded) {
  std::string many = "[";
  for (size_t i = 0; i <= kPatchOperationsMax; ++i) {
    many += std::string(i == 0 ? "" : ",") + R"({"op":"test","path":"/status","value":"active"})";
  }
  EXPECT_EQ(JsonPatchedBy(many + "]"),
            "too large: a patch of too many operations (operation 1000)");
  std::string doubling = "[";
  std::string nesting = "[";
  for (int i = 0; i < 200; ++i) {
    const std::string comma = i == 0 ? "" : ",";
    doubling += comma + R"({"op":"copy","from":"/a","path":"/a/-"})";
    nesting += comma +
               R"({"op":"add","path":"/b","value":[]},{"op":"move","from":"/a","path":"/b/0"},)"
               R"({"op":"move","from":"/b","path":"/a"})";
  }
  for (const std::string& patch : {doubling + "]", nesting + "]"}) {
    const auto patched = PatchJson(R"({"a":[1]})", patch, Limits());
    ASSERT_FALSE(patched);
    EXPECT_EQ(patched.error().code, Code::kTooLarge);
  }
}

TEST(JsonPatch, LeavesAnyJsonAsTheRfcSays) {
  const auto patched = [](std::string_view document, std::string_view patch) {
    const auto result = PatchJson(document, patch, Limits());
    return result ? *result : Described(result.error());
  };
  EXPECT_EQ(patched(R"({"a":[1.0]})", R"([{"op":"remove","path":"/a/0"}])"), R"({"a":[]})");
  EXPECT_EQ(patched(R"({"a/b":1,"m~n":null})", R"([{"op":"test","path":"/m~0n","value":null},)"
                                               R"({"op":"replace","path":"/a~1b","value":1.50}])"),
            R"({"a/b":1.50,"m~n":null})");
  EXPECT_EQ(patched(R"({"":1})", R"([{"op":"remove","path":"/"}])"), "{}");
  EXPECT_EQ(patched("1", R"([{"op":"replace","path":"","value":[true]}])"), "[true]");
  EXPECT_EQ(patched(R"({"a":{"x":1,"y":[2]}})",
                    R"([{"op":"test","path":"/a","value":{"y":[2.0],"x":1}}])"),
            R"({"a":{"x":1,"y":[2]}})");
}

}  // namespace
}  // namespace gw::fhir
