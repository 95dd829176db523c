#pragma once

#include <string_view>
#include <vector>

#include "gateway/fhir/resource.h"

namespace gw::fhir::path {

// The resource that an element is in, or itself; null outside of any.
const Element* NearestResource(const Element* element);
// R4 fhirpath.html: %rootResource is the container of a contained resource.
const Element* RootResource(const Element* resource);

// Finds what references inside a Bundle point at (R4 bundle.html#references): by fullUrl; a
// relative one is made absolute with the base of the fullUrl of the entry it stands in. Built once,
// then a binary search.
class BundleIndex {
 public:
  explicit BundleIndex(const Element& bundle);
  const Element& bundle() const { return bundle_; }
  // Null where the Bundle has no such entry, or not in the version that the reference names.
  const Element* Resolve(const Element& referrer, std::string_view reference) const;

 private:
  struct Entry {
    std::string_view full_url;
    const Element* resource;
  };
  const Element* Find(std::string_view base, std::string_view reference) const;

  const Element& bundle_;
  std::vector<Entry> entries_;  // sorted by full_url
};

}  // namespace gw::fhir::path
