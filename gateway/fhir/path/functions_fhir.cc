// R4 fhirpath.html 2.9.1.7, "Additional functions".
#include <algorithm>
#include <array>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

using VKind = Value::Kind;
constexpr std::string_view kBaseProfile = "http://hl7.org/fhir/StructureDefinition/";

bool Extension(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<std::string_view> url;
  if (!evaluator.StringArgument(node, 0, &url)) {
    return false;
  }
  for (size_t i = input.begin; url && i < input.end; ++i) {
    const Element* element = evaluator[i].element();
    for (const Element* child = element == nullptr ? nullptr : element->first_child();
         child != nullptr; child = child->next()) {
      if (child->name() == "extension" && child->TextAt("url") == *url) {
        evaluator.Push(Value::Of(*child));
      }
    }
  }
  return true;
}

bool HasOwnValue(const Value& value) {
  const Element* element = value.element();
  return element == nullptr ? value.kind() != VKind::kUnresolved
                            : element->has_text() && !element->is_null();
}

bool HasValue(Evaluator& evaluator, const Node& /*node*/, Range input) {
  return evaluator.PushBoolean(input.size() == 1 && HasOwnValue(evaluator[input.begin]));
}

bool GetValue(Evaluator& evaluator, const Node& /*node*/, Range input) {
  return input.size() != 1 || !HasOwnValue(evaluator[input.begin]) ||
         evaluator.Push(Unbox(evaluator[input.begin]));
}

const Element* ContainedWith(const Element& container, std::string_view id) {
  for (const Element* child = container.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "contained" && child->TextAt("id") == id) {
      return child;
    }
  }
  return nullptr;
}

// The type of what a reference points at: Reference.type, or the type before the id.
std::string_view TypeOfReference(const Element& element, std::string_view reference) {
  const std::string_view declared = element.TextAt("type");
  if (!declared.empty()) {
    return declared.substr(declared.rfind('/') + 1);
  }
  const size_t history = reference.find("/_history/");
  if (history != std::string_view::npos) {
    reference = reference.substr(0, history);
  }
  const size_t id = reference.rfind('/');
  if (id == std::string_view::npos || id == 0) {
    return {};
  }
  const size_t type = reference.rfind('/', id - 1);
  return reference.substr(type == std::string_view::npos ? 0 : type + 1,
                          id - (type == std::string_view::npos ? 0 : type + 1));
}

const Element* ResolveContained(const Element& element, std::string_view reference) {
  const Element* root = RootResource(NearestResource(&element));
  return root == nullptr || reference.size() == 1 ? root
                                                  : ContainedWith(*root, reference.substr(1));
}

void ResolveOne(Evaluator& evaluator, const Element& element) {
  const Element* child = element.Child("reference");
  const std::string_view reference = child == nullptr ? element.text() : child->text();
  if (reference.empty()) {
    return;
  }
  const bool contained = reference.front() == '#';
  const Element* found =
      contained ? ResolveContained(element, reference) : evaluator.InBundle(element, reference);
  const auto* resolver = evaluator.environment().resolver;
  const bool has_resolver = resolver != nullptr && *resolver;
  if (found == nullptr && !contained && has_resolver) {
    found = (*resolver)(reference);
  }
  if (found != nullptr) {
    evaluator.Push(Value::Of(*found));
    return;
  }
  if (contained || has_resolver) {
    return;
  }
  const std::string_view type = TypeOfReference(element, reference);
  const TypeDef* known = evaluator.environment().definitions->Find(type);
  if (known != nullptr && known->kind() == Kind::kResource) {
    evaluator.Push(Value::Of(VKind::kUnresolved, reference, known->name()));
  }
}

bool Resolve(Evaluator& evaluator, const Node& /*node*/, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    if (const Element* element = evaluator[i].element()) {
      ResolveOne(evaluator, *element);
    }
  }
  return true;
}

Definitions::Membership IsMember(const Evaluator& evaluator, std::string_view value_set,
                                 std::string_view system, std::string_view code) {
  const auto* membership = evaluator.environment().membership;
  if (membership != nullptr && *membership) {
    return (*membership)(value_set, system, code);
  }
  const std::string_view canonical = value_set.substr(0, value_set.find('|'));
  return evaluator.environment().definitions->IsMember(canonical, system, code);
}

// A code, Coding or CodeableConcept in a value set; a string counts as a code.
Definitions::Membership MembershipOf(const Evaluator& evaluator, const Value& value,
                                     std::string_view value_set) {
  using Membership = Definitions::Membership;
  const Element* element = value.element();
  if (element == nullptr || element->has_text()) {
    return IsMember(evaluator, value_set, {}, value.text());
  }
  if (element->Child("code") != nullptr) {
    return IsMember(evaluator, value_set, element->TextAt("system"), element->TextAt("code"));
  }
  Membership out = Membership::kNotMember;
  for (const Element* child = element->first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "coding") {
      const Membership one =
          IsMember(evaluator, value_set, child->TextAt("system"), child->TextAt("code"));
      if (one == Membership::kMember) {
        return one;
      }
      out = one == Membership::kUnknown ? one : out;
    }
  }
  return out;
}

bool MemberOf(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<std::string_view> value_set;
  if (!evaluator.StringArgument(node, 0, &value_set)) {
    return false;
  }
  if (input.size() > 1) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  if (!value_set || input.empty()) {
    return true;
  }
  const auto membership = MembershipOf(evaluator, evaluator[input.begin], *value_set);
  return membership == Definitions::Membership::kUnknown ||
         evaluator.PushBoolean(membership == Definitions::Membership::kMember);
}

// Of two Codings of one system; anything else is left open.
template <bool kInputIsAncestor>
bool Subsumption(Evaluator& evaluator, const Node& node, Range input) {
  Range other;
  if (!evaluator.Argument(node, 0, &other)) {
    return false;
  }
  if (input.size() > 1 || other.size() > 1) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  const Element* a = input.empty() ? nullptr : evaluator[input.begin].element();
  const Element* b = other.empty() ? nullptr : evaluator[other.begin].element();
  evaluator.stack().Truncate(other.begin);
  if (a == nullptr || b == nullptr || a->TextAt("code").empty() || b->TextAt("code").empty()) {
    return true;
  }
  if (!kInputIsAncestor) {
    std::swap(a, b);
  }
  const std::string_view system = a->TextAt("system");
  return evaluator.PushBoolean(
      system == b->TextAt("system") &&
      evaluator.environment().definitions->Subsumes(system, a->TextAt("code"), b->TextAt("code")));
}

bool HtmlChecks(Evaluator& evaluator, const Node& /*node*/, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    if (!CheckNarrative(evaluator[i].text(), Limits{}).ok()) {
      return evaluator.PushBoolean(false);
    }
  }
  return evaluator.PushBoolean(true);
}

// What a type is: R4's own definitions. Absent for a profile.
std::optional<bool> IsOfBase(const Evaluator& evaluator, const Element& element,
                             std::string_view profile) {
  const bool base = profile.starts_with(kBaseProfile);
  const TypeDef* type =
      base ? evaluator.environment().definitions->Find(profile.substr(kBaseProfile.size()))
           : nullptr;
  return type == nullptr ? std::nullopt : std::optional<bool>(element.type().Is(type->name()));
}

bool ConformsTo(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<std::string_view> profile;
  if (!evaluator.StringArgument(node, 0, &profile)) {
    return false;
  }
  if (input.size() > 1) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  if (input.empty() || !profile) {
    return true;
  }
  const Element* element = evaluator[input.begin].element();
  if (element == nullptr) {
    return evaluator.PushBoolean(false);
  }
  const auto* conformance = evaluator.environment().conformance;
  const std::optional<bool> conforms = conformance != nullptr && *conformance
                                           ? (*conformance)(*element, *profile)
                                           : IsOfBase(evaluator, *element, *profile);
  return conforms ? evaluator.PushBoolean(*conforms)
                  : evaluator.Fail(node, "the profile is not known here", Code::kUnsupported);
}

// Fails where a modifier extension is there that is not among those named; hands on its input.
bool CheckModifiers(Evaluator& evaluator, const Node& node, Range input) {
  std::vector<std::string_view> known;
  for (size_t i = 0; i < node.arguments.size(); ++i) {
    std::optional<std::string_view> url;
    if (!evaluator.StringArgument(node, i, &url)) {
      return false;
    }
    known.push_back(url.value_or(""));
  }
  for (size_t i = input.begin; i < input.end; ++i) {
    const Element* element = evaluator[i].element();
    for (const Element* child = element == nullptr ? nullptr : element->first_child();
         child != nullptr; child = child->next()) {
      if (child->name() == "modifierExtension" &&
          std::find(known.begin(), known.end(), child->TextAt("url")) == known.end()) {
        return evaluator.Fail(node, "a modifier extension is there that is not named");
      }
    }
    evaluator.Push(evaluator[i]);
  }
  return true;
}

bool ElementDefinition(Evaluator& evaluator, const Node& /*node*/, Range input) {
  const auto* definition = evaluator.environment().definition;
  if (definition == nullptr || !*definition) {
    return true;
  }
  for (size_t i = input.begin; i < input.end; ++i) {
    const Element* element = evaluator[i].element();
    const Element* found = element == nullptr ? nullptr : (*definition)(*element);
    if (found != nullptr) {
      evaluator.Push(Value::Of(*found));
    }
  }
  return true;
}

// The items that are in the slice, and of others those children that are: a slice is asked for
// beside what it slices, or at what holds it.
bool Slice(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<std::string_view> structure;
  std::optional<std::string_view> name;
  if (!evaluator.StringArgument(node, 0, &structure) || !evaluator.StringArgument(node, 1, &name)) {
    return false;
  }
  const auto* slicing = evaluator.environment().slicing;
  if (!structure || !name || slicing == nullptr || !*slicing) {
    return true;
  }
  for (size_t i = input.begin; i < input.end; ++i) {
    const Element* element = evaluator[i].element();
    if (element == nullptr) {
      continue;
    }
    if ((*slicing)(*element, *structure, *name)) {
      evaluator.Push(Value::Of(*element));
      continue;
    }
    for (const Element* child = element->first_child(); child != nullptr; child = child->next()) {
      if ((*slicing)(*child, *structure, *name)) {
        evaluator.Push(Value::Of(*child));
      }
    }
  }
  return true;
}

constexpr std::array<FunctionSpec, 12> kFunctions = {{
    {"extension", 1, 1, false, &Extension},
    {"hasValue", 0, 0, false, &HasValue},
    {"getValue", 0, 0, false, &GetValue},
    {"resolve", 0, 0, false, &Resolve},
    {"memberOf", 1, 1, false, &MemberOf},
    {"subsumes", 1, 1, false, &Subsumption<true>},
    {"subsumedBy", 1, 1, false, &Subsumption<false>},
    {"htmlChecks", 0, 0, false, &HtmlChecks},
    {"checkModifiers", 0, 16, false, &CheckModifiers},
    {"elementDefinition", 0, 0, false, &ElementDefinition},
    {"slice", 2, 2, false, &Slice},
    {"conformsTo", 1, 1, false, &ConformsTo},
}};

}  // namespace

std::span<const FunctionSpec> FhirFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
