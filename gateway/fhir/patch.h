#pragma once

#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {

// R4 http.html 3.1.0.9, the patch interaction, in its two forms. Each works on a copy and gives
// that copy back: all operations hold, or the resource stays as it was. Cardinality, bindings and
// invariants of the result are the caller's to check (validate/validator.h); its structure, types
// and lexical forms hold.
//
// Errors of both: kInvalid, the patch itself is malformed; kUnprocessable, it does not fit the
// resource (nothing stands at a path, a `test` fails, a value of another type); kTooLarge, past
// kPatchOperationsMax or `limits`. `where` is the operation: "Parameters.parameter[2]" or
// "operation 3"; neither text holds a path or a value of the patch. Re-entrant.
inline constexpr size_t kPatchOperationsMax = 1000;

// FHIRPath Patch (R4 fhirpatch.html): `parameters` holds the operations. Paths are read in strict
// mode, so that a wrong name is an error and not an empty result. `delete` of what is absent is
// none. Elements that lose their last child go too.
Result<Resource> ApplyFhirPathPatch(const Resource& resource, const Resource& parameters,
                                    const Definitions& definitions, const Limits& limits);

// JSON Patch (RFC 6902, pointers of RFC 6901) on the resource's FHIR JSON. Arrays and objects that
// lose their last member go too, as FHIR has no empty ones.
Result<Resource> ApplyJsonPatch(const Resource& resource, std::string_view patch,
                                const Definitions& definitions, const Limits& limits);
// The same on any JSON document, by the RFC alone: what becomes empty stays. Numbers keep their
// digits; members that are added come last. Errors of `document`: as ReadJson().
Result<std::string> PatchJson(std::string_view document, std::string_view patch,
                              const Limits& limits);

}  // namespace gw::fhir
