#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/clock.h"

namespace gw::fhir {

// Names one resource: "CarePlan", "0198...".
struct Key {
  std::string type;
  std::string id;
  auto operator<=>(const Key&) const = default;
};

// A business identifier: Identifier.system and .value.
struct Identifier {
  std::string system;
  std::string value;
  auto operator<=>(const Identifier&) const = default;
};

// One version of a resource as it is kept: its FHIR JSON whole (id and meta in it), and beside it
// what a decision about it needs, so that a read decides, and answers, without parsing.
struct StoredResource {
  Key key;
  uint64_t version = 0;
  Instant last_updated;
  bool deleted = false;
  std::string json;
  // What in the resource itself decides who may see it (access/label.h writes and reads it): its
  // type and security labels. Equal text, equal decision for the same person.
  std::string label_class;
  // Ids of the Patients it concerns or names, the subject first. Each one's consents must agree.
  // Empty: nobody.
  std::vector<std::string> persons;
};

}  // namespace gw::fhir
