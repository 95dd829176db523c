#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/map/change/internal.h"
#include "gateway/map/export/consent_internal.h"

namespace gw::map {
namespace {

using fhir::Element;

constexpr std::string_view kActCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
constexpr std::string_view kConfidentiality =
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
constexpr std::string_view kResourceTypes = "http://hl7.org/fhir/resource-types";
constexpr std::string_view kUncoded = "urn:caregate:extension:uncoded-limits";
// The v3-ActCodes that table 0717 has a code for, as mappings/fhir-to-hl7v2/segment/ARV.map says
// them.
constexpr std::array<std::string_view, 4> kOf0717 = {"HIV", "PSY", "STD", "SUD"};
// What codes/exclusion.json calls MEDICATION.
constexpr std::array<std::string_view, 4> kMedication = {
    "MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration"};
// Table 0496: the consents that speak of sharing.
constexpr std::array<std::string_view, 6> kSharing = {"001", "003", "041", "103", "110", "111"};

template <size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<const Element*> All(const Element& parent, std::string_view name) {
  std::vector<const Element*> found;
  for (const Element* child = parent.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == name) {
      found.push_back(child);
    }
  }
  return found;
}

std::vector<const Element*> Rules(const Element& provision, std::string_view type) {
  std::vector<const Element*> found = All(provision, "provision");
  std::erase_if(found, [type](const Element* rule) { return rule->TextAt("type") != type; });
  return found;
}

Error RefusalAt(const Outbound::Entry& entry, const Element& at, std::string_view why) {
  return Error{Code::kUnprocessable, std::string(why),
               entry.label + PathBelow(at, *entry.resource)};
}

// Is it limited in words? Those go in a field of their own; what else changes the meaning is not
// known.
Result<bool> HasUncodedLimits(const Outbound::Entry& entry) {
  bool has = false;
  for (const Element* modifier : All(*entry.resource, "modifierExtension")) {
    if (modifier->TextAt("url") != kUncoded) {
      return RefusalAt(entry, *modifier, "a modifier that no field says");
    }
    has = true;
  }
  return has;
}

// The scope that the receiver reads out of CON-2.
std::string_view ScopeSaid(const Element& consent) {
  std::string_view scope = "patient-privacy";
  for (const Element* category : All(consent, "category")) {
    const std::string_view code = category->TextAt("coding.code");
    const bool is_0496 =
        code.size() == 3 && code.find_first_not_of("0123456789") == std::string_view::npos;
    if (code == "109" && scope != "treatment") {
      scope = "research";
    } else if (is_0496 && code != "109" && !IsOneOf(code, kSharing)) {
      scope = "treatment";
    }
  }
  return scope;
}

// The resource types that "plan" means to the receiver.
std::set<std::string, std::less<>> PlanClasses(const Destination& destination) {
  std::string list = "CarePlan CareTeam";
  if (const auto table = destination.tables.find("plan-covers");
      table != destination.tables.end()) {
    const auto row = std::find_if(table->second.begin(), table->second.end(),
                                  [](const auto& entry) { return entry.second == "plan"; });
    list = row == table->second.end() ? "" : row->first;
  }
  std::set<std::string, std::less<>> classes;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(' ', at), list.size());
    classes.insert(list.substr(at, end - at));
    at = end + 1;
  }
  classes.erase("");
  return classes;
}

class Checker {
 public:
  Checker(const Outbound& outbound, const Outbound::Entry& entry, const Destination& destination)
      : outbound_(outbound), entry_(entry), plan_(PlanClasses(destination)) {}

  Result<ConsentRowsExpected> Run() {
    const Element& consent = *entry_.resource;
    const std::string_view status = consent.TextAt("status");
    if (status == "inactive" || status == "rejected" || status == "entered-in-error") {
      return ConsentRowsExpected{};  // CON-11 X permits nothing
    }
    const Element* root = consent.Child("provision");
    const std::string_view said = DecisionOf(consent);
    const bool has_rule = root != nullptr && root->TextAt("type") == "deny";
    const bool takes_away = (said == "X" || said == "R") && (root == nullptr || has_rule);
    if (!(has_rule && (status == "active" || status == "proposed")) &&
        !(takes_away && status.empty())) {
      return Refusal(root == nullptr ? consent : *root,
                     "only a Consent in force, or proposed, "
                     "that denies but for its permits is sent");
    }
    GW_TRY(const bool has_words, HasUncodedLimits(entry_));
    expected_.needs_words = has_words && (said == "A" || said == "L" || said == "P" ||
                                          (root != nullptr && !Rules(*root, "permit").empty()));
    GW_RETURN_IF_ERROR(CheckScope(consent));
    if (root != nullptr && !Rules(*root, "permit").empty()) {
      GW_RETURN_IF_ERROR(CheckGrant(*root));
    }
    return expected_;
  }

 private:
  Error Refusal(const Element& at, std::string_view why) const {
    return RefusalAt(entry_, at, why);
  }

  Status CheckScope(const Element& consent) const {
    const Element* scope = consent.Child("scope");
    const Element* root = consent.Child("provision");
    const bool is_fragment =
        scope == nullptr && (root == nullptr || Rules(*root, "permit").empty());
    if (!is_fragment && consent.TextAt("scope.coding.code") != ScopeSaid(consent)) {
      return Refusal(scope == nullptr ? consent : *scope, "a scope that CON-2 does not say");
    }
    return {};
  }

  // A root deny with permits in it.
  Status CheckGrant(const Element& root) {
    GW_RETURN_IF_ERROR(CheckCriteria(root, {"type", "period", "provision"}));
    std::set<std::string> outside, first;
    for (const Element* deny : Rules(root, "deny")) {
      GW_RETURN_IF_ERROR(Exclusion(*deny, &outside));
    }
    bool is_first = true;
    for (const Element* permit : Rules(root, "permit")) {
      std::set<std::string> inside;
      GW_RETURN_IF_ERROR(CheckPermit(*permit, &inside));
      if (!is_first && inside != first) {
        return Refusal(*permit,
                       "its exclusions are not those of the other permits: an exclusion "
                       "goes with every recipient");
      }
      first = std::move(inside);
      is_first = false;
    }
    for (const Element* deny : Rules(root, "deny")) {
      expected_.exclusions += CountExclusions(*deny);
    }
    for (const Element* deny : Rules(*Rules(root, "permit").front(), "deny")) {
      expected_.exclusions += CountExclusions(*deny);
    }
    return {};
  }

  Status CheckPermit(const Element& permit, std::set<std::string>* exclusions) {
    GW_RETURN_IF_ERROR(CheckCriteria(permit, {"type", "actor", "class", "provision"}));
    const std::vector<const Element*> actors = All(permit, "actor");
    if (actors.empty()) {
      return Refusal(permit, "a permit that names nobody");
    }
    for (const Element* actor : actors) {
      GW_RETURN_IF_ERROR(CheckActor(*actor));
    }
    expected_.recipients += actors.size();
    GW_RETURN_IF_ERROR(CheckClasses(permit));
    for (const Element* deny : Rules(permit, "deny")) {
      GW_RETURN_IF_ERROR(Exclusion(*deny, exclusions));
    }
    return {};
  }

  // Nothing but what rows say limits it: the rest would be gone, and the permit wider.
  Status CheckCriteria(const Element& provision,
                       std::initializer_list<std::string_view> said) const {
    for (const Element* child = provision.first_child(); child != nullptr; child = child->next()) {
      const std::string_view name = child->name();
      const bool is_aside = name == "id" || name == "extension";
      if (!is_aside && std::find(said.begin(), said.end(), name) == said.end()) {
        return Refusal(*child, "a limit that no row says");
      }
      const std::string_view type = child->TextAt("type");
      if (name == "provision" && type != "permit" && type != "deny") {
        return Refusal(*child, "a rule without its type");
      }
    }
    return {};
  }

  // A row names an organisation, by a code and whose code it is.
  Status CheckActor(const Element& actor) const {
    const std::vector<const Element*> roles = All(actor, "role");
    const Element* reference = actor.Child("reference");
    if (roles.empty() || roles.front()->TextAt("coding.code") != "IRCP" || reference == nullptr) {
      return Refusal(actor, "somebody who is not a recipient");
    }
    const std::string_view system = reference->TextAt("identifier.system");
    if (system.empty() || reference->TextAt("identifier.value").empty()) {
      return Refusal(*reference, "a recipient without an identifier");
    }
    const bool is_local = system.starts_with("urn:caregate:id:");
    if ((is_local && !system.ends_with(":organization")) || !IsOrganization(*reference)) {
      return Refusal(*reference, "a recipient that is no organisation");
    }
    return {};
  }

  bool IsOrganization(const Element& reference) const {
    const std::string_view url = reference.TextAt("reference");
    if (const Outbound::Entry* known = outbound_.EntryOf(url); known != nullptr) {
      return known->resource->type().name() == "Organization";
    }
    const std::string_view type = reference.TextAt("type");
    if (!type.empty()) {
      return type == "Organization";
    }
    const std::string_view system = reference.TextAt("identifier.system");
    return url.find("Organization/") != url.npos ||
           (url.empty() && (system == kOdsSystem || system.ends_with(":organization")));
  }

  // Everything, or at least what a plan covers: the plan alone is sent of more.
  Status CheckClasses(const Element& permit) const {
    const std::vector<const Element*> classes = All(permit, "class");
    std::set<std::string, std::less<>> named;
    for (const Element* kind : classes) {
      if (kind->TextAt("system") == kResourceTypes) {
        named.insert(std::string(kind->TextAt("code")));
      }
    }
    const bool is_plan =
        !plan_.empty() && std::includes(named.begin(), named.end(), plan_.begin(), plan_.end());
    if (!classes.empty() && !is_plan) {
      return Refusal(*classes.front(), "resource types that no row says");
    }
    return {};
  }

  // Adds what a deny keeps back; it may keep back more than it says, and never less.
  Status Exclusion(const Element& deny, std::set<std::string>* exclusions) const {
    const std::vector<const Element*> labels = All(deny, "securityLabel");
    for (const Element* label : labels) {
      if (label->TextAt("system") != kActCode || label->TextAt("code").empty()) {
        return Refusal(*label, "a label that no row says");
      }
      exclusions->insert(std::string(label->TextAt("code")));
    }
    if (!labels.empty()) {
      return {};
    }
    const std::vector<const Element*> classes = All(deny, "class");
    const bool is_medication =
        !classes.empty() && std::all_of(classes.begin(), classes.end(), [](const Element* kind) {
          return kind->TextAt("system") == kResourceTypes &&
                 IsOneOf(kind->TextAt("code"), kMedication);
        });
    if (!is_medication) {
      return Refusal(deny, "an exclusion that no row says");
    }
    exclusions->insert("class:");
    return {};
  }

  static size_t CountExclusions(const Element& deny) {
    return std::max<size_t>(All(deny, "securityLabel").size(), 1);
  }

  const Outbound& outbound_;
  const Outbound::Entry& entry_;
  std::set<std::string, std::less<>> plan_;
  ConsentRowsExpected expected_;
};

// Does table 0717 say this label, and nothing narrower? SMD is R: of data marked otherwise a
// receiver would keep back nothing.
bool IsOf0717(const Element& label) {
  const std::string_view system = label.TextAt("system");
  const std::string_view code = label.TextAt("code");
  return (system == kActCode && IsOneOf(code, kOf0717)) ||
         (system == kConfidentiality && code == "R");
}

// The key that our map of ARV gives a restriction that came without ARV-10: of the person and the
// value. It is not sent: each value is its own key.
bool IsKeyedByValue(const Element& consent) {
  const std::string_view key = consent.TextAt("identifier.value");
  return key.size() == 32 && key.find_first_not_of("0123456789abcdef") == key.npos;
}

// Rows that say both what they are and whom or what they name.
size_t CountRows(const Element& message) {
  size_t whole = 0;
  for (const Element* row : All(message, "OBSERVATION")) {
    const bool is_whole = !row->TextAt("OBX.f3.c1").empty() && !row->TextAt("OBX.f5.c1.s1").empty();
    whole += is_whole ? 1U : 0U;
  }
  return whole;
}

}  // namespace

Result<ConsentRowsExpected> CheckConsent(const Outbound& outbound, const Outbound::Entry& entry,
                                         const Destination& destination) {
  return Checker(outbound, entry, destination).Run();
}

Result<ConsentRowsExpected> CheckRestriction(const Outbound::Entry& entry) {
  const Element& consent = *entry.resource;
  const std::string_view status = consent.TextAt("status");
  ConsentRowsExpected expected;
  expected.values = 1;
  if (!status.empty() && status != "active") {
    return expected;  // ARV-2 D
  }
  const Element* root = consent.Child("provision");
  if (root == nullptr || root->TextAt("type") != "deny") {
    return RefusalAt(entry, root == nullptr ? consent : *root, "a restriction that denies nothing");
  }
  GW_TRY(expected.needs_words, HasUncodedLimits(entry));
  const std::vector<const Element*> labels = All(*root, "securityLabel");
  for (const Element* label : labels) {
    if (!IsOf0717(*label)) {
      return RefusalAt(entry, *label, "a label that no code of table 0717 says");
    }
  }
  if (labels.size() > 1 && !IsKeyedByValue(consent)) {
    return RefusalAt(entry, *labels[1], "ARV-10 is the key of one value of ARV-3");
  }
  const std::vector<const Element*> classes = All(*root, "class");
  const bool is_place = std::all_of(classes.begin(), classes.end(), [](const Element* kind) {
    return kind->TextAt("system") == kResourceTypes && kind->TextAt("code") == "Encounter";
  });
  if (labels.empty() && !is_place) {
    return RefusalAt(entry, *root, "a restriction that no code of table 0717 says");
  }
  expected.values = std::max<size_t>(labels.size(), 1);
  return expected;
}

Status CheckRows(const Element& message, const ConsentRowsExpected& expected,
                 const std::string& label) {
  const Element* con = message.Child("CON");
  if (con == nullptr || con->TextAt("f11.c1").empty()) {
    return Error{Code::kUnprocessable, "this version of HL7 v2 has no place for a consent", label};
  }
  if (expected.needs_words && con->TextAt("f9").empty()) {
    return Error{Code::kUnprocessable, "limits that nobody has coded yet, without their words",
                 label + ".modifierExtension[0]"};
  }
  if (CountRows(message) < expected.recipients + expected.exclusions) {
    return Error{Code::kUnprocessable, "a limit that no code of the receiver's says",
                 label + ".provision"};
  }
  return {};
}

Status CheckRestrictionsOf(const Element& message,
                           const std::vector<ConsentRowsExpected>& restrictions,
                           const std::string& label) {
  size_t wanted = 0, wanted_words = 0;
  for (const ConsentRowsExpected& one : restrictions) {
    wanted += one.values;
    wanted_words += one.needs_words ? one.values : 0;
  }
  size_t found = 0, worded = 0;
  for (const Element* arv : All(message, "ARV")) {
    const bool is_said = !arv->TextAt("f3.c1").empty() || arv->TextAt("f2.c1") == "D";
    found += is_said ? 1U : 0U;
    worded += arv->TextAt("f5").empty() ? 0U : 1U;
  }
  if (found < wanted) {
    return Error{Code::kUnprocessable, "this version of HL7 v2 has no place for a restriction",
                 label};
  }
  if (worded < wanted_words) {
    return Error{Code::kUnprocessable, "limits that nobody has coded yet, without their words",
                 label + ".modifierExtension[0]"};
  }
  return {};
}

}  // namespace gw::map
