#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/fhir/path/path.h"
#include "gateway/validate/findings_internal.h"
#include "gateway/validate/profile_internal.h"
#include "gateway/validate/validator.h"

namespace gw::validate {

// An invariant of a type, ready to be asked.
struct InvariantRule {
  const fhir::Invariant* invariant;
  const fhir::path::Expression* expression;
  const fhir::ElementDef* element;  // each of these children is the focus; null: the element itself
};

// Rules of one type that R4 states in words: special.cc.
using SpecialRule = void (*)(const fhir::Element& element, const fhir::Definitions& definitions,
                             Findings* findings);

// What is asked of every element of one type, in the order in which it is reported.
struct TypeRules {
  std::vector<uint16_t> required;  // elements with min > 0, by their place in the type
  std::vector<InvariantRule> invariants;
  std::vector<const fhir::ElementDef*> absolute;  // URIs that may not be relative
  SpecialRule special = nullptr;
  bool is_extension = false;
  bool is_reference = false;
  bool is_bundle = false;
  const fhir::ElementDef* contained = nullptr;  // of a DomainResource, for dom-2 to dom-6
};

struct Validator::Rules {
  Rules(const fhir::Definitions& of, const fhir::Packages& packages)
      : definitions(of), first_type(of.types().data()), profiles(packages, of) {}

  const TypeRules& Of(const fhir::TypeDef& type) const {
    return types[static_cast<size_t>(&type - first_type)];
  }

  const fhir::Definitions& definitions;
  const fhir::TypeDef* first_type;  // of definitions.types()
  ProfileStore profiles;
  std::vector<TypeRules> types;  // in the order of definitions.types()
  std::vector<std::unique_ptr<const fhir::path::Expression>> expressions;
  std::vector<std::string> uncompiled;
};

// A warning of the walk; an error to those who ask for security checks (Options).
inline constexpr std::string_view kActiveContentRule = "active-content";

// Texts of R4's own invariants, for the rules that are written out instead of evaluated. Null where
// the type has none of that key.
const fhir::Invariant* FindInvariant(const fhir::TypeDef& type, std::string_view key);

// The rule in words of a type; null where there is none.
SpecialRule SpecialRuleOf(std::string_view type);

// What txt-1 and txt-2 ask of a narrative, and that it is well-formed XHTML whose links can be
// followed safely. `div` is the xhtml element; "x" of each link or image "#x" is added to
// *local_references.
void CheckNarrative(const fhir::Element& div, Findings* findings,
                    std::vector<std::string_view>* local_references);

}  // namespace gw::validate
