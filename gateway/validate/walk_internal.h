#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/arena.h"
#include "gateway/fhir/element_definition.h"
#include "gateway/fhir/path/path.h"
#include "gateway/validate/findings_internal.h"
#include "gateway/validate/profile_internal.h"
#include "gateway/validate/references_internal.h"
#include "gateway/validate/rules_internal.h"

namespace gw::validate {

// One walk over one resource: each element is visited once. What only the whole can tell (dom-3,
// what a document links) is noted on the way and settled at its end.
class Walk final : public ReferenceFinder {
 public:
  // `asked`: profiles that the outermost resource is to conform to.
  Walk(const Validator::Rules& rules, std::span<const ReadyProfile* const> asked,
       std::vector<Issue>* out);

  // A resource that stands by itself: the root, a Bundle's entry, a parameter.
  void Whole(const fhir::Element& resource);

  // For questions about one element (Validator::Conforms, IsInSlice): the walk stands in the whole
  // resource that holds it.
  void StandIn(const fhir::Element& resource);
  std::optional<bool> ConformsTo(const fhir::Element& element, std::string_view profile);
  bool IsInSlice(const fhir::Element& element, std::string_view structure, std::string_view name);

  const fhir::Element* FindTarget(std::string_view reference) const override;
  std::string_view FindType(std::string_view reference) const override;

 private:
  using Membership = fhir::Definitions::Membership;

  // The whole resource that the walk is in, and what dom-3 needs to know of it.
  struct Scope {
    const fhir::Element* whole = nullptr;
    std::vector<std::pair<std::string_view, const fhir::Element*>> contained;  // sorted by id
    // "x" of "#x", of the whole and all it contains.
    std::vector<std::string_view> local_references;
    std::vector<const fhir::Element*> refer_back;  // contained resources that refer to "#"
  };
  Scope ScopeOf(const fhir::Element& resource) const;
  const fhir::Element* Contained(std::string_view id) const;

  // check.cc
  void Visit(const fhir::Element& element);
  void Complex(const fhir::Element& element, const TypeRules& rules);
  void Descend(const fhir::Element& element);
  void VisitContained(const fhir::Element& resource);
  void VisitBundle(const fhir::Element& bundle);
  void Type(const fhir::Element& element);
  void Cardinality(const fhir::Element& element, const TypeRules& rules);
  void Invariants(const fhir::Element& element, const TypeRules& rules);
  void DomainResource(const fhir::Element& resource, const fhir::ElementDef& contained);
  void ContainedAreReferenced(size_t first_issue);

  // content.cc
  void Primitive(const fhir::Element& element);
  void NoteLocalReference(const fhir::Element& element, std::string_view text);
  void Absolute(const fhir::Element& element, const TypeRules& rules);
  void Binding(const fhir::Element& element);
  Membership CodeMembership(const fhir::ElementDef& definition, const fhir::Element& element);
  Membership CodingMembership(const fhir::ElementDef& definition,
                              const fhir::Element& coding) const;
  Membership ConceptMembership(const fhir::ElementDef& definition,
                               const fhir::Element& concept_element) const;
  void Reference(const fhir::Element& element);
  void ReferenceInBundle(const fhir::Element& element, std::string_view text);
  std::string_view TargetOf(std::string_view text, const ReferenceForm& form) const;

  // extension.cc
  void Extension(const fhir::Element& element);
  bool MayStand(const fhir::Element& extension, const fhir::Profile& definition);
  bool IsInContext(const fhir::Element& holder, const fhir::ContextRule& context);
  void ContextInvariants(const fhir::Element& extension, const fhir::Profile& definition);
  void NarrativeLink(const fhir::Element& extension);
  void ExtensionParts(const fhir::Element& element, const ReadyProfile& definition);
  void Profiles(const fhir::Element& resource);
  Membership MemberOf(std::string_view value_set, std::string_view system, std::string_view code);

  // bundle.cc
  void BundleEntries();
  void BundleLinks(const fhir::Element& bundle);
  void FullUrl(const BundleScope::Entry& entry);
  void Document(size_t first_issue);
  void DocumentReference(const fhir::Element& holder, std::string_view path);
  void DocumentSections(const fhir::Element& holder);
  void Reachable();

  const Validator::Rules& rules_;
  std::span<const ReadyProfile* const> asked_;
  Findings findings_;
  Arena arena_;
  fhir::path::Environment environment_;
  // memberOf(), conformsTo(), slice() and elementDefinition() of invariants.
  std::function<Membership(std::string_view, std::string_view, std::string_view)> membership_;
  std::function<std::optional<bool>(const fhir::Element&, std::string_view)> conformance_;
  std::function<bool(const fhir::Element&, std::string_view, std::string_view)> slicing_;
  std::function<const fhir::Element*(const fhir::Element&)> definition_;
  std::optional<fhir::ElementDefinitions> definitions_;  // made when they are first asked for
  uint32_t conformance_depth_ = 0;
  Scope scope_;
  const fhir::Element* contained_ = nullptr;  // the contained resource that the walk is in
  BundleScope* bundle_ = nullptr;             // the innermost Bundle that the walk is in
  uint32_t entry_ = BundleScope::kNone;       // and its entry
  std::vector<uint32_t> counts_;              // scratch of Cardinality
};

}  // namespace gw::validate
