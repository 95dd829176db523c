#pragma once

#include <set>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/map/export/internal.h"

// Security labels (R4 Meta.security, DocumentReference.securityLabel) on their way back. Where a
// receiver's version has no place for a label, the resource that carries it is not sent: it would
// arrive as something that everybody may read. The v3-Confidentiality levels from U to N restrict
// nothing and may be lost; what a change takes away (kActionMark on the label) is none.
namespace gw::map {

// A resource that a message or file speaks of, and a label of it that nothing there says.
struct UnsaidLabel {
  size_t entry = 0;  // of the Outbound
  Error error;       // kUnprocessable, where = "Goal[1].meta.security[0]"
};

struct LabelsSaid {
  std::vector<UnsaidLabel> unsaid;  // the first of each resource, in the Bundle's order
  std::set<size_t> told;            // what is spoken of; empty where nothing carries a label
};

// Which labels of the resources that a run spoke of did no rule read, or has no code of the
// receiver's a word for? `cut` and `from` are those of Outbound::Cut. A resource is spoken of where
// a rule read something of it, or the key or name of a reference to it.
LabelsSaid CheckLabels(const Outbound& outbound, const std::vector<size_t>& from,
                       const fhir::Resource& cut, const Mapped& mapped);

// Of those spoken of, which have a label whose field the message, fitted to its version, does not
// hold (PD1-12, PV2-22, PRB-21, PRB-25, DG1-18, TXA-18)?
std::vector<UnsaidLabel> CheckLabelFields(const Outbound& outbound, const std::vector<size_t>& from,
                                          const fhir::Resource& cut, const std::set<size_t>& told,
                                          const fhir::Element& message);

}  // namespace gw::map
