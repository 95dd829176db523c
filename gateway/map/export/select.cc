#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "gateway/map/change/internal.h"
#include "gateway/map/export/internal.h"

namespace gw::map {
namespace {

using fhir::Element;
using Entry = Outbound::Entry;

bool Is(const Entry& entry, std::string_view type) { return entry.resource->type().name() == type; }

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

// Of a visit under way that is known: the event that its change tells of. It was moved where a
// patch of the places names the place before and the place now; a whole resource that is put says
// what was ever so.
VisitEvent EventOfChange(const Entry& entry, std::string_view kind) {
  const Element& visit = *entry.resource;
  const std::string_view before = ClassBefore(visit);
  if (!before.empty() && !kind.empty() && IsAdmitted(before) != IsAdmitted(kind)) {
    return {IsAdmitted(kind) ? "A06" : "A07", "ADT_A06"};
  }
  const bool tells_its_change = !entry.is_merge && visit.Child("status") == nullptr;
  if (tells_its_change && HasPlace(visit, "completed") && HasPlace(visit, "active")) {
    return {"A02", "ADT_A02"};
  }
  return {"A08", "ADT_A01"};
}

// HL7 v2.8.2 chapter 3: what the state of a visit is told by. A visit whose state nobody said is
// changed and not begun, and so is one of which the message said that it went on in another place
// or class. Where somebody was before they came (PV1-6 of an admission) is no transfer.
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
  const std::string_view changed =
      state != nullptr ? MarkOf(*state, kChangedMark) : std::string_view();
  if (changed == "place") {
    return {"A02", "ADT_A02"};
  }
  if (changed == "class") {
    return {IsAdmitted(kind) ? "A06" : "A07", "ADT_A06"};
  }
  if (entry.action != "AD" || !is_said || is_untold) {
    return EventOfChange(entry, kind);
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
  explicit Planner(const std::vector<Entry>& entries)
      : entries_(entries), parts_(entries.size()), told_(entries.size()) {
    for (const Entry& entry : entries_) {
      for (const size_t to : entry.refers_to) {
        parts_[to].Add(entry);
      }
    }
  }

  // Plans first: what they hold is told with them; then what is told of nowhere else.
  std::vector<Planned> Plan() {
    for (size_t i = 0; i < entries_.size(); ++i) {
      PlanRecord(i);
    }
    for (size_t i = 0; i < entries_.size(); ++i) {
      PlanProblem(i);
    }
    FindVisits();
    for (size_t i = 0; i < entries_.size(); ++i) {
      PlanTeam(i);
    }
    for (auto& [person, restrictions] : restrictions_) {
      Tell({"ADT", "A31", "ADT_A05", std::move(restrictions)});
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
  // What refers to an entry; `spoken`: what makes a message.
  struct PartOf {
    bool spoken_plan = false, known_plan = false;
    bool spoken_goal = false, known_goal = false;
    bool visit = false;

    void Add(const Entry& entry) {
      const bool spoken = IsSpokenOf(entry);
      (spoken ? spoken_plan : known_plan) |= Is(entry, "CarePlan");
      (spoken ? spoken_goal : known_goal) |= Is(entry, "Goal");
      visit |= spoken && Is(entry, "Encounter");
    }
  };

  // A message of its own, which tells of what its focus refers to as well.
  void Tell(Planned message) {
    const size_t focus = message.focus.front();
    told_[focus] = true;
    for (const size_t to : entries_[focus].refers_to) {
      told_[to] = true;
    }
    planned_.push_back(std::move(message));
  }

  void PlanRecord(size_t i) {
    const Entry& entry = entries_[i];
    if (Is(entry, "Consent") && IsRestriction(*entry.resource)) {
      restrictions_[PersonOf(entry)].push_back(i);
    } else if (Is(entry, "Consent")) {
      Tell({"MDM", entry.action == "AD" ? "T02" : "T08", "MDM_T02", {i}});
    } else if (Is(entry, "Communication") && HasCategory(*entry.resource, "consent-bypass")) {
      Tell({"MDM", "T02", "MDM_T02", {i}});
    } else if (!IsSpokenOf(entry)) {
      return;
    } else if (Is(entry, "CarePlan")) {
      Tell({"PPP", EventFor(entry.action, {"PCB", "PCC", "PCD"}), "PPP_PCB", {i}});
    } else if (Is(entry, "Goal") && !parts_[i].spoken_plan) {
      Tell({"PGL", EventFor(entry.action, {"PC6", "PC7", "PC8"}), "PGL_PC6", {i}});
    } else if (Is(entry, "Encounter")) {
      const VisitEvent event = EventOfVisit(entry);
      Tell({"ADT", event.event, event.structure, {i}});
    } else if (Is(entry, "Patient") && HasLink(*entry.resource, "replaces")) {
      Tell({"ADT", "A40", "ADT_A39", {i}});
    }
  }

  // Restrictions of one person go in one message.
  static std::string PersonOf(const Entry& consent) {
    const Element* patient = consent.resource->Child("patient");
    if (patient == nullptr) {
      return {};
    }
    std::string person(patient->TextAt("reference"));
    for (const std::string_view path : {"identifier.system", "identifier.value"}) {
      person.append(1, '|').append(patient->TextAt(path));
    }
    return person;
  }

  // A problem of no plan and no goal; a known one, where something is joined to it or taken away.
  void PlanProblem(size_t i) {
    const Entry& entry = entries_[i];
    const PartOf& part = parts_[i];
    if (!Is(entry, "Condition")) {
      return;
    }
    const bool is_told = part.spoken_plan || part.spoken_goal ||
                         (HasCategory(*entry.resource, "encounter-diagnosis") && IsOfVisit(i));
    const bool is_linked = part.known_goal || part.known_plan;
    if (!is_told && (IsSpokenOf(entry) || is_linked)) {
      Tell({"PPR", EventFor(entry.action, {"PC1", "PC2", "PC3"}), "PPR_PC1", {i}});
    }
  }

  bool IsOfVisit(size_t i) const {
    return parts_[i].visit ||
           std::any_of(entries_[i].refers_to.begin(), entries_[i].refers_to.end(),
                       [this](size_t to) { return Is(entries_[to], "Encounter"); });
  }

  // The goals and problems with a message of their own, and the people whose visits have one.
  void FindVisits() {
    for (const Planned& message : planned_) {
      const size_t focus = message.focus.front();
      if (message.code == "PGL" || message.code == "PPR") {
        goals_.insert(focus);
      } else if (message.code == "ADT" && Is(entries_[focus], "Encounter")) {
        visitors_.insert(entries_[focus].refers_to.begin(), entries_[focus].refers_to.end());
      }
    }
  }

  // The team of a plan is told with it, or with the goal or problem that names the plan; that of a
  // person with their visit.
  void PlanTeam(size_t i) {
    const Entry& entry = entries_[i];
    if (!Is(entry, "CareTeam") || !IsSpokenOf(entry) || parts_[i].spoken_plan) {
      return;
    }
    const auto is_told = [this](size_t plan) { return RefersToOneOf(entries_[plan], goals_); };
    const bool is_of_visit =
        !parts_[i].known_plan &&
        std::any_of(entry.refers_to.begin(), entry.refers_to.end(), [this](size_t to) {
          return Is(entries_[to], "Patient") && visitors_.contains(to);
        });
    if (!is_of_visit && std::none_of(entry.plans.begin(), entry.plans.end(), is_told)) {
      Tell({"ADT", "A31", "ADT_A05", {i}});
    }
  }

  static bool RefersToOneOf(const Entry& entry, const std::set<size_t>& wanted) {
    return std::any_of(entry.refers_to.begin(), entry.refers_to.end(),
                       [&wanted](size_t to) { return wanted.contains(to); });
  }

  // A person is told of on their own only where nothing else of the Bundle speaks of them.
  void PlanPerson(size_t i) {
    const Entry& entry = entries_[i];
    if (Is(entry, "Patient") && IsSpokenOf(entry) && !told_[i]) {
      Tell({"ADT", entry.action == "AD" ? "A28" : "A31", "ADT_A05", {i}});
    }
  }

  const std::vector<Entry>& entries_;
  std::vector<PartOf> parts_;  // by entry
  std::vector<bool> told_;     // by entry
  std::set<size_t> goals_, visitors_;
  std::vector<Planned> planned_;
  std::map<std::string, std::vector<size_t>> restrictions_;  // by person
};

}  // namespace

std::vector<Planned> PlanMessages(const std::vector<Entry>& entries) {
  return Planner(entries).Plan();
}

}  // namespace gw::map
