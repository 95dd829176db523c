#pragma once

#include <string>
#include <string_view>

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/package/compiled_internal.h"

namespace gw::fhir {

// Append one resource of the kind to the compiled form. `package` is "name#version". Errors:
// kInvalid, where = the member at fault.
Status PackCodeSystem(const Json& json, std::string_view package, bool with_definitions,
                      compiled::Writer* out);
Status PackValueSet(const Json& json, std::string_view package, compiled::Writer* out);
Status PackConceptMap(const Json& json, std::string_view package, compiled::Writer* out);
// One row for each base type; of an expression that joins several with |, the parts for that type.
Status PackSearchParameter(const Json& json, compiled::Writer* out);

// SearchParameter.type. Errors: kInvalid: not one of R4's.
Result<SearchKind> SearchKindOf(std::string_view code);
// "AllergyIntolerance.code | Condition.code" is "Condition.code" for Condition. Where no part names
// the type, the whole is about it (InsurancePlan's name).
std::string SearchExpressionFor(std::string_view base, std::string_view expression);

}  // namespace gw::fhir
