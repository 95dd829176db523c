#include <algorithm>

#include "gateway/map/change_internal.h"
#include "gateway/map/translate_internal.h"

namespace gw::map {
namespace {

using fhir::Element;

Status AddActivity(const std::vector<Change>& changes, Element* provenance) {
  const auto any = [&changes](Action action) {
    return std::any_of(changes.begin(), changes.end(), [action](const Change& change) {
      return change.action == action && change.fragment.type() != "Provenance";
    });
  };
  const std::string_view code = any(Action::kCorrect) || any(Action::kUpdate) ? "UPDATE"
                                : any(Action::kAdd)                           ? "CREATE"
                                : any(Action::kDelete)                        ? "DELETE"
                                                                              : "UPDATE";
  GW_TRY(Element * activity, provenance->Add("activity"));
  GW_TRY(Element * coding, activity->Add("coding"));
  GW_TRY([[maybe_unused]] Element * system,
         coding->Add("system", "http://terminology.hl7.org/CodeSystem/v3-DataOperation"));
  GW_TRY([[maybe_unused]] Element * c, coding->Add("code", code));
  if (any(Action::kCorrect)) {
    GW_TRY([[maybe_unused]] Element * text, activity->Add("text", "correction"));
  }
  return {};
}

Status Complete(const Unit& unit, const std::vector<Change>& changes, Element* provenance) {
  for (const Change& change : changes) {
    const bool only_named = change.stub || RankOf(change.action) < RankOf(Action::kMerge);
    if (change.fragment.type() == "Provenance" ||
        (only_named && !HasMarkedItems(change.fragment))) {
      continue;
    }
    GW_TRY(Element * target, provenance->Add("target"));
    GW_TRY([[maybe_unused]] Element * url, target->Add("reference", change.full_url));
    if (const Element* identifier = change.fragment.root().Child("identifier")) {
      GW_TRY([[maybe_unused]] Element * copy, target->AddCopy("identifier", *identifier));
    }
  }
  GW_TRY([[maybe_unused]] Element * at, provenance->Add("recorded", FormatInstant(unit.now)));
  GW_RETURN_IF_ERROR(AddActivity(changes, provenance));
  GW_TRY(Element * agent, provenance->Add("agent"));
  GW_TRY(Element * kind, agent->Add("type"));
  GW_TRY(Element * coding, kind->Add("coding"));
  GW_TRY(
      [[maybe_unused]] Element * system,
      coding->Add("system", "http://terminology.hl7.org/CodeSystem/provenance-participant-type"));
  GW_TRY([[maybe_unused]] Element * code, coding->Add("code", "assembler"));
  GW_TRY(Element * who, agent->Add("who"));
  GW_TRY(Element * version, who->Add("identifier"));
  GW_TRY([[maybe_unused]] Element * maps, version->Add("system", "urn:caregate:id:map-version"));
  GW_TRY([[maybe_unused]] Element * value, version->Add("value", unit.map_version));
  GW_TRY([[maybe_unused]] Element * name, who->Add("display", "Caregate"));
  return {};
}

}  // namespace

Status CompleteProvenance(const Unit& unit, std::vector<Change>* changes) {
  for (Change& change : *changes) {
    if (change.fragment.type() == "Provenance") {
      GW_RETURN_IF_ERROR(Complete(unit, *changes, &change.fragment.root()));
    }
  }
  return {};
}

}  // namespace gw::map
