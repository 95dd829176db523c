// https://hl7.org/fhir/R4/http.html#vread
#include "gateway/flow/interactions/interactions.h"

namespace gw::flow {

// An old version is shown only where the current one is too: a label or a consent that came later
// covers what was written before it.
Result<Found> Vread(const Asked& asked) {
  const fhir::Key key{asked.interaction.type, asked.interaction.id};
  GW_TRY(const fhir::StoredResource current, asked.parts.store.Read(key, asked.visibility));
  Found found;
  if (current.version == asked.interaction.version) {
    found.resources.push_back(current);
  } else {
    GW_TRY(fhir::StoredResource version,
           asked.parts.store.ReadVersion(key, asked.interaction.version, asked.visibility));
    found.resources.push_back(std::move(version));
  }
  rest::AddVersionHeaders(found.resources.front(), &found.reply);
  return found;
}

}  // namespace gw::flow
