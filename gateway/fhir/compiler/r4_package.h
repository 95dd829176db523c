#pragma once

#include <string>

#include "gateway/base/result.h"
#include "gateway/fhir/compiler/package.h"

namespace gw::fhir::compiler {

// R4's own definitions in the compiled form of packages (package/compiled_internal.h), as a C++
// source that defines compiled::R4Bytes: snapshots of types, extensions and profiles, code systems
// with displays, value sets, concept maps. Errors: kInvalid, where = the resource.
Result<std::string> CompileR4Package(const Package& package);

}  // namespace gw::fhir::compiler
