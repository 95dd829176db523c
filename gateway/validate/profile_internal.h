#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/fhir/package.h"
#include "gateway/fhir/path/path.h"
#include "gateway/fhir/terminology.h"
#include "gateway/validate/findings_internal.h"

namespace gw::validate {

// A constraint of a profile, ready to be asked.
struct ReadyConstraint {
  const fhir::Constraint* constraint;
  const fhir::path::Expression* expression;
};

// The rules for the children of one name: the element's own, and those of its slices.
struct ElementGroup {
  uint32_t place;                // of the element's rule in Profile::elements
  std::vector<uint32_t> slices;  // in the order of the profile; reslices stand with their slice
};

// A Profile with what every instance needs of it worked out once.
struct ReadyProfile {
  const fhir::Profile* profile;
  // By the place of an element: the groups of its children; its slices' slices; its constraints
  // beyond those of R4's own types.
  std::vector<std::vector<ElementGroup>> groups;
  std::vector<std::vector<uint32_t>> reslices;
  std::vector<std::vector<ReadyConstraint>> constraints;
};

// The profiles that were asked for, made ready when they first are. Any thread.
class ProfileStore {
 public:
  ProfileStore(const fhir::Packages& packages, const fhir::Definitions& definitions)
      : packages_(packages), definitions_(definitions), terminology_(packages) {}

  const fhir::Packages& packages() const { return packages_; }
  const fhir::Definitions& definitions() const { return definitions_; }
  const fhir::Terminology& terminology() const { return terminology_; }

  const ReadyProfile& Of(const fhir::Profile& profile) const;
  // Null where the canonical is not held.
  const ReadyProfile* Find(std::string_view canonical) const;
  // Null where it does not compile.
  const fhir::path::Expression* ExpressionOf(std::string_view text) const;

 private:
  const fhir::path::Expression* Compiled(std::string_view text) const;  // with mutex_ held
  std::unique_ptr<ReadyProfile> MakeReady(const fhir::Profile& profile) const;

  const fhir::Packages& packages_;
  const fhir::Definitions& definitions_;
  fhir::Terminology terminology_;
  mutable std::mutex mutex_;  // guards what follows; what it leads to never changes or goes
  mutable std::unordered_map<const fhir::Profile*, std::unique_ptr<ReadyProfile>> ready_;
  mutable std::unordered_map<std::string, std::unique_ptr<const fhir::path::Expression>>
      expressions_;
};

// What a reference leads to, as far as the document at hand holds it.
class ReferenceFinder {
 public:
  virtual ~ReferenceFinder() = default;
  virtual const fhir::Element* FindTarget(std::string_view reference) const = 0;
  // The type of the target, which may be known where the target is not; empty if it is not.
  virtual std::string_view FindType(std::string_view reference) const = 0;
};

// Checks elements against profiles, beyond what the walk over R4's own rules finds.
class ProfileCheck {
 public:
  ProfileCheck(const ProfileStore& store, const ReferenceFinder& references,
               const fhir::path::Environment& environment, Findings* findings)
      : store_(store), references_(references), environment_(environment), findings_(*findings) {}

  // `element` is of the profile's type: a resource, a data type, an extension.
  void Whole(const fhir::Element& element, const ReadyProfile& profile);
  bool Conforms(const fhir::Element& element, const ReadyProfile& profile);
  // Is the element in the slice of that name, wherever the profile has one for elements like it?
  bool IsInSlice(const fhir::Element& element, const ReadyProfile& profile, std::string_view name);

 private:
  // Rules at one place of a profile.
  struct At {
    const ReadyProfile* profile;
    uint32_t place;
    const fhir::ElementRule& rule() const { return profile->profile->elements[place]; }
    const std::vector<ElementGroup>& groups() const { return profile->groups[place]; }
  };
  // Whether an element can be what a rule describes, by values, patterns and required codes.
  struct Likeness {
    bool fits = true;
    bool decides = false;  // something of the rule could have told otherwise
    bool is_open = false;  // a code system that would tell is not held
  };

  // profile_check.cc
  void Item(const fhir::Element& element, At at);
  void Below(const fhir::Element& element, At at);
  void Group(const fhir::Element& parent, const ElementGroup& group, At at);
  // `is_open`: there may be more of them than could be told.
  void Cardinality(const fhir::Element& parent, const fhir::ElementRule& rule, uint32_t count,
                   bool is_open = false);
  void Values(const fhir::Element& element, At at);
  bool Is(std::string_view comparison, const fhir::Element& element,
          const fhir::Element& bound) const;
  void Binding(const fhir::Element& element, At at);
  void Types(const fhir::Element& element, At at);
  void Targets(const fhir::Element& element, const fhir::TypeRule& type);
  fhir::Terminology::Answer AnswerOf(const fhir::Element& element,
                                     std::string_view value_set) const;
  void Error(std::string_view code, std::string_view rule, const fhir::Element& element,
             std::string detail);

  // slicing.cc
  void Slices(const fhir::Element& parent, const std::vector<const fhir::Element*>& children,
              const std::vector<uint32_t>& slices, At sliced);
  // kUnknown: what would tell is not here, a code system or what a reference leads to.
  fhir::Terminology::Answer IsOfSlice(const fhir::Element& element, At slice,
                                      const fhir::Slicing& slicing);
  fhir::Terminology::Answer Discriminates(const fhir::Element& element, At slice,
                                          const fhir::Discriminator& discriminator);
  fhir::Terminology::Answer Fits(const fhir::path::Value& value, At rule,
                                 fhir::DiscriminatorKind kind);
  std::vector<At> RulesAt(At from, std::string_view path) const;
  void AddProfiles(At at, std::span<const std::string_view> fhir::TypeRule::*canonicals,
                   std::vector<At>* out) const;
  void AddRulesOf(At holder, std::string_view step, std::vector<At>* out) const;
  fhir::path::Collection InstanceAt(const fhir::Element& element, std::string_view path) const;
  Likeness LikenessOf(const fhir::Element& element, At at) const;
  // The best of the children that are of the rule's name; unfit where there is none.
  Likeness LikenessBelow(const fhir::Element& element, At below) const;
  bool IsOfType(const fhir::path::Value& value, At at) const;

  const ProfileStore& store_;
  const ReferenceFinder& references_;
  const fhir::path::Environment& environment_;
  Findings& findings_;
  const ReadyProfile* profile_ = nullptr;  // that is being checked, for the words of an issue
  uint32_t depth_ = 0;                     // of profiles within profiles
};

// The canonical without "|version".
std::string_view WithoutVersion(std::string_view canonical);

// Is the element equal to a fixed value, or does it hold all that a pattern holds?
bool IsEqual(const fhir::Element& element, const fhir::Element& fixed);
bool HoldsPattern(const fhir::Element& element, const fhir::Element& pattern);

}  // namespace gw::validate
