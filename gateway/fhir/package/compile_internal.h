#pragma once

#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/package/files_internal.h"

namespace gw::fhir {

// Reads the resources of the packages, makes the snapshots and puts all in the compiled form.
// Errors: those of Packages::Load.
Result<std::string> CompilePackages(std::vector<PackageBytes> packages, const PackageLimits& limits,
                                    const Definitions& definitions);

}  // namespace gw::fhir
