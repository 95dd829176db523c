#include <algorithm>
#include <string>
#include <utility>

#include "gateway/validate/profile_internal.h"

namespace gw::validate {
namespace {

using fhir::DiscriminatorKind;
using fhir::Element;
using fhir::ElementRule;

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
  std::vector<std::vector<const Element*>> members(slices.size());
  size_t last = 0;
  const Element* first_open = nullptr;
  for (const Element* child : children) {
    size_t slice = 0;
    while (slice < slices.size() && !IsOfSlice(*child, {sliced.profile, slices[slice]}, slicing)) {
      ++slice;
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
    Cardinality(parent, at.rule(), counts[slice]);
    for (const Element* member : members[slice]) {
      Item(*member, at);
    }
    if (const auto& inner = sliced.profile->reslices[slices[slice]]; !inner.empty()) {
      Slices(parent, members[slice], inner, at);
    }
  }
}

bool ProfileCheck::IsOfSlice(const Element& element, At slice, const fhir::Slicing& slicing) {
  return std::all_of(slicing.discriminators.begin(), slicing.discriminators.end(),
                     [&](const fhir::Discriminator& discriminator) {
                       return Discriminates(element, slice, discriminator);
                     });
}

bool ProfileCheck::Discriminates(const Element& element, At slice,
                                 const fhir::Discriminator& discriminator) {
  // The most frequent slicing: extensions by their url, each slice with the definition of one.
  if (discriminator.path == "url" && element.type().name() == "Extension") {
    for (const fhir::TypeRule& type : slice.rule().types) {
      for (const std::string_view canonical : type.profiles) {
        return WithoutVersion(canonical) == element.TextAt("url");
      }
    }
  }
  const fhir::path::Collection found = InstanceAt(element, discriminator.path);
  const std::vector<At> rules = RulesAt(slice, discriminator.path);
  if (discriminator.kind == DiscriminatorKind::kExists) {
    const bool is_barred = !rules.empty() && rules.front().rule().max == 0;
    return is_barred == found.empty();
  }
  for (const At& rule : rules) {
    for (const fhir::path::Value& value : found) {
      bool fits = false;
      if (discriminator.kind == DiscriminatorKind::kType) {
        fits = IsOfType(value, rule);
      } else if (value.element() == nullptr) {
        continue;
      } else if (discriminator.kind == DiscriminatorKind::kProfile) {
        const auto conforms = [&](std::string_view canonical) {
          const ReadyProfile* profile = store_.Find(canonical);
          return profile != nullptr && Conforms(*value.element(), *profile);
        };
        for (const fhir::TypeRule& type : rule.rule().types) {
          fits = fits || std::any_of(type.profiles.begin(), type.profiles.end(), conforms);
        }
        fits = fits || (rule.place == 0 && Conforms(*value.element(), *rule.profile));
      } else {
        const Likeness likeness = LikenessOf(*value.element(), rule);
        fits = likeness.fits && likeness.decides;
      }
      if (fits) {
        return true;
      }
    }
  }
  return false;
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
      likeness.decides = true;
      likeness.fits = AnswerOf(element, rule.binding.value_set) == fhir::Terminology::Answer::kYes;
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
      bool fits = false;
      bool decides = false;
      for (const Element& child : Children(element)) {
        if (child.name() != below.rule().name) {
          continue;
        }
        const Likeness inner = LikenessOf(child, below);
        fits = fits || inner.fits;
        decides = decides || inner.decides;
      }
      likeness.decides = likeness.decides || decides || !fits;
      likeness.fits = fits;
    }
  }
  return likeness;
}

}  // namespace gw::validate
