#pragma once

#include "gateway/base/result.h"
#include "gateway/fhir/compiler/package.h"
#include "gateway/fhir/compiler/table_writer.h"

namespace gw::fhir::compiler {

// One row per search parameter and type, with the part of the expression that is about this type,
// and the Patient compartment. Errors: kInvalid where a parameter has a kind R4 does not know.
Status CompileSearches(const Package& package, TableWriter* out);

}  // namespace gw::fhir::compiler
