#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"

namespace gw::map {

// What a sender asks to be done with a resource: table 0287, and kMerge for what carries no action
// code.
enum class Action : uint8_t {
  kAdd,      // AD: create; known key with the same content is no change, with other content AE 205
  kUpdate,   // UP: only valued elements change, a null element is deleted
  kCorrect,  // CO: as kUpdate; Provenance says correction
  kDelete,   // DE: status entered-in-error (or the participant's removal), never physical
  kLink,     // LI: the child is only referred to; absent: stub
  kUnlink,   // UN: as kLink, the parent's reference goes
  kUnchanged,  // UC: no entry, but what refers to it must resolve
  kSnapshot,   // SP: as kUpdate, and lists are replaced
  kMerge,  // no action code (PID, PD1, NK1, PV1, a CSV row): creates what is new, changes valued
           // elements
};
// "AD" ...; kMerge is "".
std::string_view CodeOf(Action action);

// One fragment of a resource as a map writes it, with what is to be done with it.
// The business key is the fragment's first identifier (for a Patient: any). References to other
// fragments of the same translation are their full_url; each also carries Reference.identifier. In
// the fragment, two marks steer the merge and never leave this module:
//   a null element (Element::is_null)                          delete this element
//   extension urn:caregate:action, valueCode UN/DE, on an item  take the item with the same key out
//   of its list
struct Change {
  Action action = Action::kMerge;
  fhir::Resource fragment;
  std::string full_url;  // "urn:uuid:..."
  std::string where;     // "GOL[1]", "row 3": for messages
  // Only what refers to it matters: an organisation known by its code alone, the child of a link. A
  // stub that is created because it was absent is a data-quality item.
  bool stub = false;
};

// An operation on a resource, by element path. The one meaning of a change: written into the
// transaction Bundle in the standard's own patch forms, and applied to the stored version by Apply,
// from the same list.
struct Operation {
  enum class Kind : uint8_t {
    kSet,
    kRemove,
    kAddItem,
    kRemoveItem,
    kReplaceList
  } kind = Kind::kSet;
  std::string path;  // JSON property below the root: "status", "participant"
  std::vector<const fhir::Element*>
      values;                    // into the Change's fragment; empty for kRemove and kRemoveItem
  std::string key_path;          // items: the FHIRPath from item to key: "identifier.value" ...
  std::vector<std::string> key;  // items: the key's texts
};

// What a change does to the current version of its resource, or to nothing (`current` null: it is
// created). Errors: hl7_code 204 unknown key (kUpdate, kCorrect, kDelete, kUnchanged without
// `current`), 205 (kAdd on other content); kUnprocessable with the change's `where` otherwise.
Result<std::vector<Operation>> OperationsOf(const Change& change, const fhir::Resource* current,
                                            const fhir::Definitions& definitions);
// The resource after the operations; identical content comes back where nothing changes.
Result<fhir::Resource> Apply(const Change& change, std::span<const Operation> operations,
                             const fhir::Resource* current, const fhir::Definitions& definitions);

// The changes as a standard R4 transaction Bundle, keys taken as known: AD a POST with ifNoneExist,
// UP and CO a conditional PATCH (FHIRPath Patch in Parameters; JSON Patch in a Binary where a whole
// list is replaced), DE a PATCH of the status, LI and UN a PATCH of the parent, kMerge a
// conditional update (PUT by identifier). One entry a resource, each with the urn:uuid of its
// change; kUnchanged has none.
Result<fhir::Resource> ToTransaction(std::span<const Change> changes,
                                     const fhir::Definitions& definitions);

// Same content, but for id, meta and narrative.
bool SameContent(const fhir::Resource& a, const fhir::Resource& b);

}  // namespace gw::map
