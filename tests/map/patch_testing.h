#pragma once

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"

namespace gw::map {

// Applies the resource of a PATCH entry (FHIRPath Patch in Parameters, JSON Patch in a Binary) to
// `target`, by the words of the standards and without the product's own code for it: what
// ToTransaction writes and what Apply does must come to the same.
// The part of FHIRPath that patches use: names, [0], where(a='x' and b.c='y').
Status ApplyPatch(const fhir::Element& patch, fhir::Resource* target,
                  const fhir::Definitions& definitions);

}  // namespace gw::map
