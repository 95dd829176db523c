#include <algorithm>
#include <string>
#include <utility>

#include "gateway/validate/profile_internal.h"

namespace gw::validate {
namespace {

using fhir::DiscriminatorKind;
using fhir::Element;
using fhir::ElementRule;
using Answer = fhir::Terminology::Answer;

// The first step of a restricted FHIRPath, taken off it: "extension('http://x.org/a').value" is
// "extension('http://x.org/a')" and "value".
std::string_view TakeStep(std::string_view* path) {
  size_t at = 0;
  int open = 0;
  bool quoted = false;
  for (; at < path->size(); ++at) {
    const char c = (*path)[at];
    quoted = c == '\'' ? !quoted : quoted;
    open += quoted ? 0 : (c == '(' ? 1 : (c == ')' ? -1 : 0));
    if (c == '.' && open == 0 && !quoted) {
      break;
    }
  }
  const std::string_view step = path->substr(0, at);
  path->remove_prefix(std::min(at + 1, path->size()));
  return step;
}

// "x" of "name('x')".
std::string_view QuotedIn(std::string_view step) {
  const size_t first = step.find('\'');
  const size_t last = step.rfind('\'');
  return first == std::string_view::npos || last <= first
             ? std::string_view()
             : step.substr(first + 1, last - first - 1);
}

}  // namespace

// Puts each child into its slice, and holds the slices' numbers, order and rules.
void ProfileCheck::Slices(const Element& parent, const std::vector<const Element*>& children,
                          const std::vector<uint32_t>& slices, At sliced) {
  const fhir::Slicing& slicing = sliced.rule().slicing;
  if (slicing.discriminators.empty()) {
    return;  // nothing tells the slices apart
  }
  std::vector<uint32_t> counts(slices.size(), 0);
  std::vector<bool> is_open(slices.size(), false);  // an element may be of it that cannot be told
  std::vector<std::vector<const Element*>> members(slices.size());
  size_t last = 0;
  const Element* first_open = nullptr;
  for (const Element* child : children) {
    size_t slice = 0;
    bool may_be_any = false;
    for (; slice < slices.size(); ++slice) {
      const Answer answer = IsOfSlice(*child, {sliced.profile, slices[slice]}, slicing);
      if (answer == Answer::kYes) {
        break;
      }
      is_open[slice] = is_open[slice] || answer == Answer::kUnknown;
      may_be_any = may_be_any || answer == Answer::kUnknown;
    }
    if (slice == slices.size() && may_be_any) {
      findings_.Warning("not-found", "slicing", *child,
                        "of which slice it is cannot be told: what decides is not known here");
      continue;
    }
    if (slice == slices.size()) {
      first_open = first_open == nullptr ? child : first_open;
      if (slicing.rules == fhir::SlicingRules::kClosed) {
        Error("structure", "slicing", *child, "it is of none of the slices, and no other may be");
      }
      continue;
    }
    if (slicing.rules == fhir::SlicingRules::kOpenAtEnd && first_open != nullptr) {
      Error("structure", "slicing", *first_open, "what is of no slice stands at the end");
      first_open = nullptr;
    }
    if (slicing.ordered && slice < last) {
      Error("structure", "slicing", *child, "the slices stand in the order of the profile");
    }
    last = std::max(last, slice);
    ++counts[slice];
    members[slice].push_back(child);
  }
  for (size_t slice = 0; slice < slices.size(); ++slice) {
    const At at = {sliced.profile, slices[slice]};
    Cardinality(parent, at.rule(), counts[slice], is_open[slice]);
    for (const Element* member : members[slice]) {
      Item(*member, at);
    }
    if (const auto& inner = sliced.profile->reslices[slices[slice]]; !inner.empty()) {
      Slices(parent, members[slice], inner, at);
    }
  }
}

namespace {

// The place of what the slice at `place` slices.
std::optional<uint32_t> SlicedBy(const ReadyProfile& profile, uint32_t place) {
  const auto& elements = profile.profile->elements;
  for (uint32_t outer = 0; outer < place; ++outer) {
    const auto& inner = profile.reslices[outer];
    if (std::find(inner.begin(), inner.end(), place) != inner.end()) {
      return outer;
    }
  }
  for (const ElementGroup& group : profile.groups[elements[place].parent]) {
    if (std::find(group.slices.begin(), group.slices.end(), place) != group.slices.end()) {
      return group.place;
    }
  }
  return std::nullopt;
}

}  // namespace

bool ProfileCheck::IsInSlice(const Element& element, const ReadyProfile& profile,
                             std::string_view name) {
  const auto& elements = profile.profile->elements;
  const Element* holder = element.parent();
  for (uint32_t place = 1; place < elements.size(); ++place) {
    const ElementRule& rule = elements[place];
    if (rule.slice_name != name || rule.name != element.name() || holder == nullptr) {
      continue;
    }
    const bool is_held = rule.parent == 0 || elements[rule.parent].name == holder->name();
    const std::optional<uint32_t> sliced = is_held ? SlicedBy(profile, place) : std::nullopt;
    if (!sliced) {
      continue;
    }
    const fhir::Slicing& slicing = elements[*sliced].slicing;
    if (!slicing.discriminators.empty() &&
        IsOfSlice(element, {&profile, place}, slicing) == Answer::kYes) {
      return true;
    }
  }
  return false;
}

Answer ProfileCheck::IsOfSlice(const Element& element, At slice, const fhir::Slicing& slicing) {
  Answer all = Answer::kYes;
  for (const fhir::Discriminator& discriminator : slicing.discriminators) {
    const Answer answer = Discriminates(element, slice, discriminator);
    if (answer == Answer::kNo) {
      return answer;
    }
    all = answer == Answer::kUnknown ? answer : all;
  }
  return all;
}

Answer ProfileCheck::Discriminates(const Element& element, At slice,
                                   const fhir::Discriminator& discriminator) {
  const auto told = [](bool is_so) { return is_so ? Answer::kYes : Answer::kNo; };
  // The most frequent slicing: extensions by their url, each slice with the definition of one.
  if (discriminator.path == "url" && element.type().name() == "Extension") {
    for (const fhir::TypeRule& type : slice.rule().types) {
      for (const std::string_view canonical : type.profiles) {
        return told(WithoutVersion(canonical) == element.TextAt("url"));
      }
    }
  }
  const fhir::path::Collection found = InstanceAt(element, discriminator.path);
  const std::vector<At> rules = RulesAt(slice, discriminator.path);
  if (discriminator.kind == DiscriminatorKind::kExists) {
    const bool is_barred = !rules.empty() && rules.front().rule().max == 0;
    return told(is_barred == found.empty());
  }
  Answer any = Answer::kNo;
  for (const At& rule : rules) {
    for (const fhir::path::Value& value : found) {
      const Answer answer = Fits(value, rule, discriminator.kind);
      if (answer == Answer::kYes) {
        return answer;
      }
      any = answer == Answer::kUnknown ? answer : any;
    }
  }
  return any;
}

Answer ProfileCheck::Fits(const fhir::path::Value& value, At rule, DiscriminatorKind kind) {
  const auto told = [](bool is_so) { return is_so ? Answer::kYes : Answer::kNo; };
  if (kind == DiscriminatorKind::kType) {
    return told(IsOfType(value, rule));
  }
  const Element* element = value.element();
  if (element == nullptr) {
    return value.kind() == fhir::path::Value::Kind::kUnresolved ? Answer::kUnknown : Answer::kNo;
  }
  if (kind != DiscriminatorKind::kProfile) {
    const Likeness likeness = LikenessOf(*element, rule);
    return likeness.is_open && likeness.fits ? Answer::kUnknown
                                             : told(likeness.fits && likeness.decides);
  }
  const auto conforms = [&](std::string_view canonical) {
    const ReadyProfile* profile = store_.Find(canonical);
    return profile != nullptr && Conforms(*element, *profile);
  };
  bool fits = rule.place == 0 && Conforms(*element, *rule.profile);
  for (const fhir::TypeRule& type : rule.rule().types) {
    fits = fits || std::any_of(type.profiles.begin(), type.profiles.end(), conforms);
  }
  return told(fits);
}

bool ProfileCheck::IsOfType(const fhir::path::Value& value, At at) const {
  const std::string_view name =
      value.element() != nullptr ? value.element()->type().name() : value.unit();
  const fhir::TypeDef* type = store_.definitions().Find(name);
  if (at.place == 0) {  // what a reference leads to
    return type != nullptr && type->Is(at.profile->profile->type_name);
  }
  return std::any_of(at.rule().types.begin(), at.rule().types.end(),
                     [&](const fhir::TypeRule& rule) {
                       return rule.code == name || (type != nullptr && type->Is(rule.code));
                     });
}

// What a discriminator's path names in an instance.
fhir::path::Collection ProfileCheck::InstanceAt(const Element& element,
                                                std::string_view path) const {
  if (path == "$this") {
    return {fhir::path::Value::Of(element)};
  }
  if (path.find_first_of(".('") == std::string_view::npos) {
    fhir::path::Collection found;
    for (const Element& child : Children(element)) {
      if (child.name() == path) {
        found.push_back(fhir::path::Value::Of(child));
      }
    }
    return found;
  }
  if (path == "resolve()") {
    // The walk knows more than the expression: entries of a Bundle, contained resources.
    if (const Element* target = references_.FindTarget(element.TextAt("reference"))) {
      return {fhir::path::Value::Of(*target)};
    }
  }
  const fhir::path::Expression* expression = store_.ExpressionOf(path);
  if (expression == nullptr) {
    return {};
  }
  Result<fhir::path::Collection> found = expression->Evaluate(&element, environment_);
  return found ? std::move(*found) : fhir::path::Collection();
}

// The rules that a discriminator's path leads to, from a slice: within the profile, into the
// profile of a type, or into those of what a reference leads to.
std::vector<ProfileCheck::At> ProfileCheck::RulesAt(At from, std::string_view path) const {
  std::vector<At> at = {from};
  while (!path.empty()) {
    const std::string_view step = TakeStep(&path);
    if (step == "$this" || step.starts_with("ofType(")) {
      continue;
    }
    std::vector<At> next;
    for (const At& here : at) {
      if (step == "resolve()") {
        AddProfiles(here, &fhir::TypeRule::target_profiles, &next);
        continue;
      }
      std::vector<At> holders = {here};
      AddProfiles(here, &fhir::TypeRule::profiles, &holders);
      for (const At& holder : holders) {
        AddRulesOf(holder, step, &next);
      }
    }
    at = std::move(next);
  }
  return at;
}

// The roots of the profiles that the types of a rule name.
void ProfileCheck::AddProfiles(At at, std::span<const std::string_view> fhir::TypeRule::*canonicals,
                               std::vector<At>* out) const {
  for (const fhir::TypeRule& type : at.rule().types) {
    for (const std::string_view canonical : type.*canonicals) {
      if (const ReadyProfile* profile = store_.Find(canonical)) {
        out->push_back({profile, 0});
      }
    }
  }
}

// The rules below `holder` for one step: those of a child and of its slices, or of the slice that
// holds an extension of that url.
void ProfileCheck::AddRulesOf(At holder, std::string_view step, std::vector<At>* out) const {
  const std::string_view url = step.starts_with("extension(") ? QuotedIn(step) : "";
  const auto is_named = [url](const fhir::TypeRule& type) {
    return std::any_of(type.profiles.begin(), type.profiles.end(),
                       [url](std::string_view profile) { return WithoutVersion(profile) == url; });
  };
  for (const ElementGroup& group : holder.groups()) {
    const At own = {holder.profile, group.place};
    if (own.rule().name != (url.empty() ? step : "extension")) {
      continue;
    }
    if (url.empty()) {
      out->push_back(own);
    }
    for (const uint32_t slice : group.slices) {
      const At sliced = {holder.profile, slice};
      if (url.empty() ||
          std::any_of(sliced.rule().types.begin(), sliced.rule().types.end(), is_named)) {
        out->push_back(sliced);
      }
    }
  }
}

ProfileCheck::Likeness ProfileCheck::LikenessOf(const Element& element, At at) const {
  const ElementRule& rule = at.rule();
  Likeness likeness;
  if (rule.fixed != nullptr) {
    return {IsEqual(element, *rule.fixed), true};
  }
  if (rule.pattern != nullptr) {
    return {HoldsPattern(element, *rule.pattern), true};
  }
  if (rule.binding.strength == fhir::Strength::kRequired && !rule.binding.value_set.empty()) {
    const fhir::ElementDef* base = element.definition();
    const bool is_base =
        base != nullptr && base->value_set == WithoutVersion(rule.binding.value_set);
    if (!is_base) {
      const Answer answer = AnswerOf(element, rule.binding.value_set);
      likeness.decides = true;
      likeness.is_open = answer == Answer::kUnknown;
      likeness.fits = answer != Answer::kNo;
    }
  }
  for (const ElementGroup& group : at.groups()) {
    std::vector<uint32_t> places = group.slices;
    places.insert(places.begin(), group.place);
    for (const uint32_t place : places) {
      const At below = {at.profile, place};
      if (below.rule().min == 0 || !likeness.fits) {
        continue;
      }
      const Likeness best = LikenessBelow(element, below);
      likeness.is_open = likeness.is_open || best.is_open;
      likeness.decides = likeness.decides || best.decides || !best.fits;
      likeness.fits = best.fits;
    }
  }
  return likeness;
}

ProfileCheck::Likeness ProfileCheck::LikenessBelow(const Element& element, At below) const {
  Likeness best;
  best.fits = false;
  for (const Element& child : Children(element)) {
    if (child.name() != below.rule().name) {
      continue;
    }
    const Likeness inner = LikenessOf(child, below);
    if (inner.fits) {
      best.is_open = inner.is_open && (!best.fits || best.is_open);
    }
    best.fits = best.fits || inner.fits;
    best.decides = best.decides || inner.decides;
  }
  return best;
}

}  // namespace gw::validate
