#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/flow/access_record.h"
#include "gateway/flow/identify.h"
#include "gateway/flow/parts.h"
#include "gateway/map/change/change.h"
#include "gateway/map/translate.h"
#include "gateway/store/store.h"

namespace gw::flow {

// The middle of the message's way, as functions of their arguments: changes onto current versions,
// the results checked, and the writes that a commit takes.

// A remark of severity E says that the maps could not take a part: `convert` tells of it, a gateway
// holds the whole. Errors: hl7_code 204 with the remark's place and text.
Status WhollyTaken(const map::Translation& translation);

// The extension of a Patient that keeps when its source last changed it (PID-33).
inline constexpr std::string_view kLastUpdate = "urn:caregate:extension:last-update";

// Applies each change to its resource. What says of a person that it is older than what is held
// (kLastUpdate) fills in what is not known and overwrites nothing. What is said and not done is a
// remark. An item that is taken out once more is no error: an earlier version had it. The changes
// are used up. Errors: map::Create's, OperationsOf's and Apply's, kUnavailable.
Status ApplyChanges(std::vector<map::Change>* changes, Identified* identified, bool upsert,
                    const Parts& parts);

// For a message taken once more: what a later message, or a client, has written since is left as it
// is. `number`: the message's. Errors: kUnavailable.
Status KeepNewer(uint64_t number, Identified* identified, store::Store* store);

// Labels, validates and prepares everything that changed. The Provenance among it gets its targets:
// what is written, and the persons it concerns; where nothing but Provenance would be written,
// nothing is. Fills in the record's patients and resources. Errors: kUnprocessable with the
// FHIRPath where a result does not conform or would change its person.
Result<std::vector<store::Write>> WritesOf(Identified* identified, const Parts& parts, Instant now,
                                           std::string_view map_version, AccessRecord* record);

// One resource, ready to be written as the version after `expected_version`.
Result<store::Write> WriteOf(fhir::Resource* resource, const Known& known, const Parts& parts,
                             Instant now);

// For a client's update: the security labels of the stored version stay; a client may add some,
// never take one away.
Status KeepLabels(const fhir::StoredResource& current, const Parts& parts,
                  fhir::Resource* resource);

// The resource's identifiers that no other resource of its type has claimed. Errors: kUnavailable.
Result<std::vector<fhir::Identifier>> ClaimsOf(const fhir::Resource& resource, const fhir::Key& key,
                                               store::Store* store);

}  // namespace gw::flow
