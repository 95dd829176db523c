#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/csv/model.h"
#include "gateway/map/map_folder_internal.h"
#include "gateway/map/plan/plan.h"
#include "gateway/map/translate.h"
#include "gateway/map/v2/model.h"

// What the parts of translate.h share.
namespace gw::map {

struct Translator::Parts {
  const fhir::Definitions* definitions = nullptr;
  TranslatorOptions options;
  V2Model v2;
  std::vector<RowModel> rows;
  // "PPP" -> its events that have a map.
  std::map<std::string, std::vector<std::string>, std::less<>> events;
  // The ConceptMaps of codes/ that feeds may override: table -> code -> code.
  std::map<std::string, std::map<std::string, std::string>> tables;
  Plan plan;
  std::string version;

  // Is there a map of its own for this message? Errors: hl7_code 200 or 201.
  Status HasMap(const hl7v2::Message& message) const;
  // Runs a map and makes changes of what it wrote. `seed` names the unit for urn:uuids.
  Result<Translation> Run(std::string_view map_url, const fhir::Element& source, const Feed& feed,
                          Instant now, std::string seed) const;
};

// The map of a message structure has this url and the structure's name.
inline constexpr std::string_view kMessageMaps = "urn:caregate:map:hl7v2-to-fhir/message/";
// The structure, and the map, of the segments that many messages have.
inline constexpr std::string_view kCommon = "COMMON";

// The table whose presence says that a feed has been completed.
inline constexpr std::string_view kCompleted = "caregate:completed";

// Where each entry of the Bundle came from, and each number in it: its resource or Identifier ->
// the node that made it.
using Origins = std::map<const fhir::Element*, const fhir::Element*>;

struct Unit {
  const fhir::Definitions* definitions = nullptr;
  const Feed* feed = nullptr;
  Instant now;
  std::string seed;
  std::string map_version;
  const fhir::Element* source = nullptr;
};

// Makes changes of the Bundle that a map wrote: entries of one resource joined, identifiers that
// fail their check dropped, local references made literal, absent targets added as stubs, texts of
// attachments encoded, Provenance completed. The Bundle is used up. Errors: kUnprocessable where a
// reference leads nowhere.
Status MakeChanges(fhir::Resource bundle, const Origins& origins, const Unit& unit,
                   Translation* translation);

// R4 Provenance: what changed, when it was stored, how, and by which version of the maps. Completes
// those among the changes.
Status CompleteProvenance(const Unit& unit, std::vector<Change>* changes);

}  // namespace gw::map
