#pragma once

#include <string_view>

namespace gw::fhir {

// Whether a narrative can stand as it is in an XML document.
struct NarrativeForm {
  bool is_well_formed = false;  // one div without a prefix, and everything in it closed and escaped
  bool has_namespace = false;   // the div declares that of XHTML
};

NarrativeForm FormOf(std::string_view div);

}  // namespace gw::fhir
