// https://hl7.org/fhir/R4/http.html#create
#include "gateway/flow/interactions/interactions.h"
#include "gateway/flow/interactions/writes_internal.h"

namespace gw::flow {

Result<Found> Create(const Asked& asked) {
  fhir::Resource resource = asked.interaction.body->Clone();
  GW_RETURN_IF_ERROR(MayWrite(asked, resource));
  asked.record->status = 201;
  return Written(asked, ClientWrite{std::move(resource), 0});
}

}  // namespace gw::flow
