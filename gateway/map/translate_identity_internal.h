#pragma once

#include <compare>
#include <string_view>

#include "gateway/fhir/resource.h"

// By what the fragments of one message or row are told to be of one resource.
namespace gw::map {

// The types of which a reference alone can make a stub: all that they need is known.
inline bool MayBeStub(std::string_view type) {
  return type == "Organization" || type == "Practitioner" || type == "RelatedPerson";
}

// Is it found by its instance id alone (PTH-3, GOL-4, PRB-4)?
inline bool IsKeyed(std::string_view type) {
  return type == "CarePlan" || type == "Goal" || type == "Condition";
}

// What a resource is known by: one of its identifiers. The texts are those of the tree.
struct Identity {
  std::string_view type, system, value;
  bool is_known() const { return !value.empty(); }
  auto operator<=>(const Identity&) const = default;
};

inline Identity IdentityOf(std::string_view type, const fhir::Element& identifier) {
  return {type, identifier.TextAt("system"), identifier.TextAt("value")};
}

}  // namespace gw::map
