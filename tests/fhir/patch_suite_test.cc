// The official cases of FHIRPath Patch and the JSON Patch test suite, where ../shared holds them.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "gateway/base/json.h"
#include "gateway/fhir/patch.h"
#include "tests/fhir/path_testing.h"

namespace gw::fhir {
namespace {

std::string ReadSuite(const std::string& name) {
  std::ifstream stream(std::string(GW_SOURCE_DIR) + "/../shared/suites/patch/" + name,
                       std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void WriteTree(const Json& json, JsonWriter* writer) {
  switch (json.kind()) {
    case Json::Kind::kNull:
      writer->Null();
      return;
    case Json::Kind::kBool:
      writer->Bool(json.boolean());
      return;
    case Json::Kind::kNumber:
      writer->Raw(json.text());
      return;
    case Json::Kind::kString:
      writer->String(json.text());
      return;
    case Json::Kind::kArray:
      writer->ArrayStart();
      for (const Json& item : json.items()) {
        WriteTree(item, writer);
      }
      writer->ArrayEnd();
      return;
    case Json::Kind::kObject:
      writer->ObjectStart();
      for (const auto& [name, member] : json.members()) {
        writer->Key(name);
        WriteTree(member, writer);
      }
      writer->ObjectEnd();
  }
}

std::string TextOf(const Json& json) {
  std::string out;
  JsonWriter writer(&out);
  WriteTree(json, &writer);
  return out;
}

// Whatever the order of members: RFC 6902's own `test` says so.
bool SameJson(const std::string& a, const std::string& b) {
  return PatchJson(a, R"([{"op":"test","path":"","value":)" + b + "}]", Limits()).ok();
}

TEST(PatchSuite, FhirPathPatch) {
  const std::string text = ReadSuite("fhirpath-patch-r4.json");
  if (text.empty()) {
    GTEST_SKIP() << "the official patch cases are not on this machine; patch_test.cc holds ours";
  }
  const auto suite = Json::Parse(text, Limits());
  ASSERT_TRUE(suite) << suite.error().detail;
  for (const Json& test : suite->Find("cases")->items()) {
    const Resource input = path::Parsed(TextOf(*test.Find("input")));
    const Resource diff = path::Parsed(TextOf(*test.Find("diff")));
    const auto patched = ApplyFhirPathPatch(input, diff, path::R4(), Limits());
    if (test.Find("error") != nullptr) {
      EXPECT_FALSE(patched) << test.TextOf("name");
      continue;
    }
    ASSERT_TRUE(patched) << test.TextOf("name") << ": " << patched.error().detail;
    std::string json;
    WriteJson(*patched, &json);
    EXPECT_TRUE(SameJson(json, TextOf(*test.Find("output")))) << test.TextOf("name") << json;
  }
}

TEST(PatchSuite, JsonPatch) {
  const std::string text = ReadSuite("json-patch-tests.json");
  if (text.empty()) {
    GTEST_SKIP() << "the JSON Patch cases are not on this machine; patch_test.cc holds ours";
  }
  const auto suite = Json::Parse(text, Limits());
  ASSERT_TRUE(suite) << suite.error().detail;
  for (const Json& test : suite->items()) {
    const auto patched =
        PatchJson(TextOf(*test.Find("doc")), TextOf(*test.Find("patch")), Limits());
    if (test.Find("error") != nullptr) {
      EXPECT_FALSE(patched) << test.TextOf("comment");
      continue;
    }
    ASSERT_TRUE(patched) << test.TextOf("comment") << ": " << patched.error().detail;
    EXPECT_TRUE(SameJson(*patched, TextOf(*test.Find("expected")))) << test.TextOf("comment");
  }
}

}  // namespace
}  // namespace gw::fhir
