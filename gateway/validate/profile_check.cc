#include <algorithm>
#include <string>
#include <utility>

#include "gateway/validate/profile_internal.h"

namespace gw::validate {
namespace {

using fhir::Element;
using fhir::ElementRule;
using Answer = fhir::Terminology::Answer;

constexpr uint32_t kDepthMax = 8;  // profiles within profiles: references lead in circles

Answer Combine(Answer best, Answer next) {
  if (best == Answer::kYes || next == Answer::kYes) {
    return Answer::kYes;
  }
  return best == Answer::kUnknown || next == Answer::kUnknown ? Answer::kUnknown : Answer::kNo;
}

size_t CharactersOf(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

}  // namespace

bool IsEqual(const Element& element, const Element& fixed) {
  if (element.text() != fixed.text()) {
    return false;
  }
  const Element* a = element.first_child();
  const Element* b = fixed.first_child();
  for (; a != nullptr && b != nullptr; a = a->next(), b = b->next()) {
    if (a->name() != b->name() || !IsEqual(*a, *b)) {
      return false;
    }
  }
  return a == nullptr && b == nullptr;
}

bool HoldsPattern(const Element& element, const Element& pattern) {
  if (pattern.has_text() && element.text() != pattern.text()) {
    return false;
  }
  for (const Element& wanted : Children(pattern)) {
    bool found = false;
    for (const Element& child : Children(element)) {
      found = found || (child.name() == wanted.name() && HoldsPattern(child, wanted));
    }
    if (!found) {
      return false;
    }
  }
  return true;
}

void ProfileCheck::Error(std::string_view code, std::string_view rule, const Element& element,
                         std::string detail) {
  detail += " (profile " + std::string(profile_->profile->url) + ")";
  findings_.Error(code, rule, element, std::move(detail));
}

void ProfileCheck::Whole(const Element& element, const ReadyProfile& profile) {
  const ReadyProfile* outer = std::exchange(profile_, &profile);
  ++depth_;
  const fhir::TypeDef* type = profile.profile->type;
  if (type != nullptr && !element.type().Is(type->name())) {
    Error("structure", "profile-type", element,
          "the profile is for the type " + std::string(type->name()));
  } else {
    Item(element, {&profile, 0});
  }
  --depth_;
  profile_ = outer;
}

bool ProfileCheck::Conforms(const Element& element, const ReadyProfile& profile) {
  if (depth_ >= kDepthMax) {
    return true;
  }
  std::vector<Issue> issues;
  Findings findings(&issues);
  ProfileCheck check(store_, references_, environment_, &findings);
  check.depth_ = depth_;
  check.Whole(element, profile);
  return !HasErrors(issues);
}

void ProfileCheck::Item(const Element& element, At at) {
  Values(element, at);
  Binding(element, at);
  for (const ReadyConstraint& ready : at.profile->constraints[at.place]) {
    if (!ready.expression->Holds(&element, environment_)) {
      findings_.Add(
          ready.constraint->error ? Severity::kError : Severity::kWarning, "invariant",
          ready.constraint->key, element,
          std::string(ready.constraint->key) + ": " + std::string(ready.constraint->human));
    }
  }
  if (at.place != 0) {
    Types(element, at);
  }
  Below(element, at);
}

void ProfileCheck::Below(const Element& element, At at) {
  for (const ElementGroup& group : at.groups()) {
    Group(element, group, at);
  }
}

void ProfileCheck::Group(const Element& parent, const ElementGroup& group, At at) {
  const At own = {at.profile, group.place};
  const ElementRule& rule = own.rule();
  std::vector<const Element*> children;
  for (const Element& child : Children(parent)) {
    if (child.name() == rule.name) {
      children.push_back(&child);
    }
  }
  if (rule.slice_name.empty()) {
    Cardinality(parent, rule, static_cast<uint32_t>(children.size()));
    for (const Element* child : children) {
      Item(*child, own);
    }
  }
  if (!group.slices.empty()) {
    Slices(parent, children, group.slices, own);
  }
}

// Beyond what R4 itself asks of the element, which the walk reports.
void ProfileCheck::Cardinality(const Element& parent, const ElementRule& rule, uint32_t count,
                               bool is_open) {
  const fhir::ElementDef* base = rule.slice_name.empty() ? parent.type().Find(rule.name) : nullptr;
  const bool is_base_min = base != nullptr && count < base->min;
  const bool is_base_max = base != nullptr && base->max != fhir::kMany && count > base->max;
  std::string name(rule.name);
  if (!rule.slice_name.empty()) {
    name += ":" + std::string(rule.slice_name);
  }
  if (count < rule.min && !is_base_min && !is_open) {
    Error("required", "cardinality", parent,
          name + ": at least " + std::to_string(rule.min) + " is required, " +
              std::to_string(count) + " found");
  }
  if (rule.max != fhir::kMany && count > rule.max && !is_base_max) {
    Error("structure", "cardinality", parent,
          name + ": at most " + std::to_string(rule.max) + " is allowed, " + std::to_string(count) +
              " found");
  }
}

void ProfileCheck::Values(const Element& element, At at) {
  const ElementRule& rule = at.rule();
  if (rule.fixed != nullptr && !IsEqual(element, *rule.fixed)) {
    Error("value", "fixed", element, "the value is not the one that the profile fixes");
  }
  if (rule.pattern != nullptr && !HoldsPattern(element, *rule.pattern)) {
    Error("value", "pattern", element, "the value lacks what the profile's pattern holds");
  }
  if (rule.max_length > 0 && CharactersOf(element.text()) > rule.max_length) {
    Error("too-long", "max-length", element,
          "the text is longer than " + std::to_string(rule.max_length));
  }
  if (rule.min_value != nullptr && Is("$this < %bound", element, *rule.min_value)) {
    Error("value", "min-value", element, "the value is below the smallest that is allowed");
  }
  if (rule.max_value != nullptr && Is("$this > %bound", element, *rule.max_value)) {
    Error("value", "max-value", element, "the value is above the largest that is allowed");
  }
}

// Compares as FHIRPath does: numbers by their value, times by their precision and zone, quantities
// by their units. What cannot be compared is not so.
bool ProfileCheck::Is(std::string_view comparison, const Element& element,
                      const Element& bound) const {
  const fhir::path::Expression* expression = store_.ExpressionOf(comparison);
  const std::pair<std::string_view, fhir::path::Collection> variables[] = {
      {"bound", {fhir::path::Value::Of(bound)}}};
  fhir::path::Environment environment = environment_;
  environment.variables = variables;
  return expression != nullptr && expression->Holds(&element, environment);
}

Answer ProfileCheck::AnswerOf(const Element& element, std::string_view value_set) const {
  const auto ask = [&](const Element& coding) {
    return store_.terminology()
        .ValidateCode(value_set, {coding.TextAt("system"), coding.TextAt("code"), {}, {}})
        .answer;
  };
  if (element.type().kind() == fhir::Kind::kPrimitive) {
    return store_.terminology().ValidateCode(value_set, {{}, element.text(), {}, {}}).answer;
  }
  if (element.type().name() != "CodeableConcept") {
    return IsPresent(element.Child("code")) ? ask(element) : Answer::kNo;
  }
  Answer best = Answer::kNo;
  for (const Element& child : Children(element)) {
    if (child.name() == "coding" && IsPresent(child.Child("code"))) {
      best = Combine(best, ask(child));
    }
  }
  return best;
}

void ProfileCheck::Binding(const Element& element, At at) {
  const fhir::BindingRule& binding = at.rule().binding;
  const std::string_view type = element.type().name();
  const bool is_coded = type == "CodeableConcept" || type == "Coding" || type == "code" ||
                        type == "uri" || type == "string" || element.type().Is("Quantity");
  if (!is_coded) {
    return;
  }
  if (!binding.max_value_set.empty() && AnswerOf(element, binding.max_value_set) == Answer::kNo) {
    Error("code-invalid", "binding", element,
          "no code of the largest value set allowed, " + std::string(binding.max_value_set));
  }
  const fhir::ElementDef* base = element.definition();
  const bool is_base = base != nullptr && base->binding == binding.strength &&
                       base->value_set == WithoutVersion(binding.value_set);
  if (binding.strength < fhir::Strength::kExtensible || binding.value_set.empty() || is_base) {
    return;
  }
  const Answer answer = AnswerOf(element, binding.value_set);
  const std::string set(binding.value_set);
  if (answer == Answer::kUnknown) {
    findings_.Warning(
        "not-found", "binding", element,
        "the code could not be held against " + set + ": not all of it is known here");
  } else if (answer == Answer::kNo && binding.strength == fhir::Strength::kRequired) {
    Error("code-invalid", "binding", element, "no code of the required value set " + set);
  } else if (answer == Answer::kNo && HasCode(element)) {
    findings_.Warning("code-invalid", "binding", element,
                      "no code of the extensible value set " + set +
                          ", which should be used where it has a suitable one");
  }
}

void ProfileCheck::Types(const Element& element, At at) {
  const ElementRule& rule = at.rule();
  if (rule.types.empty() || rule.name == "id" || rule.name == "url") {
    return;
  }
  const fhir::TypeRule* found = nullptr;
  for (const fhir::TypeRule& type : rule.types) {
    const bool is_open = type.type == nullptr || type.type->is_abstract();
    if (type.code == element.type().name() || (is_open && element.type().Is(type.code)) ||
        type.type == nullptr) {
      found = &type;
      break;
    }
  }
  if (found == nullptr) {
    // An inner type of R4 ("Patient.contact") is BackboneElement or Element to a profile.
    if (element.type().kind() != fhir::Kind::kBackbone) {
      Error("structure", "type", element,
            "the profile does not allow the type " + std::string(element.type().name()));
    }
    return;
  }
  if (!found->target_profiles.empty() && element.type().name() == "Reference") {
    Targets(element, *found);
  }
  // Extensions are checked by their own definition wherever they stand: extension.cc.
  if (found->profiles.empty() || element.type().name() == "Extension" || depth_ >= kDepthMax) {
    return;
  }
  const ReadyProfile* known = nullptr;
  for (const std::string_view canonical : found->profiles) {
    const ReadyProfile* profile = store_.Find(canonical);
    if (profile == nullptr || Conforms(element, *profile)) {
      return;
    }
    known = profile;
  }
  if (found->profiles.size() == 1) {
    Whole(element, *known);
  } else {
    Error("structure", "type-profile", element,
          "the value conforms to none of the profiles of its type");
  }
}

void ProfileCheck::Targets(const Element& element, const fhir::TypeRule& type) {
  const std::string_view reference = element.TextAt("reference");
  const std::string_view found = references_.FindType(reference);
  if (found.empty()) {
    return;
  }
  const Element* target = references_.FindTarget(reference);
  bool is_type_allowed = false;
  bool conforms = false;
  for (const std::string_view canonical : type.target_profiles) {
    const ReadyProfile* profile = store_.Find(canonical);
    if (profile == nullptr) {
      return;
    }
    const fhir::Profile& allowed = *profile->profile;
    const fhir::TypeDef* found_type = store_.definitions().Find(found);
    if (found_type == nullptr || !found_type->Is(allowed.type_name)) {
      continue;
    }
    is_type_allowed = true;
    conforms =
        conforms || target == nullptr || !allowed.is_constraint || Conforms(*target, *profile);
  }
  const fhir::ElementDef* base = element.definition();
  const bool is_base =
      base != nullptr && !base->targets.empty() &&
      std::find(base->targets.begin(), base->targets.end(), found) == base->targets.end();
  if (!is_type_allowed && !is_base) {
    Error("structure", "reference-target", element,
          "the element may not refer to " + std::string(found));
  } else if (is_type_allowed && !conforms) {
    Error("structure", "target-profile", element,
          "what the reference leads to conforms to none of the profiles asked for");
  }
}

}  // namespace gw::validate
