#pragma once

#include "gateway/base/result.h"
#include "gateway/fhir/compiler/package.h"
#include "gateway/fhir/compiler/table_writer.h"

namespace gw::fhir::compiler {

// Expands the value sets of bindings, but for examples, as far as the package's own code systems
// reach, and lists the code systems whose hierarchy or codes the gateway asks for at run time.
// Errors: kInvalid where a code system that must be there is not.
Status CompileTerminology(const Package& package, TableWriter* out);

}  // namespace gw::fhir::compiler
