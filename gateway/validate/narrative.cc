#include "gateway/fhir/narrative.h"

#include <string>

#include "gateway/validate/rules_internal.h"

namespace gw::validate {

using fhir::NarrativeFault;
using fhir::NarrativeRule;

void CheckNarrative(const fhir::Element& div, Findings* findings,
                    std::vector<std::string_view>* local_references) {
  const fhir::NarrativeReading reading = fhir::ReadNarrative(div.text(), Limits{});
  local_references->insert(local_references->end(), reading.local_links.begin(),
                           reading.local_links.end());
  bool breaks_form = false;
  bool breaks_content = false;
  for (const NarrativeFault& fault : reading.faults) {
    if (fault.rule == NarrativeRule::kForm || fault.rule == NarrativeRule::kBounds) {
      findings->Error("value", "xhtml", div, "not well-formed XHTML: " + std::string(fault.detail));
      return;  // what stands before it may follow from it
    }
    breaks_form =
        breaks_form || fault.rule == NarrativeRule::kAllowed || fault.rule == NarrativeRule::kStyle;
    breaks_content = breaks_content || fault.rule == NarrativeRule::kContent;
  }
  if (breaks_form) {
    findings->Error("invariant", "txt-1", div,
                    "txt-1: The narrative SHALL contain only the basic html formatting elements "
                    "and attributes");
  }
  if (breaks_content) {
    findings->Error("invariant", "txt-2", div,
                    "txt-2: The narrative SHALL have some non-whitespace content");
  }
  for (const NarrativeFault& fault : reading.faults) {
    if (fault.rule != NarrativeRule::kContent) {
      findings->Error("value", "xhtml", div, std::string(fault.detail));
    }
  }
}

}  // namespace gw::validate
