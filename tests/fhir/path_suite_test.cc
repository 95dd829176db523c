// The official R4 FHIRPath suite (FHIR/fhir-test-cases), where ../shared holds it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "gateway/base/json.h"
#include "gateway/fhir/path/decimal_internal.h"
#include "gateway/fhir/path/path.h"

namespace gw::fhir::path {
namespace {

std::string ReadWhole(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

class Suite {
 public:
  explicit Suite(std::string folder)
      : folder_(std::move(folder)), definitions_(Definitions::R4()) {}

  bool Passes(const Json& test, std::string* why) {
    const std::string_view invalid = test.TextOf("invalid");
    const Element* focus = Input(test.TextOf("input"));
    auto compiled = Expression::Compile(test.TextOf("expression"), definitions_, Mode::kStrict);
    if (!compiled) {
      *why = "compile: " + compiled.error().detail + " at " + compiled.error().where;
      return !invalid.empty();
    }
    Arena arena;
    Environment environment;
    environment.arena = &arena;
    environment.definitions = &definitions_;
    environment.now = FromCivil({.year = 2026, .month = 1, .day = 20, .hour = 10});
    auto result = compiled->Evaluate(focus, environment);
    if (!result) {
      *why = "evaluate: " + result.error().detail + " at " + result.error().where;
      return !invalid.empty();
    }
    const Json* predicate = test.Find("predicate");
    if (predicate != nullptr && predicate->boolean()) {
      *result = {Value::Boolean(!result->empty())};
    }
    *why = "got";
    for (const Value& value : *result) {
      *why += " [" + std::string(value.text()) + "]";
    }
    return invalid.empty() && SameAs(test, *result);
  }

 private:
  const Element* Input(std::string_view name) {
    if (name.empty()) {
      return nullptr;
    }
    auto found = inputs_.find(std::string(name));
    if (found == inputs_.end()) {
      auto parsed =
          ParseJson(ReadWhole(folder_ + "/input/" + std::string(name)), definitions_, Limits());
      EXPECT_TRUE(parsed) << name << ": "
                          << (parsed ? "" : parsed.error().detail + parsed.error().where);
      if (!parsed) {
        return nullptr;
      }
      found = inputs_.emplace(std::string(name), *std::move(parsed)).first;
    }
    return &found->second.root();
  }

  static std::string Plain(std::string_view text) {
    if (text.starts_with("@T")) {
      text.remove_prefix(2);
    } else if (text.starts_with("@")) {
      text.remove_prefix(1);
    }
    return std::string(text);
  }

  static std::string TextOf(const Value& value) {
    if (value.kind() == Value::Kind::kQuantity) {
      return std::string(value.text()) + " '" + std::string(value.unit()) + "'";
    }
    return std::string(value.text());
  }

  // "-0.0" and "0.0" are one number.
  static bool EqualNumbers(const Value& value, const std::string& wanted) {
    if (value.kind() != Value::Kind::kDecimal) {
      return false;
    }
    const auto a = ParseDecimal(value.text());
    const auto b = ParseDecimal(wanted);
    return a && b && Compare(*a, *b) == 0;
  }

  static bool SameAs(const Json& test, const Collection& result) {
    const Json* outputs = test.Find("outputs");
    const Json* ordered = test.Find("ordered");
    if (outputs == nullptr || outputs->items().size() != result.size()) {
      return false;
    }
    std::vector<std::string> wanted;
    std::vector<std::string> got;
    for (size_t i = 0; i < result.size(); ++i) {
      wanted.push_back(Plain(outputs->items()[i].TextOf("value")));
      got.push_back(TextOf(result[i]));
    }
    if (ordered != nullptr && !ordered->boolean()) {
      std::sort(wanted.begin(), wanted.end());
      std::sort(got.begin(), got.end());
    }
    return wanted == got || (result.size() == 1 && EqualNumbers(result[0], wanted[0]));
  }

  std::string folder_;
  Definitions definitions_;
  std::map<std::string, Resource> inputs_;
};

// What does not pass is named, each with its reason, in conformance/fhirpath-r4.json; what is named
// there and passes is an error too.
std::map<std::string, std::string, std::less<>> KnownDifferences() {
  const std::string text = ReadWhole(std::string(GW_SOURCE_DIR) + "/conformance/fhirpath-r4.json");
  const auto parsed = Json::Parse(text, Limits());
  std::map<std::string, std::string, std::less<>> out;
  if (!parsed) {
    ADD_FAILURE() << "conformance/fhirpath-r4.json: " << parsed.error().detail;
    return out;
  }
  for (const Json& item : parsed->Find("differences")->items()) {
    EXPECT_FALSE(item.TextOf("reason").empty()) << item.TextOf("test");
    out.emplace(item.TextOf("test"), item.TextOf("reason"));
  }
  return out;
}

TEST(FhirPathSuite, OfficialCases) {
  const std::string folder = std::string(GW_SOURCE_DIR) + "/../shared/suites/fhirpath";
  const std::string text = ReadWhole(folder + "/tests-r4.json");
  const auto differences = KnownDifferences();
  if (text.empty()) {
    GTEST_SKIP() << "the official suite is not on this machine; path_test.cc and "
                    "path_function_test.cc hold cases of our own";
  }
  Limits limits;
  limits.json_items_max = 2000;
  auto suite = Json::Parse(text, limits);
  ASSERT_TRUE(suite) << suite.error().detail;
  Suite run(folder);
  int passed = 0;
  int total = 0;
  for (const Json& test : suite->Find("tests")->items()) {
    std::string why;
    ++total;
    const bool passes = run.Passes(test, &why);
    passed += passes ? 1 : 0;
    EXPECT_EQ(passes, differences.count(test.TextOf("name")) == 0)
        << test.TextOf("group") << "/" << test.TextOf("name") << ": " << test.TextOf("expression")
        << "\n    " << why;
  }
  std::printf("%d of %d\n", passed, total);
  RecordProperty("passed", passed);
}

}  // namespace
}  // namespace gw::fhir::path
