#include <algorithm>

#include "gateway/map/change/internal.h"
#include "gateway/map/translate_internal.h"

namespace gw::map {
namespace {

using fhir::Element;

constexpr std::string_view kSent = "urn:caregate:extension:sent";

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

bool IsTarget(const Change& change) {
  const bool only_named = change.stub || RankOf(change.action) < RankOf(Action::kMerge);
  return change.fragment.type() != "Provenance" && (!only_named || HasMarkedItems(change.fragment));
}

// When all of it was done; empty where nobody says so, or several times are said.
std::string_view TimeOfAll(const std::vector<Change>& changes) {
  std::string_view time;
  for (const Change& change : changes) {
    if (!IsTarget(change) || change.done.empty()) {
      continue;
    }
    if (!time.empty() && time != change.done) {
      return {};
    }
    time = change.done;
  }
  return time;
}

// As the message was sent (MSH-7), which says so.
bool IsWhenSent(const Element& provenance, std::string_view time) {
  for (const Element* child = provenance.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "extension" && child->TextAt("url") == kSent) {
      return child->TextAt("value").starts_with(time);
    }
  }
  return false;
}

Status AddDone(const Change& change, Element* target) {
  GW_TRY(Element * extension, target->Add("extension"));
  GW_RETURN_IF_ERROR(extension->Add("url", kDoneAt));
  GW_RETURN_IF_ERROR(extension->Add("valueDateTime", change.done));
  return {};
}

Status Complete(const Unit& unit, const std::vector<Change>& changes, Element* provenance) {
  const std::string_view time = TimeOfAll(changes);
  for (const Change& change : changes) {
    if (!IsTarget(change)) {
      continue;
    }
    GW_TRY(Element * target, provenance->Add("target"));
    GW_TRY([[maybe_unused]] Element * url, target->Add("reference", change.full_url));
    if (const Element* identifier = change.fragment.root().Child("identifier")) {
      GW_TRY([[maybe_unused]] Element * copy, target->AddCopy("identifier", *identifier));
    }
    if (time.empty() && !change.done.empty()) {
      GW_RETURN_IF_ERROR(AddDone(change, target));
    }
  }
  if (!time.empty() && provenance->Child("occurred") == nullptr && !IsWhenSent(*provenance, time)) {
    GW_RETURN_IF_ERROR(provenance->Add("occurredDateTime", time));
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
