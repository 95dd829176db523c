#pragma once

#include <string>
#include <vector>

#include "gateway/validate/validator.h"

namespace gw::validate {

// Made once for all tests of this binary: R4, and a validator that knows nothing beside it.
const fhir::Definitions& R4();
const Validator& TheValidator();

// "severity rule location", "; " between them, of errors and warnings; without dom-6, which asks
// each resource for a narrative. with_place: " line:column" after each.
std::string RulesOf(const std::vector<Issue>& issues, bool with_place = false);
// The same of all reports of a text.
std::string RulesOf(const std::vector<Report>& reports, bool with_place = false);

}  // namespace gw::validate
