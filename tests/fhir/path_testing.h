#pragma once

#include <string>
#include <string_view>

#include "gateway/fhir/path/path.h"

namespace gw::fhir::path {

// R4's definitions, made once for all tests of this binary.
const Definitions& R4();

// A resource from JSON that must parse.
Resource Parsed(std::string_view json);

// What `expression` gives on `focus`, at 2026-01-20T10:00:00Z: the items' texts joined with " ; ",
// quantities as 1 'mg', an element without text as its type's name in < >. An error is "error: "
// with its detail and place.
std::string Outcome(std::string_view expression, const Element* focus, Mode mode = Mode::kStrict);

}  // namespace gw::fhir::path
