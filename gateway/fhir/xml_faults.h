#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {

// A place where well-formed XML departs from FHIR's form.
struct XmlFault {
  uint32_t offset;     // in the text, in bytes: of the "<" of the start tag
  std::string holder;  // FHIRPath of the element that it stands in; empty before the first
  std::string name;    // of the child that was not taken, or not as it stands; empty: unknown
  std::string detail;  // the rule in words, never the value
};

// What could be made of a document.
struct XmlReading {
  Resource resource;
  std::vector<XmlFault> faults;  // in document order
};

// As ParseXml, but reads on past what FHIR's form refuses, so that one run names all that is wrong:
// an element or attribute that is not known is passed over with what is in it, one that stands out
// of order is taken, a value of the wrong lexical form is kept for its reader to judge. Errors: as
// ParseXml, where the text is not well-formed XML, past a bound, or no resource of R4.
Result<XmlReading> ReadXmlPastFaults(std::string_view text, const Definitions& definitions,
                                     const Limits& limits);

}  // namespace gw::fhir
