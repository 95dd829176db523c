#include <algorithm>
#include <array>

#include "gateway/map/export_internal.h"

namespace gw::map {
namespace {

using fhir::Element;
using Entry = Outbound::Entry;

bool Is(const Entry& entry, std::string_view type) { return entry.resource->type().name() == type; }

// What is only referred to makes no message of its own.
bool IsSpokenOf(const Entry& entry) {
  return entry.action != "LI" && entry.action != "UC" && entry.action != "UN";
}

// The events of chapter 12: created, changed, deleted.
std::string EventFor(std::string_view action, const std::array<const char*, 3>& events) {
  return action == "AD" ? events[0] : action == "DE" ? events[2] : events[1];
}

struct VisitEvent {
  const char* event;
  const char* structure;
};

// HL7 v2.8.2 chapter 3: what the state of a visit is told by.
VisitEvent EventOfVisit(const Entry& entry) {
  const std::string_view status = entry.resource->TextAt("status");
  const std::string_view kind = entry.resource->TextAt("class.code");
  if (status == "planned") {
    return {"A05", "ADT_A05"};
  }
  if (status == "cancelled" || status == "entered-in-error") {
    return {"A11", "ADT_A09"};
  }
  if (status == "finished") {
    return {"A03", "ADT_A03"};
  }
  if (entry.action != "AD") {
    return {"A08", "ADT_A01"};
  }
  return kind == "IMP" || kind == "ACUTE" || kind == "NONAC" ? VisitEvent{"A01", "ADT_A01"}
                                                             : VisitEvent{"A04", "ADT_A01"};
}

// Entries of that type that an entry of the other type refers to.
bool IsPartOf(size_t index, std::string_view of_type, const std::vector<Entry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) {
    return Is(entry, of_type) && IsSpokenOf(entry) &&
           std::find(entry.refers_to.begin(), entry.refers_to.end(), index) !=
               entry.refers_to.end();
  });
}

}  // namespace

std::vector<Planned> PlanMessages(const std::vector<Entry>& entries) {
  std::vector<Planned> planned;
  bool has_visit_or_team = false;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (Is(entry, "CarePlan") && IsSpokenOf(entry)) {
      planned.push_back({"PPP", EventFor(entry.action, {"PCB", "PCC", "PCD"}), "PPP_PCB", {i}});
    } else if (Is(entry, "Goal") && IsSpokenOf(entry) && !IsPartOf(i, "CarePlan", entries)) {
      planned.push_back({"PGL", EventFor(entry.action, {"PC6", "PC7", "PC8"}), "PGL_PC6", {i}});
    } else if (Is(entry, "CareTeam") && IsSpokenOf(entry) && !IsPartOf(i, "CarePlan", entries)) {
      planned.push_back({"ADT", "A31", "ADT_A05", {i}});
      has_visit_or_team = true;
    } else if (Is(entry, "Consent")) {
      planned.push_back({"MDM", entry.action == "AD" ? "T02" : "T08", "MDM_T02", {i}});
    } else if (Is(entry, "Encounter") && IsSpokenOf(entry)) {
      const VisitEvent event = EventOfVisit(entry);
      planned.push_back({"ADT", event.event, event.structure, {i}});
      has_visit_or_team = true;
    }
  }
  // A person is told of on their own only where nothing else of the Bundle speaks of them.
  for (size_t i = 0; i < entries.size() && !has_visit_or_team; ++i) {
    const bool is_told = std::any_of(planned.begin(), planned.end(), [&](const Planned& message) {
      const auto& refers_to = entries[message.focus.front()].refers_to;
      return std::find(refers_to.begin(), refers_to.end(), i) != refers_to.end();
    });
    if (Is(entries[i], "Patient") && !is_told) {
      planned.push_back({"ADT", entries[i].action == "AD" ? "A28" : "A31", "ADT_A05", {i}});
    }
  }
  return planned;
}

}  // namespace gw::map
