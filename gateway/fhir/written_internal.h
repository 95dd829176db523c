#pragma once

#include <vector>

#include "gateway/fhir/resource.h"

namespace gw::fhir {

// Has the element, or anything below it, something that the formats of FHIR can write? A resource
// always has, a null (v2 "") never.
bool HasContent(const Element& element);

// Appends the children that have something to write to *out, in definition order; repetitions keep
// their order.
void AppendWritten(const Element& element, std::vector<const Element*>* out);

}  // namespace gw::fhir
