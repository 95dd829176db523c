#pragma once

#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/flow/identify.h"
#include "gateway/map/change/change.h"

namespace gw::flow {

// How a person's sharing decisions of one file stand to those of earlier ones (care-coordination
// decision 1). A file says all of a person's decisions: its Consent takes the place of the stored
// one, and
//   - an organisation that was refused by name, or from which something was kept back by name,
//   stays
//     so until a later decision names it: the deny is carried over (remark refusal-kept);
//   - what would be permitted now and was not needs a decision surely after the latest that is
//     stored: an older one, or one without a date, takes nothing back. Narrower is always taken;
//   - what a client wrote there, the person in an app of theirs, counts as said when it was written
//     (Known::written), whatever its dateTime; so does the end of a Consent;
//   - Consent.dateTime never goes back; decisions without a date count from the day they come.
// Consents whose root names actors (of carers) speak of those alone: of each, the same holds by the
// date of the Consent. A carer who was refused, or permitted less than all, and whom the file does
// not name stays among those whom the root denies, with that date beside them. Nothing else is
// touched. For changes that are identified, and not yet
// applied. Errors: hl7_code 204 (held), where = the change's place.
Status KeepDecisions(std::vector<map::Change>* changes, Identified* identified, Instant now);

}  // namespace gw::flow
