#include <algorithm>
#include <array>
#include <set>

#include "gateway/map/change_internal.h"
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

bool HasPlace(const Element& encounter, std::string_view status) {
  for (const Element* child = encounter.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "location" && child->TextAt("status") == status) {
      return true;
    }
  }
  return false;
}

bool IsAdmitted(std::string_view kind) {
  return kind == "IMP" || kind == "ACUTE" || kind == "NONAC";
}

// What the visit was before it became what it is: the last class of its history.
std::string_view ClassBefore(const Element& encounter) {
  std::string_view kind;
  for (const Element* child = encounter.first_child(); child != nullptr; child = child->next()) {
    kind = child->name() == "classHistory" ? child->TextAt("class.code") : kind;
  }
  return kind;
}

// Of a visit under way that is known: the event that its change tells of. It was moved where the
// change itself names the place before and the place now: a message does, and a patch of the
// places; a whole resource that is put says what was ever so.
VisitEvent EventOfChange(const Entry& entry, bool is_said, std::string_view kind) {
  const Element& visit = *entry.resource;
  const std::string_view before = ClassBefore(visit);
  if (!before.empty() && !kind.empty() && IsAdmitted(before) != IsAdmitted(kind)) {
    return {IsAdmitted(kind) ? "A06" : "A07", "ADT_A06"};
  }
  const bool tells_its_change = entry.is_merge ? is_said : visit.Child("status") == nullptr;
  if (tells_its_change && HasPlace(visit, "completed") && HasPlace(visit, "active")) {
    return {"A02", "ADT_A02"};
  }
  return {"A08", "ADT_A01"};
}

// HL7 v2.8.2 chapter 3: what the state of a visit is told by. A visit whose state nobody said, or
// that went on from another place, or in another class, is changed and not begun.
VisitEvent EventOfVisit(const Entry& entry) {
  const Element* state = entry.resource->Child("status");
  const std::string_view status = state == nullptr ? std::string_view() : state->text();
  const std::string_view kind = entry.resource->TextAt("class.code");
  const Element* period = entry.resource->Child("period");
  const Element* end = period == nullptr ? nullptr : period->Child("end");
  if (status == "planned") {
    return {"A05", "ADT_A05"};
  }
  if (status == "cancelled" || status == "entered-in-error") {
    return {"A11", "ADT_A09"};
  }
  if (status == "finished") {
    return {"A03", "ADT_A03"};
  }
  if (end != nullptr && end->is_null()) {
    return {"A13", "ADT_A01"};
  }
  const bool is_said = state != nullptr && MarkOf(*state, kDefaultMark) != "true";
  const bool is_untold = status == "onleave" || status == "unknown";
  if (entry.action != "AD" || !is_said || is_untold ||
      (entry.is_merge && HasPlace(*entry.resource, "completed"))) {
    return EventOfChange(entry, is_said, kind);
  }
  return IsAdmitted(kind) ? VisitEvent{"A01", "ADT_A01"} : VisitEvent{"A04", "ADT_A01"};
}

bool HasCategory(const Element& resource, std::string_view code) {
  for (const Element* child = resource.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "category" && child->TextAt("coding.code") == code) {
      return true;
    }
  }
  return false;
}

// The person's own restriction of access, as our map of ARV names it.
bool IsRestriction(const Element& consent) {
  return consent.TextAt("identifier.system").ends_with(":restriction");
}

bool HasLink(const Element& patient, std::string_view type) {
  for (const Element* child = patient.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "link" && child->TextAt("type") == type) {
      return true;
    }
  }
  return false;
}

class Planner {
 public:
  explicit Planner(const std::vector<Entry>& entries) : entries_(entries) {}

  // Plans first: what they hold is told with them; then what is told of nowhere else.
  std::vector<Planned> Plan() {
    for (size_t i = 0; i < entries_.size(); ++i) {
      PlanRecord(i);
    }
    for (size_t i = 0; i < entries_.size(); ++i) {
      PlanProblem(i);
    }
    for (size_t i = 0; i < entries_.size(); ++i) {
      PlanTeam(i);
    }
    if (!restrictions_.empty()) {
      planned_.push_back({"ADT", "A31", "ADT_A05", restrictions_});
    }
    for (size_t i = 0; i < entries_.size(); ++i) {
      PlanPerson(i);
    }
    std::stable_sort(planned_.begin(), planned_.end(), [](const Planned& a, const Planned& b) {
      return a.focus.front() < b.focus.front();
    });
    return std::move(planned_);
  }

 private:
  bool RefersTo(const Entry& entry, size_t index) const {
    return std::find(entry.refers_to.begin(), entry.refers_to.end(), index) !=
           entry.refers_to.end();
  }

  // An entry of that type refers to it; `spoken`: one that makes a message.
  bool IsPartOf(size_t index, std::string_view type, bool spoken) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return Is(entry, type) && IsSpokenOf(entry) == spoken && RefersTo(entry, index);
    });
  }

  void PlanRecord(size_t i) {
    const Entry& entry = entries_[i];
    if (Is(entry, "Consent") && IsRestriction(*entry.resource)) {
      restrictions_.push_back(i);
    } else if (Is(entry, "Consent")) {
      planned_.push_back({"MDM", entry.action == "AD" ? "T02" : "T08", "MDM_T02", {i}});
    } else if (Is(entry, "Communication") && HasCategory(*entry.resource, "consent-bypass")) {
      planned_.push_back({"MDM", "T02", "MDM_T02", {i}});
    } else if (!IsSpokenOf(entry)) {
      return;
    } else if (Is(entry, "CarePlan")) {
      planned_.push_back({"PPP", EventFor(entry.action, {"PCB", "PCC", "PCD"}), "PPP_PCB", {i}});
    } else if (Is(entry, "Goal") && !IsPartOf(i, "CarePlan", true)) {
      planned_.push_back({"PGL", EventFor(entry.action, {"PC6", "PC7", "PC8"}), "PGL_PC6", {i}});
    } else if (Is(entry, "Encounter")) {
      const VisitEvent event = EventOfVisit(entry);
      planned_.push_back({"ADT", event.event, event.structure, {i}});
    } else if (Is(entry, "Patient") && HasLink(*entry.resource, "replaces")) {
      planned_.push_back({"ADT", "A40", "ADT_A39", {i}});
    }
  }

  // A problem of no plan and no goal; a known one, where something is joined to it or taken away.
  void PlanProblem(size_t i) {
    const Entry& entry = entries_[i];
    const bool is_told = IsPartOf(i, "CarePlan", true) || IsPartOf(i, "Goal", true) ||
                         (HasCategory(*entry.resource, "encounter-diagnosis") && IsOfVisit(i));
    const bool is_linked = IsPartOf(i, "Goal", false) || IsPartOf(i, "CarePlan", false);
    if (Is(entry, "Condition") && !is_told && (IsSpokenOf(entry) || is_linked)) {
      planned_.push_back({"PPR", EventFor(entry.action, {"PC1", "PC2", "PC3"}), "PPR_PC1", {i}});
    }
  }

  bool IsOfVisit(size_t i) const {
    return IsPartOf(i, "Encounter", true) ||
           std::any_of(entries_[i].refers_to.begin(), entries_[i].refers_to.end(),
                       [this](size_t to) { return Is(entries_[to], "Encounter"); });
  }

  // The team of a plan is told with it, or with the goal or problem that names the plan; that of a
  // person with their visit.
  void PlanTeam(size_t i) {
    const Entry& entry = entries_[i];
    if (!Is(entry, "CareTeam") || !IsSpokenOf(entry) || IsPartOf(i, "CarePlan", true)) {
      return;
    }
    const bool is_told = std::any_of(planned_.begin(), planned_.end(), [&](const Planned& message) {
      const size_t focus = message.focus.front();
      if (message.code == "PGL" || message.code == "PPR") {
        return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& plan) {
          return Is(plan, "CarePlan") && RefersTo(plan, i) && RefersTo(plan, focus);
        });
      }
      return message.code == "ADT" && Is(entries_[focus], "Encounter") &&
             !IsPartOf(i, "CarePlan", false) && HaveSamePerson(focus, i);
    });
    if (!is_told) {
      planned_.push_back({"ADT", "A31", "ADT_A05", {i}});
    }
  }

  bool HaveSamePerson(size_t a, size_t b) const {
    return std::any_of(entries_[a].refers_to.begin(), entries_[a].refers_to.end(), [&](size_t to) {
      return Is(entries_[to], "Patient") && RefersTo(entries_[b], to);
    });
  }

  // A person is told of on their own only where nothing else of the Bundle speaks of them.
  void PlanPerson(size_t i) {
    const Entry& entry = entries_[i];
    const bool is_told = std::any_of(planned_.begin(), planned_.end(), [&](const Planned& message) {
      const size_t focus = message.focus.front();
      return focus == i || RefersTo(entries_[focus], i);
    });
    if (Is(entry, "Patient") && IsSpokenOf(entry) && !is_told) {
      planned_.push_back({"ADT", entry.action == "AD" ? "A28" : "A31", "ADT_A05", {i}});
    }
  }

  const std::vector<Entry>& entries_;
  std::vector<Planned> planned_;
  std::vector<size_t> restrictions_;
};

}  // namespace

std::vector<Planned> PlanMessages(const std::vector<Entry>& entries) {
  return Planner(entries).Plan();
}

}  // namespace gw::map
