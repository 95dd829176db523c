#pragma once

#include "gateway/flow/interactions/interactions.h"

namespace gw::flow {

// May the caller write this resource for everyone it names? Fills in the record's patients and
// decisions. Errors: kUnprocessable, the same whether a person is unknown, or known and not to be
// written for.
Status MayWrite(const Asked& asked, const fhir::Resource& resource);

// Admits the write; the reply has the version's headers and, as the client prefers, the resource.
Result<Found> Written(const Asked& asked, ClientWrite write);

}  // namespace gw::flow
