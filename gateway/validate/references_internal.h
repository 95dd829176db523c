#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fhir/resource.h"

namespace gw::validate {

// The resource type that a reference names by its form: "Patient/1",
// "https://example.org/fhir/Patient/1/_history/2". Empty where the form does not tell: a fragment,
// a URN, another URL.
std::string_view TypeInReference(std::string_view reference, const fhir::Definitions& definitions);

// Finds the types of what a document's URN references point at: the entries of its Bundle. Built
// when it is first asked, then a binary search.
class UrnTypes {
 public:
  explicit UrnTypes(const fhir::Element& root) : root_(root) {}
  // Empty where no entry has that fullUrl.
  std::string_view Find(std::string_view urn);

 private:
  const fhir::Element& root_;
  bool is_built_ = false;
  std::vector<std::pair<std::string_view, std::string_view>> types_;  // sorted by fullUrl
};

}  // namespace gw::validate
