#include <utility>

#include "gateway/validate/profile_internal.h"

namespace gw::validate {
namespace {

constexpr std::string_view kTypeUrl = "http://hl7.org/fhir/StructureDefinition/";

// Stated by one of R4's own types, whose invariants the walk asks of every element.
bool IsOfBase(const fhir::Constraint& constraint, const fhir::Definitions& definitions) {
  const std::string_view source = WithoutVersion(constraint.source);
  return source.starts_with(kTypeUrl) &&
         definitions.Find(source.substr(kTypeUrl.size())) != nullptr;
}

// Keys that R4's types state too; old profiles repeat them without a source.
bool IsKnownKey(const fhir::Constraint& constraint) {
  return constraint.source.empty() &&
         (constraint.key.starts_with("ele-") || constraint.key.starts_with("ext-") ||
          constraint.key.starts_with("dom-") || constraint.key.starts_with("txt-"));
}

}  // namespace

std::string_view WithoutVersion(std::string_view canonical) {
  return canonical.substr(0, canonical.find('|'));
}

const ReadyProfile& ProfileStore::Of(const fhir::Profile& profile) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<ReadyProfile>& ready = ready_[&profile];
  if (ready == nullptr) {
    ready = MakeReady(profile);
  }
  return *ready;
}

const ReadyProfile* ProfileStore::Find(std::string_view canonical) const {
  const fhir::Profile* profile = packages_.FindProfile(canonical);
  return profile == nullptr || profile->elements.empty() ? nullptr : &Of(*profile);
}

const fhir::path::Expression* ProfileStore::ExpressionOf(std::string_view text) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return Compiled(text);
}

const fhir::path::Expression* ProfileStore::Compiled(std::string_view text) const {
  const auto [place, is_new] = expressions_.try_emplace(std::string(text));
  if (is_new) {
    auto expression =
        fhir::path::Expression::Compile(text, definitions_, fhir::path::Mode::kLenient);
    if (expression) {
      place->second = std::make_unique<const fhir::path::Expression>(std::move(*expression));
    }
  }
  return place->second.get();
}

std::unique_ptr<ReadyProfile> ProfileStore::MakeReady(const fhir::Profile& profile) const {
  auto ready = std::make_unique<ReadyProfile>();
  ready->profile = &profile;
  const size_t count = profile.elements.size();
  ready->groups.resize(count);
  ready->reslices.resize(count);
  ready->constraints.resize(count);
  for (uint32_t place = 0; place < count; ++place) {
    const fhir::ElementRule& rule = profile.elements[place];
    for (const fhir::Constraint& constraint : rule.constraints) {
      if (constraint.expression.empty() || IsOfBase(constraint, definitions_) ||
          IsKnownKey(constraint)) {
        continue;
      }
      if (const fhir::path::Expression* expression = Compiled(constraint.expression)) {
        ready->constraints[place].push_back({&constraint, expression});
      }
    }
    if (rule.parent >= count) {
      continue;
    }
    std::vector<ElementGroup>& siblings = ready->groups[rule.parent];
    const bool is_same =
        !siblings.empty() && profile.elements[siblings.back().place].name == rule.name;
    if (rule.slice_name.empty() || !is_same) {
      siblings.push_back({place, {}});
      if (!rule.slice_name.empty()) {
        siblings.back().slices.push_back(place);
      }
      continue;
    }
    const size_t slash = rule.slice_name.rfind('/');
    ElementGroup& group = siblings.back();
    if (slash == std::string_view::npos) {
      group.slices.push_back(place);
      continue;
    }
    for (uint32_t slice = group.place; slice < place; ++slice) {
      const fhir::ElementRule& outer = profile.elements[slice];
      if (outer.parent == rule.parent && outer.slice_name == rule.slice_name.substr(0, slash)) {
        ready->reslices[slice].push_back(place);
      }
    }
  }
  return ready;
}

}  // namespace gw::validate
