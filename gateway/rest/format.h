#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/rest/interaction.h"

namespace gw::rest {

// The format that the answer to a request is to have: what _format names, which overrules Accept;
// else the best of Accept by q, by how exactly a range names it, by order; else that of the body
// that came; else JSON. FHIR's own media types, the generic ones and those of older releases count,
// each with no charset but UTF-8 and no fhirVersion but 4.0.
// Errors: kUnsupported, where = "Accept" or "_format"; kInvalid where _format comes twice.
// Spec: FHIR R4 http.html 3.1.0.1.6 and 3.1.0.1.11; RFC 7231 section 5.3.2.
Result<Format> AnswerFormat(const Request& request);

// The format of the body, by Content-Type. Errors: kUnsupported, where = "Content-Type".
Result<Format> BodyFormat(const Request& request);

// "application/fhir+xml; charset=utf-8".
std::string_view MediaTypeOf(Format format);

// FHIR JSON of our own making in the format asked for: for JSON, and for an empty text, as it is.
// Errors: kInternal where it is not FHIR R4.
Result<std::string> InFormat(Format format, std::string json, const fhir::Definitions& definitions);

}  // namespace gw::rest
