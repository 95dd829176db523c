// https://hl7.org/fhir/R4/http.html#read
#include "gateway/flow/interactions/interactions.h"

namespace gw::flow {

Result<Found> Read(const Asked& asked) {
  const fhir::Key key{asked.interaction.type, asked.interaction.id};
  GW_TRY(fhir::StoredResource resource, asked.parts.store.Read(key, asked.visibility));
  Found found;
  rest::AddVersionHeaders(resource, &found.reply);
  if (asked.interaction.if_none_match == resource.version) {
    found.reply.status = 304;
    found.reply.form = rest::Reply::Form::kEmpty;
  }
  found.resources.push_back(std::move(resource));
  return found;
}

}  // namespace gw::flow
