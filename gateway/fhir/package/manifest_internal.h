#pragma once

#include <string>

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/fhir/package/files_internal.h"

namespace gw::fhir {

// A resource of a package that the program can use, as it stands there.
struct PackagedResource {
  Json json;
  std::string type, url, version;
  std::string file;  // "<path>: <file>"
};

// What one package holds.
struct Manifest {
  std::string name;  // "name#version"
  std::vector<PackagedResource> resources;
};

// Unpacks a package and reads its files: the conformance resources that are used; others (examples,
// pages of a guide) are passed over. Errors: those of Packages::Load.
Result<Manifest> ReadManifest(PackageBytes package, const PackageLimits& limits,
                              const Definitions& definitions);

}  // namespace gw::fhir
