#include "gateway/fhir/compiler/terminology.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gw::fhir::compiler {
namespace {

using Member = std::pair<std::string, std::string>;  // code, system

// v3 code systems that security labels, purposes of use and roles draw on; the others would add
// 10,000 codes that nothing asks for.
constexpr std::string_view kV3Prefix = "http://terminology.hl7.org/CodeSystem/v3-";
constexpr const char* kV3Systems[] = {"ActClass",          "ActCode",
                                      "ActReason",         "Confidentiality",
                                      "DataOperation",     "NullFlavor",
                                      "ObservationValue",  "ParticipationFunction",
                                      "ParticipationMode", "ParticipationType",
                                      "RoleClass",         "RoleCode",
                                      "ActUSPrivacyLaw",   "ObservationInterpretation"};
// FHIR's own flat systems that consent and compartment rules name.
constexpr const char* kFlatSystems[] = {
    "http://terminology.hl7.org/CodeSystem/consentscope",
    "http://terminology.hl7.org/CodeSystem/consentaction",
    "http://terminology.hl7.org/CodeSystem/consentcategorycodes",
    "http://terminology.hl7.org/CodeSystem/consentpolicycodes",
    "http://hl7.org/fhir/resource-types"};

struct Expansion {
  std::set<Member> members;
  bool is_complete = true;
};

void AddConcepts(const Json& holder, const std::string& system, Expansion* out) {
  for (const Json& item : ItemsOf(holder, "concept")) {
    out->members.emplace(item.TextOf("code"), system);
    AddConcepts(item, system, out);
  }
}

class Expander {
 public:
  explicit Expander(const Package& package) : package_(package) {}

  void Expand(std::string_view value_set, Expansion* out) const {
    const auto found = package_.value_sets.find(value_set);
    const Json* compose =
        found == package_.value_sets.end() ? nullptr : found->second.Find("compose");
    // Few sets of R4 exclude anything, none of them in a required binding: not expanded.
    if (compose == nullptr || compose->Find("exclude") != nullptr) {
      out->is_complete = false;
      return;
    }
    for (const Json& include : ItemsOf(*compose, "include")) {
      Include(include, out);
    }
  }

 private:
  void Include(const Json& include, Expansion* out) const {
    for (const Json& imported : ItemsOf(include, "valueSet")) {
      Expand(WithoutVersion(imported.text()), out);
    }
    const std::string system(include.TextOf("system"));
    if (system.empty()) {
      return;
    }
    if (include.Find("concept") != nullptr) {
      AddConcepts(include, system, out);
      return;
    }
    const auto found = package_.code_systems.find(system);
    if (found == package_.code_systems.end() || include.Find("filter") != nullptr ||
        found->second.TextOf("content") != "complete") {
      out->is_complete = false;
      return;
    }
    AddConcepts(found->second, system, out);
  }

  const Package& package_;
};

// The codes of one system and the codes right above each.
using Parents = std::map<std::string, std::set<std::string>>;

void ReadHierarchy(const Json& holder, const std::string& parent, Parents* out) {
  for (const Json& item : ItemsOf(holder, "concept")) {
    const std::string code(item.TextOf("code"));
    std::set<std::string>& parents = (*out)[code];
    if (!parent.empty()) {
      parents.insert(parent);
    }
    // v3 systems that have a code below two others nest it below one and name it in the other.
    for (const Json& property : ItemsOf(item, "property")) {
      if (property.TextOf("code") == "child") {
        (*out)[std::string(property.TextOf("valueCode"))].insert(code);
      }
    }
    ReadHierarchy(item, code, out);
  }
}

void EmitSystem(const std::string& url, const Parents& codes, TableWriter* out) {
  std::map<std::string_view, uint16_t> rows;
  for (const auto& [code, parents] : codes) {
    rows.emplace(code, Narrow(rows.size()));
  }
  out->code_systems.push_back({out->TextOf(url), Narrow(out->codes.size()), Narrow(codes.size())});
  for (const auto& [code, parents] : codes) {
    out->codes.push_back({out->TextOf(code), Narrow(out->parents.size()), Narrow(parents.size())});
    for (const std::string& parent : parents) {
      out->parents.push_back(rows.at(parent));
    }
  }
}

bool IsOfFhir(std::string_view url) {
  return url.find("/v2-") == std::string_view::npos && url.find("/v3-") == std::string_view::npos;
}

// Lists that R4 only prefers may be long (6,400 LOINC document types); those stay unexpanded.
constexpr size_t kPreferredCodesMax = 1'000;

// The value sets of bindings, and whether one of them is required; sets that are only examples say
// nothing about an element and are left out.
std::map<std::string, bool> BoundValueSets(const Package& package) {
  std::map<std::string, bool> urls;
  for (const Json& structure : package.structures) {
    for (const Json& element : ItemsOf(*structure.Find("snapshot"), "element")) {
      const Json* binding = element.Find("binding");
      if (binding == nullptr || binding->TextOf("strength") == "example" ||
          binding->TextOf("valueSet").empty()) {
        continue;
      }
      bool& is_required = urls[std::string(WithoutVersion(binding->TextOf("valueSet")))];
      is_required = is_required || binding->TextOf("strength") == "required";
    }
  }
  return urls;
}

void EmitValueSets(const Package& package, TableWriter* out) {
  const Expander expander(package);
  for (const auto& [url, is_required] : BoundValueSets(package)) {
    Expansion expansion;
    expander.Expand(url, &expansion);
    if (!is_required && expansion.members.size() > kPreferredCodesMax) {
      continue;
    }
    out->value_sets.push_back({out->TextOf(url), Narrow(out->members.size()),
                               Narrow(expansion.members.size()),
                               static_cast<uint8_t>(expansion.is_complete ? 1 : 0)});
    for (const auto& [code, system] : expansion.members) {
      out->members.push_back({out->TextOf(code), out->TextOf(system)});
    }
  }
}

}  // namespace

Status CompileTerminology(const Package& package, TableWriter* out) {
  EmitValueSets(package, out);
  std::set<std::string> wanted(std::begin(kFlatSystems), std::end(kFlatSystems));
  for (const char* name : kV3Systems) {
    wanted.insert(std::string(kV3Prefix) + name);
  }
  for (const std::string& url : wanted) {
    if (!package.code_systems.contains(url)) {
      return Error{Code::kInvalid, "the definitions package lacks a code system", url};
    }
  }
  for (const auto& [url, system] : package.code_systems) {
    Parents codes;
    ReadHierarchy(system, {}, &codes);
    const bool has_hierarchy = std::any_of(codes.begin(), codes.end(),
                                           [](const auto& code) { return !code.second.empty(); });
    if (wanted.contains(url) || (has_hierarchy && IsOfFhir(url))) {
      EmitSystem(url, codes, out);
    }
  }
  return {};
}

}  // namespace gw::fhir::compiler
