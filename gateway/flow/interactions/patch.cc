// https://hl7.org/fhir/R4/http.html#patch
#include "gateway/fhir/patch.h"

#include "gateway/flow/interactions/interactions.h"
#include "gateway/flow/interactions/writes_internal.h"

namespace gw::flow {

namespace {

Result<fhir::Resource> Patched(const Asked& asked, const fhir::StoredResource& current) {
  const fhir::Definitions& definitions = asked.parts.definitions;
  const Limits& limits = asked.parts.limits;
  GW_TRY(fhir::Resource resource, fhir::ParseJson(current.json, definitions, limits));
  if (asked.interaction.body) {
    return fhir::ApplyFhirPathPatch(resource, *asked.interaction.body, definitions, limits);
  }
  return fhir::ApplyJsonPatch(resource, asked.interaction.json_patch, definitions, limits);
}

}  // namespace

// As update: what the caller may not see answers as what is not there, before the patch, whose
// conditions would tell of it, is looked at. The result is checked as any write is.
Result<Found> Patch(const Asked& asked) {
  const fhir::Key key{asked.interaction.type, asked.interaction.id};
  GW_TRY(const fhir::StoredResource current, asked.parts.store.Read(key, asked.visibility));
  if (asked.interaction.if_match && *asked.interaction.if_match != current.version) {
    return Error{Code::kPreconditionFailed, "the current version is another one", "If-Match", 0};
  }
  GW_TRY(fhir::Resource resource, Patched(asked, current));
  if (resource.type() != key.type || resource.id() != key.id) {
    return Error{Code::kUnprocessable, "a patch may not change the type or the id",
                 key.type + ".id", 0};
  }
  GW_RETURN_IF_ERROR(MayWrite(asked, resource));
  asked.record->status = 200;
  return Written(asked, ClientWrite{std::move(resource), current.version});
}

}  // namespace gw::flow
