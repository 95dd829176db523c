#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/fhir/package/structure_internal.h"

namespace gw::fhir {

// Where the snapshot generator finds what a structure stands on. One that is asked for is made
// first.
class StructureSource {
 public:
  virtual ~StructureSource() = default;
  // The structure of a canonical, with its snapshot; null if it is not held. Errors: those of
  // MakeSnapshot for it; kInvalid where it is just being made (a cycle).
  virtual Result<const StructureDraft*> Find(std::string_view canonical) = 0;
};

// Makes the snapshot of a structure that has a differential alone: takes the base's, walks into
// data types, content references and the profiles of types where the differential does, adds
// slices, merges each element and checks that it asks no less than its base.
// Errors, where = "<url>: <element>": kInvalid: the base is not held, an element that the base
// lacks, a slice of what is not sliced, a cardinality, type, binding or fixed value that
// contradicts the base; kTooLarge: more than `elements_max` elements. Source: R4 profiling.html,
// elementdefinition.html#rules.
Status MakeSnapshot(StructureDraft* structure, uint32_t elements_max, StructureSource* source);

}  // namespace gw::fhir
