#pragma once

#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/package/structure_internal.h"

namespace gw::fhir {

// How types stand to each other.
class TypeOrder {
 public:
  virtual ~TypeOrder() = default;
  // Is `type` a type that may stand where `base` is asked for: does it derive from it?
  virtual bool Fits(std::string_view type, std::string_view base) = 0;
};

// Lays what a differential says over an element of the base. Errors: kInvalid, where it asks less
// than the base or contradicts it; where is left to the caller.
Status MergeElement(const ElementDraft& differential, TypeOrder* order, ElementDraft* element);

// Adds constraints; one whose key is known says the same again and takes the other's place where it
// has an expression.
void AddConstraints(const std::vector<ConstraintDraft>& added, std::vector<ConstraintDraft>* out);

}  // namespace gw::fhir
