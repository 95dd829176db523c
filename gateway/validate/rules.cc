#include <algorithm>
#include <map>
#include <utility>

#include "gateway/validate/rules_internal.h"

namespace gw::validate {
namespace {

// ele-1, ext-1 and dom-2 to dom-6 are 97 % of the uses; check.cc has them in C++, and narrative.cc
// has txt-1 and txt-2, which R4 states as one function.
constexpr std::string_view kWrittenOut[] = {"ele-1", "ext-1", "dom-2", "dom-3", "dom-4",
                                            "dom-5", "dom-6", "txt-1", "txt-2"};
// Their published expressions cannot fail: they compare with 'something', or trace instead of
// testing. What ref-1 means is checked in content.cc.
constexpr std::string_view kKnownBad[] = {"ref-1", "sdf-24", "sdf-25", "ppc-2",
                                          "ppc-3", "ppc-4",  "ppc-5"};

// Published with an expression that does not say what the text beside it says: two elements have
// need of a behavior; what is absent breaks no rule about its value; a name matches as a whole.
struct Mended {
  std::string_view published;
  std::string_view expression;
};
constexpr Mended kMended[] = {
    {"enableWhen.count() > 2 implies enableBehavior.exists()",
     "enableWhen.count() > 1 implies enableBehavior.exists()"},
    {"probability is decimal implies (probability as decimal) <= 100",
     "probability.exists() implies "
     "(probability is decimal implies (probability as decimal) <= 100)"},
    {"name.matches('[A-Z]([A-Za-z0-9_]){0,254}')",
     "name.exists() implies name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')"}};

std::string_view ExpressionOf(const fhir::Invariant& invariant) {
  for (const Mended& mended : kMended) {
    if (mended.published == invariant.expression) {
      return mended.expression;
    }
  }
  return invariant.expression;
}

// URIs that name something for everybody, and so are absolute (datatypes.html, extensibility.html,
// valueset.html).
struct AbsoluteUri {
  std::string_view type;
  std::string_view element;
};
constexpr AbsoluteUri kAbsolute[] = {{"Coding", "system"},
                                     {"Identifier", "system"},
                                     {"Quantity", "system"},
                                     {"ValueSet.compose.include", "system"},
                                     {"ValueSet", "url"},
                                     {"CodeSystem", "url"},
                                     {"StructureDefinition", "url"},
                                     {"Questionnaire", "url"}};

template <size_t kCount>
bool IsIn(const std::string_view (&keys)[kCount], std::string_view key) {
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

using Compiled = std::map<std::string_view, const fhir::path::Expression*>;

// Equal expressions are compiled once. Null, and noted, where it does not compile.
const fhir::path::Expression* Compile(
    const fhir::Invariant& invariant, Compiled* known,
    std::vector<std::unique_ptr<const fhir::path::Expression>>* all,
    const fhir::Definitions& definitions, std::vector<std::string>* uncompiled) {
  const auto [place, is_new] = known->emplace(ExpressionOf(invariant), nullptr);
  if (is_new) {
    auto expression = fhir::path::Expression::Compile(ExpressionOf(invariant), definitions,
                                                      fhir::path::Mode::kLenient);
    if (expression) {
      all->push_back(std::make_unique<const fhir::path::Expression>(std::move(*expression)));
      place->second = all->back().get();
    } else {
      uncompiled->push_back(std::string(invariant.key) + ": " + expression.error().detail);
    }
  }
  return place->second;
}

}  // namespace

const fhir::Invariant* FindInvariant(const fhir::TypeDef& type, std::string_view key) {
  for (const fhir::Invariant& invariant : type.invariants()) {
    if (invariant.key == key) {
      return &invariant;
    }
  }
  return nullptr;
}

Validator::Validator(const fhir::Definitions& definitions)
    : own_packages_(std::make_unique<fhir::Packages>(fhir::Packages::R4(definitions))),
      rules_(MakeRules(definitions, *own_packages_)) {}

Validator::Validator(const fhir::Definitions& definitions, const fhir::Packages& packages)
    : rules_(MakeRules(definitions, packages)) {}

std::unique_ptr<const Validator::Rules> Validator::MakeRules(const fhir::Definitions& definitions,
                                                             const fhir::Packages& packages) {
  auto rules = std::make_unique<Rules>(definitions, packages);
  Compiled known;
  rules->types.reserve(definitions.types().size());
  for (const fhir::TypeDef& type : definitions.types()) {
    TypeRules& own = rules->types.emplace_back();
    own.is_reference = type.name() == "Reference";
    own.is_extension = type.name() == "Extension";
    own.is_bundle = type.name() == "Bundle";
    own.special = SpecialRuleOf(type.name());
    for (const AbsoluteUri& uri : kAbsolute) {
      if (type.Is(uri.type)) {
        own.absolute.push_back(type.Find(uri.element));
      }
    }
    own.contained = type.Is("DomainResource") ? type.Find("contained") : nullptr;
    for (size_t place = 0; place < type.elements().size(); ++place) {
      if (type.elements()[place].min > 0) {
        own.required.push_back(static_cast<uint16_t>(place));
      }
    }
    for (const fhir::Invariant& invariant : type.invariants()) {
      if (IsIn(kWrittenOut, invariant.key) || IsIn(kKnownBad, invariant.key)) {
        continue;
      }
      const fhir::path::Expression* expression =
          Compile(invariant, &known, &rules->expressions, definitions, &rules->uncompiled);
      if (expression != nullptr) {
        own.invariants.push_back(
            {&invariant, expression,
             invariant.element.empty() ? nullptr : type.Find(invariant.element)});
      }
    }
  }
  return rules;
}

Validator::Validator(Validator&&) noexcept = default;
Validator::~Validator() = default;

const std::vector<std::string>& Validator::Uncompiled() const { return rules_->uncompiled; }

}  // namespace gw::validate
