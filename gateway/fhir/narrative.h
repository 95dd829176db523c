#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"

namespace gw::fhir {

enum class NarrativeRule : uint8_t {
  kForm,       // not one well-formed div: what follows could not be read
  kBounds,     // past a bound, likewise
  kAllowed,    // an element or attribute that a narrative may not have (txt-1)
  kStyle,      // a style that is not contained in the narrative (txt-1)
  kContent,    // nothing to read (txt-2)
  kNamespace,  // not that of XHTML
  kEntity,     // one that XML does not define
  kAddress,    // a link or source that runs what it finds, or cannot be followed
};

struct NarrativeFault {
  NarrativeRule rule;
  std::string_view detail;  // the rule in words; lives for good
  size_t offset;            // in the div, in bytes
};

// What the text of an xhtml primitive breaks of R4 narrative.html, and where its links lead within
// the resource. Views into the div.
struct NarrativeReading {
  std::vector<NarrativeFault> faults;  // in document order; what only the whole tells at the end
  std::vector<std::string_view> local_links;  // "x" of each link or image "#x"
};

// Reads one narrative once, in linear time; pitfall X5: XHTML is active content. Any thread.
NarrativeReading ReadNarrative(std::string_view div, const Limits& limits);

}  // namespace gw::fhir
