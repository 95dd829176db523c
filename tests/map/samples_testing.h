#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/change/change.h"
#include "gateway/map/export/export.h"
#include "gateway/map/feed.h"
#include "gateway/map/translate.h"

namespace gw::map {

// What the tests of whole messages and files share.

const fhir::Definitions& Definitions();
// The project's own maps, loaded once.
const Translator& Maps();
// Those that go back, loaded once.
const Exporter& BackMaps();
// What goes in of a pair of mappings/fhir-to-hl7v2/message: "PPP_PCB.plan".
fhir::Resource OwnResource(const std::string& name);

// A resource of JSON that is right.
fhir::Resource Parsed(const std::string& json);

// The bytes of a file; empty where it cannot be read.
std::string ReadFile(const std::string& path);

// A feed of that organisation that says no more than a sender must.
Feed FeedOf(const std::string& organization);

// The code of table 0357 a message is refused with and the place, "200 MSH-9.1"; or its changes.
struct Outcome {
  std::string refusal;
  Translation translation;
};
Outcome TranslateMessage(std::string bytes, const Feed& feed);

// A Bundle as the resources it leads to: POST and PUT as they stand, PATCH applied to a resource
// that has no more than the identifier it is asked for by. References are written by the identity
// of what they mean ("Patient?identifier=system|value").
struct Outcomes {
  std::vector<fhir::Resource> resources;
  std::string Json() const;  // all of them, one a line
};
Result<Outcomes> OutcomesOf(const std::vector<Change>& changes);

// Is everything that `expected` lists in `actual`, with this value? Order matters for name and
// telecom only; keys that begin with _ are words. Where not: the first difference, with its place.
std::string Missing(const Json& expected, const Json& actual, const std::string& place);

// What is expected, with each resource named by its first identity: a reference may use any.
std::string WithFirstIdentities(std::string expected, const Outcomes& outcomes);

// Each resource of an .expected.json must be among the outcomes; a line for each that is not.
std::vector<std::string> Differences(const Json& expected, const Outcomes& outcomes);

}  // namespace gw::map
