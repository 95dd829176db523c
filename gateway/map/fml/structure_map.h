#pragma once

#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/fml/fml.h"

namespace gw::map {

// The two other forms of a map: the R4 StructureMap resource and the text that it is read from.
// What the resource has no element for stands in extensions, so that nothing is lost either way:
// `urn:caregate:fml:argument` (path, date, string, boolean, integer, decimal) on a value that is
// more than R4 lets it say, `urn:caregate:fml:constant` for a `let`, `urn:caregate:fml:conceptmap`
// (a canonical) for a contained ConceptMap, which translate() names in a string alone: R4's dom-3
// wants a reference. Comments are not kept. Spec: FHIR R4 structuremap.html, mapping-language.html.

// A StructureMap as JSON. The short form `src.a -> tgt.b` is a create() between two variables `vvv`
// with nothing after it, as other tools write it; a ConceptMap of the map is a contained one.
std::string WriteStructureMap(const FmlMap& map);

// The text form, which ParseFml reads to the same map.
// Errors: kUnsupported, where the text has no word for something: a fixed code for what a
// ConceptMap does not map.
Result<std::string> WriteFml(const FmlMap& map);

// A StructureMap as a map. `bytes` is the text that it was read from: places are of it.
// Errors: kInvalid, where = "file:line:column": an element that R4 demands and that is absent, a
// code that R4 does not know, an expression that is none.
Result<FmlMap> ReadStructureMap(std::string_view file, std::string_view bytes,
                                const fhir::Resource& structure_map);

// A map in any form: text, or a StructureMap as JSON or XML, told by its first byte.
// Errors: as ParseFml, fhir::ReadInstance and ReadStructureMap.
Result<FmlMap> ReadMap(std::string_view file, std::string_view bytes,
                       const fhir::Definitions& definitions, const Limits& limits);

}  // namespace gw::map
