#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/resource.h"

namespace gw::flow {

// What one Consent permits beside another: its root provision, and the rules in it. Any thread.

// The extension of a root provision that refuses somebody by name where a deny would say nothing
// more than the root.
inline constexpr std::string_view kRefusedByName = "urn:caregate:extension:refused-by-name";

bool IsPermit(const fhir::Element& rule);
// The rules that are nested in one.
std::vector<const fhir::Element*> RulesOf(const fhir::Element& rule);
// Whom a Reference means: by its identifier, else as it is written.
std::string WhoOf(const fhir::Element& reference);
// The codes, or the persons meant (WhoOf), of one criterion of a rule ("actor", "class"), sorted.
std::vector<std::string> TextsOf(const fhir::Element& rule, std::string_view criterion);
// Has the rule nothing but elements of these names?
bool HasOnly(const fhir::Element& rule, std::initializer_list<std::string_view> names);
// A deny of somebody, whatever it is about.
bool IsRefusalByName(const fhir::Element& rule);
// Whom the root refuses by name: References of its denies, and those it says beside them.
std::vector<const fhir::Element*> RefusedIn(const fhir::Element& root);
bool IsAmong(const std::vector<const fhir::Element*>& references, const std::string& who);
// Do both say the same? False where either says what is not compared.
bool IsSameRule(const fhir::Element& one, const fhir::Element& other);
// Does the permit allow nothing that the other permit does not? `today`: a day; what a permit
// allowed before it does not count. Denies by name in a root are left to the caller.
bool IsWithin(const fhir::Element& narrow, const fhir::Element& wide, std::string_view today);
// Is the permit within one of a root, whatever the root denies?
bool IsWithinRoot(const fhir::Element& permit, const fhir::Element& root, std::string_view today);

// Might `result` allow what `held`, the same Consent before, does not? Where that cannot be told it
// is so. A Consent that is not in force allows what there is no Consent for; one with a
// modifierExtension allows nothing.
bool MightPermitMore(const fhir::Resource& result, const fhir::Resource& held,
                     std::string_view today);

}  // namespace gw::flow
