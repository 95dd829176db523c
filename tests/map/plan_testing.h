#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/plan/plan.h"

namespace gw::map {

// What the tests of plans share. Maps have the url urn:test.

const fhir::Definitions& R4();
fhir::Resource ParseResource(std::string_view json);
std::string ToJson(const fhir::Resource& resource);

// One map without models.
Result<Plan> CompileMap(const std::string& text, const CompileOptions& options = {});
// The rules of a group from `src`, a Patient, to `tgt`, a Person; `more` are further groups.
Result<Plan> CompileRules(std::string_view rules, std::string_view more = {});

// What the map makes of the source, as JSON; "load error where: detail" or "error where: detail"
// where it is refused.
std::string Convert(const Result<Plan>& plan, std::string_view source, RunOptions options = {});

// Rules from Patient to Person with what goes in and out, both without braces and resourceType.
struct RuleCase {
  std::string_view rules;
  std::string_view source;
  std::string_view target;
};
void ExpectConversions(const std::vector<RuleCase>& cases, std::string_view more = {});

}  // namespace gw::map
