#include "gateway/flow/permits.h"

#include <algorithm>
#include <array>

#include "gateway/map/change/change.h"

namespace gw::flow {
namespace {

using fhir::Element;

constexpr size_t kDaySize = 10;  // YYYY-MM-DD
// What says of a rule whom and what it is about: each with its codes, or references, any of which
// will do.
constexpr std::array<std::string_view, 6> kCriteria = {"actor", "action",        "class",
                                                       "code",  "securityLabel", "purpose"};

std::string_view DayOf(std::string_view moment) { return moment.substr(0, kDaySize); }

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsCriterion(std::string_view name) {
  return std::find(kCriteria.begin(), kCriteria.end(), name) != kCriteria.end();
}

std::string TextOfCriterion(const Element& criterion) {
  if (criterion.name() == "actor") {
    const Element* reference = criterion.Child("reference");
    return reference == nullptr ? std::string() : WhoOf(*reference);
  }
  const Element* coding = criterion.Child("coding");
  const Element& from = coding == nullptr ? criterion : *coding;
  return std::string(from.TextAt("system")) + '|' + std::string(from.TextAt("code"));
}

template <typename Visit>
void EachOf(const Element& rule, std::string_view name, Visit visit) {
  for (const Element* child = rule.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == name) {
      visit(*child);
    }
  }
}

// Does one hold at no time at which the other does not?
bool IsPeriodWithin(const Element& narrow, const Element& wide, std::string_view today) {
  const std::string_view wide_end = wide.TextAt("period.end");
  const std::string_view wide_start = wide.TextAt("period.start");
  const std::string_view end = narrow.TextAt("period.end");
  const bool ends =
      wide_end.empty() || end == wide_end || (!end.empty() && DayOf(end) <= DayOf(wide_end));
  return ends &&
         (DayOf(wide_start) <= today || DayOf(narrow.TextAt("period.start")) >= DayOf(wide_start));
}

// What an element of the wide permit asks, the narrow one asks too.
bool Keeps(const Element& narrow, const Element& wide, const Element& asked,
           std::string_view today) {
  if (IsOneOf(asked.name(), {"type", "id", "extension"})) {
    return true;
  }
  if (asked.name() == "period") {
    return IsPeriodWithin(narrow, wide, today);
  }
  if (asked.name() == "provision") {
    const std::vector<const Element*> rules = RulesOf(narrow);
    const bool at_root = wide.parent() != nullptr && wide.parent()->parent() == nullptr;
    const bool by_name = !IsPermit(asked) && asked.Child("actor") != nullptr;
    return (at_root && by_name) ||
           (!IsPermit(asked) && std::any_of(rules.begin(), rules.end(), [&](const Element* rule) {
             return IsSameRule(*rule, asked);
           }));
  }
  if (!IsCriterion(asked.name())) {
    return false;
  }
  const std::vector<std::string> some = TextsOf(narrow, asked.name());
  const std::vector<std::string> all = TextsOf(wide, asked.name());
  return !some.empty() && std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// Does the root deny, whenever and to whom the other one does?
bool DeniesAll(const Element& root, const Element& held) {
  const bool is_asked = std::all_of(kCriteria.begin(), kCriteria.end(), [&](std::string_view name) {
    return root.Child(name) == nullptr || TextsOf(root, name) == TextsOf(held, name);
  });
  const std::string_view start = root.TextAt("period.start");
  const std::string_view end = root.TextAt("period.end");
  return is_asked && (start.empty() || start == held.TextAt("period.start")) &&
         (end.empty() || end == held.TextAt("period.end"));
}

// Are all rules that the held root denies by denied by the other root, too?
bool KeepsDenies(const Element& root, const Element& held) {
  const std::vector<const Element*> rules = RulesOf(root);
  const std::vector<const Element*> denies = RulesOf(held);
  return std::all_of(denies.begin(), denies.end(), [&rules](const Element* deny) {
    return IsPermit(*deny) || std::any_of(rules.begin(), rules.end(), [deny](const Element* rule) {
             return IsSameRule(*rule, *deny);
           });
  });
}

bool PermitsAnything(const Element& root) {
  const std::vector<const Element*> rules = RulesOf(root);
  return root.TextAt("type") != "deny" ||
         std::any_of(rules.begin(), rules.end(),
                     [](const Element* rule) { return IsPermit(*rule); });
}

}  // namespace

bool IsPermit(const Element& rule) { return rule.TextAt("type") == "permit"; }

std::vector<const Element*> RulesOf(const Element& rule) {
  std::vector<const Element*> rules;
  EachOf(rule, "provision", [&rules](const Element& one) { rules.push_back(&one); });
  return rules;
}

std::string WhoOf(const Element& reference) {
  const std::string_view value = reference.TextAt("identifier.value");
  return value.empty()
             ? std::string(reference.TextAt("reference"))
             : std::string(reference.TextAt("identifier.system")) + '|' + std::string(value);
}

std::vector<std::string> TextsOf(const Element& rule, std::string_view criterion) {
  std::vector<std::string> texts;
  EachOf(rule, criterion, [&texts](const Element& one) { texts.push_back(TextOfCriterion(one)); });
  std::sort(texts.begin(), texts.end());
  return texts;
}

bool HasOnly(const Element& rule, std::initializer_list<std::string_view> names) {
  const Element* child = rule.first_child();
  while (child != nullptr && IsOneOf(child->name(), names)) {
    child = child->next();
  }
  return child == nullptr;
}

bool IsRefusalByName(const Element& rule) {
  return rule.TextAt("type") == "deny" && rule.Child("actor") != nullptr &&
         HasOnly(rule, {"type", "actor", "id", "extension"});
}

std::vector<const Element*> RefusedIn(const Element& root) {
  std::vector<const Element*> refused;
  for (const Element* rule : RulesOf(root)) {
    if (IsRefusalByName(*rule)) {
      EachOf(*rule, "actor", [&refused](const Element& actor) {
        if (actor.Child("reference") != nullptr) {
          refused.push_back(actor.Child("reference"));
        }
      });
    }
  }
  EachOf(root, "extension", [&refused](const Element& extension) {
    if (extension.TextAt("url") == kRefusedByName && extension.Child("value") != nullptr) {
      refused.push_back(extension.Child("value"));
    }
  });
  return refused;
}

bool IsAmong(const std::vector<const Element*>& references, const std::string& who) {
  return std::any_of(references.begin(), references.end(),
                     [&who](const Element* one) { return WhoOf(*one) == who; });
}

bool IsSameRule(const Element& one, const Element& other) {
  for (const Element* rule : {&one, &other}) {
    if (!HasOnly(*rule, {"type", "period", "id", "extension", "actor", "action", "class", "code",
                         "securityLabel", "purpose"})) {
      return false;
    }
  }
  return one.TextAt("type") == other.TextAt("type") &&
         one.TextAt("period.start") == other.TextAt("period.start") &&
         one.TextAt("period.end") == other.TextAt("period.end") &&
         std::all_of(kCriteria.begin(), kCriteria.end(), [&](std::string_view criterion) {
           return TextsOf(one, criterion) == TextsOf(other, criterion);
         });
}

bool IsWithin(const Element& narrow, const Element& wide, std::string_view today) {
  if (!IsPermit(wide)) {
    return false;
  }
  for (const Element* asked = wide.first_child(); asked != nullptr; asked = asked->next()) {
    if (!Keeps(narrow, wide, *asked, today)) {
      return false;
    }
  }
  return true;
}

bool IsWithinRoot(const Element& permit, const Element& root, std::string_view today) {
  if (IsPermit(root)) {
    return IsWithin(permit, root, today);
  }
  const std::vector<const Element*> rules = RulesOf(root);
  return std::any_of(rules.begin(), rules.end(),
                     [&](const Element* rule) { return IsWithin(permit, *rule, today); });
}

bool MightPermitMore(const fhir::Resource& result, const fhir::Resource& held,
                     std::string_view today) {
  if (map::SameContent(result, held)) {
    return false;
  }
  const bool in_force = result.root().TextAt("status") == "active";
  const bool was_in_force = held.root().TextAt("status") == "active";
  const Element* root = result.root().Child("provision");
  const Element* before = held.root().Child("provision");
  if (!in_force || root == nullptr) {
    return was_in_force;
  }
  if (result.root().Child("modifierExtension") != nullptr) {
    return false;
  }
  if (!was_in_force || before == nullptr || held.root().Child("modifierExtension") != nullptr) {
    return PermitsAnything(*root);
  }
  if (result.root().TextAt("scope.coding.code") != held.root().TextAt("scope.coding.code")) {
    return true;
  }
  if (IsPermit(*root)) {
    return !IsWithin(*root, *before, today) || !KeepsDenies(*root, *before);
  }
  const std::vector<const Element*> rules = RulesOf(*root);
  const bool all_within = std::all_of(rules.begin(), rules.end(), [&](const Element* rule) {
    return !IsPermit(*rule) || IsWithinRoot(*rule, *before, today);
  });
  return !all_within || !DeniesAll(*root, *before) ||
         (PermitsAnything(*root) && !KeepsDenies(*root, *before));
}

}  // namespace gw::flow
