#pragma once

#include <span>
#include <string>

#include "gateway/map/change/change.h"

// The two patch forms of R4 (http 3.1.0.9.1) for a list of operations.
namespace gw::map {

// Only JSON Patch can replace a list of unknown length in one step; only FHIRPath Patch can name an
// item by its key.
bool NeedsJsonPatch(std::span<const Operation> operations);

// RFC 6902. Removing is written as add and remove, since `remove` of an absent member is an error.
Status WriteJsonPatch(const Change& change, std::span<const Operation> operations,
                      std::string* out);

// R4 fhirpatch.html, into an empty Parameters. Setting is delete and add: `delete` of an absent
// element is no error, `replace` is. Where a whole list is replaced beside keyed items, the
// kListClears first items are deleted: the form has no way to clear a list of unknown length, and
// `delete` takes a single element. So are the extensions of one url, which are one list.
inline constexpr int kListClears = 16;
Status WriteFhirPathPatch(const Change& change, std::span<const Operation> operations,
                          fhir::Element* parameters);

}  // namespace gw::map
