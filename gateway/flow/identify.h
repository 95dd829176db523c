#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/flow/parts.h"
#include "gateway/map/change/change.h"

namespace gw::flow {

// A resource that a message is about: who it is, and the version that changes are applied to.
struct Known {
  fhir::Key key;
  uint64_t version = 0;                   // stored; 0: it is new
  std::optional<fhir::Resource> current;  // as stored, then as changed so far
  std::string home;     // the person whose shard holds it; empty: nobody's, or new
  std::string written;  // of a Consent: when a client last wrote it itself (LastWritten)
  // Identifiers by which it will be found; those of others left out.
  std::vector<fhir::Identifier> claims;
  bool changed = false;
};

// Every change's resource, each resource once.
struct Identified {
  std::vector<Known> resources;
  std::vector<size_t> of_change;  // index into resources, for each change
  std::vector<map::Remark> remarks;
};

// The resource's identifiers that have a value, in order.
std::vector<fhir::Identifier> IdentifiersOf(const fhir::Element& resource);

// Finds who and what each change is about, by business identifiers and never by name, and writes
// the logical ids into the changes' references. A Patient that was merged into another is that
// other one; what was made for a record stays with it. A Patient that only might be one we know is
// new. What a human must decide is appended to *changes as a Task: whether records are of one
// person, which of the active care plans of merged records goes on. Errors: hl7_code 204 where a
// Patient cannot be told from another (held for matching), nothing says who it is, a resource is
// another person's, or a merge would make a cycle; kUnavailable.
Result<Identified> Identify(std::vector<map::Change>* changes, const Parts& parts, Instant now);

}  // namespace gw::flow
