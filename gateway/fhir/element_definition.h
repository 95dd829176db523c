#pragma once

#include <memory>

#include "gateway/fhir/package.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {

// ElementDefinitions as resources hold them, for FHIRPath's elementDefinition(), made from the
// compiled rules when they are first asked for. They tell id, path, cardinality, types, binding,
// constraints, and what is a modifier or must be supported; words for readers were not compiled.
// Owns what it gives out. Not thread-safe. The Packages must outlive it.
// Source: R4 fhirpath.html 2.9.1.7, elementdefinition.html.
class ElementDefinitions {
 public:
  explicit ElementDefinitions(const Packages& packages);
  ElementDefinitions(ElementDefinitions&&) noexcept;
  ~ElementDefinitions();

  // Where R4 defines the element: in the type that holds it ("HumanName.family"), in the outer one
  // for parts of it ("Patient.contact.gender"), of a resource itself its first ("Patient"). Null
  // for what R4 does not define: source models.
  const Element* Of(const Element& element);

 private:
  struct Made;
  std::unique_ptr<Made> made_;
};

}  // namespace gw::fhir
