#include "tests/map/plan_testing.h"

#include <gtest/gtest.h>

#include <utility>

namespace gw::map {
namespace {

constexpr std::string_view kHead = R"(map "urn:test" = "Test"
uses "http://hl7.org/fhir/StructureDefinition/Patient" alias Patient as source
uses "http://hl7.org/fhir/StructureDefinition/Person" alias Person as target
group Test(source src : Patient, target tgt : Person) {
)";

const fhir::TypeDef* NoModel(std::string_view /*url*/) { return nullptr; }

}  // namespace

const fhir::Definitions& R4() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

fhir::Resource ParseResource(std::string_view json) {
  auto resource = fhir::ParseJson(json, R4(), Limits());
  EXPECT_TRUE(resource.ok()) << json << "\n" << (resource.ok() ? "" : resource.error().detail);
  return *std::move(resource);
}

std::string ToJson(const fhir::Resource& resource) {
  std::string json;
  fhir::WriteJson(resource, &json);
  return json;
}

Result<Plan> CompileMap(const std::string& text, const CompileOptions& options) {
  const std::vector<MapFile> files = {{"test.map", text}};
  return Plan::Compile(files, NoModel, {}, R4(), options);
}

Result<Plan> CompileRules(std::string_view rules, std::string_view more) {
  return CompileMap(std::string(kHead) + std::string(rules) + "\n}\n" + std::string(more));
}

std::string Convert(const Result<Plan>& plan, std::string_view source, RunOptions options) {
  if (!plan) {
    return "load error " + plan.error().where + ": " + plan.error().detail;
  }
  options.seed = options.seed.empty() ? "seed" : options.seed;
  const fhir::Resource resource = ParseResource(source);
  const auto mapped = plan->Run("urn:test", resource.root(), options);
  if (!mapped) {
    return "error " + mapped.error().where + ": " + mapped.error().detail;
  }
  return ToJson(mapped->target);
}

void ExpectConversions(const std::vector<RuleCase>& cases, std::string_view more) {
  for (const RuleCase& c : cases) {
    std::string expected = "{\"resourceType\":\"Person\"";
    expected += c.target.empty() ? "" : ",";
    expected += std::string(c.target) + "}";
    const std::string source = "{\"resourceType\":\"Patient\"" +
                               std::string(c.source.empty() ? "" : ",") + std::string(c.source) +
                               "}";
    EXPECT_EQ(Convert(CompileRules(c.rules, more), source), expected) << c.rules;
  }
}

}  // namespace gw::map
