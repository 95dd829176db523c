// https://hl7.org/fhir/R4/http.html#update
#include "gateway/flow/interactions/interactions.h"
#include "gateway/flow/interactions/writes_internal.h"

namespace gw::flow {

// What the caller may not see answers as what is not there, before any precondition is looked at.
// Both the version that is stored and the one that comes must be theirs to write.
Result<Found> Update(const Asked& asked) {
  const fhir::Key key{asked.interaction.type, asked.interaction.id};
  GW_TRY(const fhir::StoredResource current, asked.parts.store.Read(key, asked.visibility));
  if (asked.interaction.if_match && *asked.interaction.if_match != current.version) {
    return Error{Code::kPreconditionFailed, "the current version is another one", "If-Match", 0};
  }
  fhir::Resource resource = asked.interaction.body->Clone();
  GW_RETURN_IF_ERROR(MayWrite(asked, resource));
  asked.record->status = 200;
  return Written(asked, ClientWrite{std::move(resource), current.version});
}

}  // namespace gw::flow
