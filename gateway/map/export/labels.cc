#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/map/export/labels_internal.h"

namespace gw::map {
namespace {

using fhir::Element;
using fhir::Resource;

constexpr std::string_view kConfidentiality =
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
constexpr std::string_view kUnaware = "NOPAT";
constexpr std::string_view kNoPlace = "nothing that is sent has a place for this security label";

// A field that says labels: of NOPAT alone, or of all others.
struct Place {
  std::string_view type;
  bool is_unaware;
  std::string_view segment, field;
};
constexpr std::array<Place, 6> kPlaces = {{{"Patient", false, "PD1", "f12"},
                                           {"Encounter", false, "PV2", "f22"},
                                           {"Condition", true, "PRB", "f21.c1"},
                                           {"Condition", false, "PRB", "f25.c1"},
                                           {"Condition", false, "DG1", "f18"},
                                           {"DocumentReference", false, "TXA", "f18"}}};

bool IsOrdinary(const Element& label) {
  const std::string_view code = label.TextAt("code");
  return label.TextAt("system") == kConfidentiality &&
         (code == "U" || code == "L" || code == "M" || code == "N");
}

bool IsTakenAway(const Element& label) {
  for (const Element* each = label.first_child(); each != nullptr; each = each->next()) {
    if (each->name() == "extension" && each->TextAt("url") == kActionMark) {
      return true;
    }
  }
  return false;
}

void AddLabels(const Element& holder, std::string_view name, std::vector<const Element*>* labels) {
  for (const Element* label = holder.first_child(); label != nullptr; label = label->next()) {
    if (label->name() == name && !IsOrdinary(*label) && !IsTakenAway(*label)) {
      labels->push_back(label);
    }
  }
}

std::vector<const Element*> LabelsOf(const Element& resource) {
  std::vector<const Element*> labels;
  for (const Element* child = resource.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "meta") {
      AddLabels(*child, "security", &labels);
    } else if (child->name() == "securityLabel") {
      AddLabels(*child, "coding", &labels);
    }
  }
  return labels;
}

std::vector<const Element*> ResourcesOf(const Resource& cut) {
  std::vector<const Element*> resources;
  for (const Element* entry = cut.root().first_child(); entry != nullptr; entry = entry->next()) {
    if (entry->name() == "entry") {
      resources.push_back(entry->Child("resource"));
    }
  }
  return resources;
}

UnsaidLabel Unsaid(const Outbound& outbound, size_t entry, const Element& resource,
                   const Element& label) {
  return {entry, Error{Code::kUnprocessable, std::string(kNoPlace),
                       outbound.entries()[entry].label + PathBelow(label, resource)}};
}

// What a run read of a Bundle.
class Reading {
 public:
  Reading(const Outbound& outbound, const std::vector<size_t>& from,
          const std::vector<const Element*>& resources, const Mapped& mapped)
      : outbound_(outbound),
        from_(from),
        resources_(resources),
        unread_(mapped.unread.begin(), mapped.unread.end()) {
    for (const Unmapped& unmapped : mapped.unmapped) {
      unmapped_.insert(outbound.PlaceIn(from, unmapped.where));
    }
    for (size_t i = 0; i < resources_.size(); ++i) {
      if (IsAnyRead(*resources_[i])) {
        told_.insert(from_[i]);
      }
    }
    for (const Element* resource : resources_) {
      AddNamed(*resource);
    }
  }

  const std::set<size_t>& told() const { return told_; }

  // Did a rule read its code, or that of another label that is the same, and find a word for it?
  bool IsSaid(size_t entry, const Element& resource, const Element& label,
              const std::vector<const Element*>& all) const {
    return std::any_of(all.begin(), all.end(), [&](const Element* other) {
      return other->TextAt("system") == label.TextAt("system") &&
             other->TextAt("code") == label.TextAt("code") && IsWritten(entry, resource, *other);
    });
  }

 private:
  bool IsWritten(size_t entry, const Element& resource, const Element& label) const {
    const Element* code = label.Child("code");
    return code != nullptr && code->has_text() && !unread_.contains(code) &&
           !unmapped_.contains(outbound_.entries()[entry].label + PathBelow(*code, resource));
  }

  bool IsRead(const Element* leaf) const { return leaf != nullptr && !unread_.contains(leaf); }

  bool IsAnyRead(const Element& element) const {
    bool is_read = (element.has_text() || element.is_null()) && !unread_.contains(&element);
    for (const Element* child = element.first_child(); child != nullptr && !is_read;
         child = child->next()) {
      is_read = IsAnyRead(*child);
    }
    return is_read;
  }

  // Adds what references name: a message that holds the key or the name of a resource tells of it.
  void AddNamed(const Element& element) {
    if (element.type().name() == "Reference") {
      const Element* identifier = element.Child("identifier");
      const bool is_named = IsRead(element.Child("display")) ||
                            (identifier != nullptr && IsRead(identifier->Child("value")));
      const Outbound::Entry* target = outbound_.EntryOf(element.TextAt("reference"));
      if (is_named && target != nullptr) {
        told_.insert(static_cast<size_t>(target - outbound_.entries().data()));
      }
      return;
    }
    for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
      AddNamed(*child);
    }
  }

  const Outbound& outbound_;
  const std::vector<size_t>& from_;
  const std::vector<const Element*>& resources_;
  std::set<const Element*> unread_;
  std::set<std::string> unmapped_;
  std::set<size_t> told_;
};

// How many segments of each name say each field of kPlaces.
using Fields = std::array<size_t, kPlaces.size()>;

void CountFields(const Element& node, Fields* fields) {
  for (const Element* child = node.first_child(); child != nullptr; child = child->next()) {
    if (child->name() != child->type().name()) {
      CountFields(*child, fields);
      continue;
    }
    for (size_t i = 0; i < kPlaces.size(); ++i) {
      const bool is_said =
          kPlaces[i].segment == child->name() && !child->TextAt(kPlaces[i].field).empty();
      (*fields)[i] += is_said ? 1U : 0U;
    }
  }
}

// Compares, resource by resource, the fields that a message holds with those that labels need.
class FieldCheck {
 public:
  explicit FieldCheck(const Element& message) { CountFields(message, &fields_); }

  // The first of its labels for which no field is left; null where there is none.
  const Element* FirstUnsaid(const Element& resource) {
    const std::string_view type = resource.type().name();
    std::set<bool> seen;
    for (const Element* label : LabelsOf(resource)) {
      const bool is_unaware = type == "Condition" && label->TextAt("code") == kUnaware;
      if (seen.insert(is_unaware).second && !Take(type, is_unaware)) {
        return label;
      }
    }
    return nullptr;
  }

 private:
  // Which types a map of the user's gives other fields is the map's to say.
  bool Take(std::string_view type, bool is_unaware) {
    bool has_place = false;
    size_t held = 0;
    for (size_t i = 0; i < kPlaces.size(); ++i) {
      if (kPlaces[i].type == type && kPlaces[i].is_unaware == is_unaware) {
        has_place = true;
        held += fields_[i];
      }
    }
    size_t& needed = needed_[{type, is_unaware}];
    // One PD1 speaks for a person and for those who merge into them.
    needed = type == "Patient" ? 1 : needed + 1;
    return !has_place || held >= needed;
  }

  Fields fields_{};
  std::map<std::pair<std::string_view, bool>, size_t> needed_;
};

}  // namespace

LabelsSaid CheckLabels(const Outbound& outbound, const std::vector<size_t>& from,
                       const Resource& cut, const Mapped& mapped) {
  const std::vector<const Element*> resources = ResourcesOf(cut);
  LabelsSaid said;
  if (std::all_of(resources.begin(), resources.end(),
                  [](const Element* resource) { return LabelsOf(*resource).empty(); })) {
    return said;
  }
  const Reading reading(outbound, from, resources, mapped);
  said.told = reading.told();
  for (size_t i = 0; i < resources.size(); ++i) {
    if (!said.told.contains(from[i])) {
      continue;
    }
    const std::vector<const Element*> labels = LabelsOf(*resources[i]);
    for (const Element* label : labels) {
      if (!reading.IsSaid(from[i], *resources[i], *label, labels)) {
        said.unsaid.push_back(Unsaid(outbound, from[i], *resources[i], *label));
        break;
      }
    }
  }
  return said;
}

std::vector<UnsaidLabel> CheckLabelFields(const Outbound& outbound, const std::vector<size_t>& from,
                                          const Resource& cut, const std::set<size_t>& told,
                                          const Element& message) {
  std::vector<UnsaidLabel> unsaid;
  if (told.empty()) {
    return unsaid;
  }
  FieldCheck check(message);
  const std::vector<const Element*> resources = ResourcesOf(cut);
  for (size_t i = 0; i < resources.size(); ++i) {
    const Element* label = told.contains(from[i]) ? check.FirstUnsaid(*resources[i]) : nullptr;
    if (label != nullptr) {
      unsaid.push_back(Unsaid(outbound, from[i], *resources[i], *label));
    }
  }
  return unsaid;
}

}  // namespace gw::map
