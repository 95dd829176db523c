#pragma once

#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/compiler/package.h"
#include "gateway/fhir/compiler/table_writer.h"

namespace gw::fhir::compiler {

// Turns the snapshots into types, elements, properties and invariants. An element with children of
// its own becomes a type, named by its path. Errors: kInvalid where a snapshot names a type that
// does not exist.
Status CompileTypes(const Package& package, TableWriter* out);

}  // namespace gw::fhir::compiler
