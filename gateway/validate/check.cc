#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "gateway/validate/references_internal.h"
#include "gateway/validate/rules_internal.h"

namespace gw::validate {
namespace {

using fhir::Element;
using fhir::ElementDef;
using fhir::Kind;
using fhir::Primitive;
using Membership = fhir::Definitions::Membership;

bool IsPresent(const Element* element) { return element != nullptr && !element->is_null(); }

const Element* NextPresent(const Element* element) {
  while (element != nullptr && element->is_null()) {
    element = element->next();
  }
  return element;
}

// The children that are not null, in document order.
class Children {
 public:
  class Iterator {
   public:
    explicit Iterator(const Element* element) : element_(NextPresent(element)) {}
    const Element& operator*() const { return *element_; }
    Iterator& operator++() {
      element_ = NextPresent(element_->next());
      return *this;
    }
    bool operator!=(const Iterator& other) const { return element_ != other.element_; }

   private:
    const Element* element_;
  };

  explicit Children(const Element& parent) : first_(parent.first_child()) {}
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(nullptr); }

 private:
  const Element* first_;
};

}  // namespace

// One walk over one resource.
class Check {
 public:
  Check(const Validator::Rules& rules, const Element& root, std::vector<Issue>* out)
      : rules_(rules), urn_types_(root), out_(*out) {
    environment_.arena = &arena_;
    environment_.definitions = &rules.definitions;
  }

  // A resource that stands by itself: the root, or a Bundle's entry.
  void Whole(const Element& resource) {
    Scope outer = std::exchange(scope_, ScopeOf(resource));
    const Element* outer_resource = std::exchange(environment_.resource, &resource);
    const Element* outer_root = std::exchange(environment_.root_resource, &resource);
    const Element* outer_contained = std::exchange(contained_, nullptr);
    const size_t first_issue = out_.size();
    Visit(resource);
    if (rules_.Of(resource.type()).contained != nullptr) {
      ContainedAreReferenced(resource, first_issue);
    }
    contained_ = outer_contained;
    environment_.root_resource = outer_root;
    environment_.resource = outer_resource;
    scope_ = std::move(outer);
  }

 private:
  // The whole resource that the walk is in, and what dom-3 needs to know of it.
  struct Scope {
    const Element* whole = nullptr;
    std::vector<std::pair<std::string_view, const Element*>> contained;  // sorted by id
    std::vector<std::string_view>
        local_references;                    // "x" of "#x", of the whole and all it contains
    std::vector<const Element*> refer_back;  // contained resources that refer to "#"
  };
  Scope ScopeOf(const Element& resource) const;

  void Visit(const Element& element);
  void VisitContained(const Element& resource);
  void Cardinality(const Element& element, const TypeRules& rules);
  void Invariants(const Element& element, const TypeRules& rules);
  void DomainResource(const Element& resource, const ElementDef& contained);
  void ContainedAreReferenced(const Element& resource, size_t first_issue);
  void PrimitiveForm(const Element& element);
  void Type(const Element& element);
  void Binding(const Element& element);
  Membership CodingMembership(const ElementDef& definition, const Element& coding) const;
  Membership ConceptMembership(const ElementDef& definition, const Element& concept_element) const;
  void Reference(const Element& element);
  std::string_view TargetOf(const Element& reference, std::string_view text);
  const Element* Contained(std::string_view id) const;

  void Add(std::string_view code, const Element& element, std::string detail) {
    out_.push_back({Severity::kError, std::string(code), element.Location(), std::move(detail)});
  }
  void Broken(const fhir::Invariant& invariant, const Element& element) {
    out_.push_back({invariant.error ? Severity::kError : Severity::kWarning, "invariant",
                    element.Location(),
                    std::string(invariant.key) + ": " + std::string(invariant.human)});
  }
  void Broken(std::string_view key, const Element& element) {
    if (const fhir::Invariant* invariant = FindInvariant(element.type(), key)) {
      Broken(*invariant, element);
    }
  }

  const Validator::Rules& rules_;
  UrnTypes urn_types_;
  std::vector<Issue>& out_;
  Arena arena_;
  fhir::path::Environment environment_;
  Scope scope_;
  const Element* contained_ = nullptr;  // the contained resource that the walk is in
  std::vector<uint32_t> counts_;        // scratch of Cardinality
};

void Check::Visit(const Element& element) {
  const TypeRules& rules = rules_.Of(element.type());
  if (element.definition() != nullptr) {
    Type(element);
    Binding(element);
  }
  if (rules.is_reference) {
    Reference(element);
  }
  if (element.type().kind() == Kind::kPrimitive) {
    PrimitiveForm(element);
  } else {
    Cardinality(element, rules);
  }
  bool has_content = element.has_text() || element.is_resource();
  for (const Element& child : Children(element)) {
    has_content = has_content || child.name() != "id";
  }
  if (!has_content) {
    Broken("ele-1", element);
  }
  if (rules.is_extension &&
      IsPresent(element.Child("extension")) == IsPresent(element.Child("value"))) {
    Broken("ext-1", element);
  }
  Invariants(element, rules);
  if (rules.contained != nullptr) {
    DomainResource(element, *rules.contained);
  }
  for (const Element& child : Children(element)) {
    if (!child.is_resource()) {
      Visit(child);
    } else if (child.name() == "contained") {
      VisitContained(child);
    } else {
      Whole(child);
    }
  }
}

void Check::VisitContained(const Element& resource) {
  const Element* outer = std::exchange(contained_, &resource);
  const Element* outer_resource = std::exchange(environment_.resource, &resource);
  Visit(resource);
  environment_.resource = outer_resource;
  contained_ = outer;
}

void Check::Cardinality(const Element& element, const TypeRules& rules) {
  const std::span<const ElementDef> elements = element.type().elements();
  counts_.assign(elements.size(), 0);
  bool may_exceed = false;
  for (const Element& child : Children(element)) {
    const auto place = static_cast<size_t>(child.definition() - elements.data());
    may_exceed |= ++counts_[place] > 1 && child.definition()->max != fhir::kMany;
  }
  for (const uint16_t place : rules.required) {
    if (counts_[place] < elements[place].min) {
      Add("required", element,
          std::string(elements[place].name) + ": at least " + std::to_string(elements[place].min) +
              " is required, " + std::to_string(counts_[place]) + " found");
    }
  }
  for (size_t place = 0; may_exceed && place < elements.size(); ++place) {
    if (elements[place].max != fhir::kMany && counts_[place] > elements[place].max) {
      Add("structure", element,
          std::string(elements[place].name) + ": at most " + std::to_string(elements[place].max) +
              " is allowed, " + std::to_string(counts_[place]) + " found");
    }
  }
}

void Check::Invariants(const Element& element, const TypeRules& rules) {
  for (const InvariantRule& rule : rules.invariants) {
    if (rule.element == nullptr) {
      if (!rule.expression->Holds(&element, environment_)) {
        Broken(*rule.invariant, element);
      }
      continue;
    }
    for (const Element& child : Children(element)) {
      if (child.definition() == rule.element && !rule.expression->Holds(&child, environment_)) {
        Broken(*rule.invariant, child);
      }
    }
  }
}

// dom-2, dom-4, dom-5 and dom-6. dom-3 needs the whole resource: ContainedAreReferenced.
void Check::DomainResource(const Element& resource, const ElementDef& contained) {
  bool nests = false;
  bool has_version = false;
  bool has_security = false;
  for (const Element& child : Children(resource)) {
    if (child.definition() != &contained) {
      continue;
    }
    nests = nests || IsPresent(child.Child("contained"));
    if (const Element* meta = child.Child("meta"); IsPresent(meta)) {
      has_version = has_version || IsPresent(meta->Child("versionId")) ||
                    IsPresent(meta->Child("lastUpdated"));
      has_security = has_security || IsPresent(meta->Child("security"));
    }
  }
  if (nests) {
    Broken("dom-2", resource);
  }
  if (has_version) {
    Broken("dom-4", resource);
  }
  if (has_security) {
    Broken("dom-5", resource);
  }
  // A contained resource has its narrative in the whole's.
  if (contained_ == nullptr && !IsPresent(resource.Path("text.div"))) {
    Broken("dom-6", resource);
  }
}

Check::Scope Check::ScopeOf(const Element& resource) const {
  Scope scope;
  scope.whole = &resource;
  const ElementDef* contained = rules_.Of(resource.type()).contained;
  if (contained == nullptr) {
    return scope;
  }
  for (const Element& child : Children(resource)) {
    if (child.definition() == contained) {
      scope.contained.emplace_back(child.TextAt("id"), &child);
    }
  }
  std::stable_sort(scope.contained.begin(), scope.contained.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return scope;
}

// dom-3, from what the one walk noted: each contained resource is referred to from somewhere in the
// whole, or refers to the whole. As published, it would walk all descendants four times.
void Check::ContainedAreReferenced(const Element& resource, size_t first_issue) {
  auto& references = scope_.local_references;
  auto& refer_back = scope_.refer_back;
  std::sort(references.begin(), references.end());
  std::sort(refer_back.begin(), refer_back.end(), std::less<>());
  for (const auto& [id, contained] : scope_.contained) {
    if (!std::binary_search(references.begin(), references.end(), id) &&
        !std::binary_search(refer_back.begin(), refer_back.end(), contained, std::less<>())) {
      Broken("dom-3", resource);
      // An element's own issues come before those of its children.
      std::rotate(out_.begin() + static_cast<std::ptrdiff_t>(first_issue), out_.end() - 1,
                  out_.end());
      return;
    }
  }
}

void Check::PrimitiveForm(const Element& element) {
  if (!element.has_text()) {
    return;
  }
  const Primitive primitive = element.type().primitive();
  const std::string_view text = element.text();
  if (!fhir::IsLexicalForm(primitive, text)) {
    Add("value", element, "not a valid " + std::string(element.type().name()));
  }
  if (text.front() != '#') {
    return;
  }
  const bool may_refer = primitive == Primitive::kCanonical || primitive == Primitive::kUri ||
                         primitive == Primitive::kUrl || element.name() == "reference";
  if (may_refer && text.size() == 1) {
    if (contained_ != nullptr) {
      scope_.refer_back.push_back(contained_);
    }
  } else if (may_refer) {
    scope_.local_references.push_back(text.substr(1));
  }
}

// Trees that were not parsed may hold what no document could.
void Check::Type(const Element& element) {
  for (const fhir::TypeDef* allowed : element.definition()->types) {
    if (allowed == &element.type() ||
        (allowed->kind() == Kind::kResource && element.type().Is(allowed->name()))) {
      return;
    }
  }
  Add("structure", element,
      "the element does not take the type " + std::string(element.type().name()));
}

void Check::Binding(const Element& element) {
  const ElementDef& definition = *element.definition();
  if (definition.binding != fhir::Strength::kRequired) {
    return;
  }
  Membership membership = Membership::kUnknown;
  const std::string_view type = element.type().name();
  if (element.type().kind() == Kind::kPrimitive) {
    membership = rules_.definitions.IsMember(definition.value_set, {}, element.text());
  } else if (type == "CodeableConcept") {
    membership = ConceptMembership(definition, element);
  } else if (type == "Coding" || element.type().Is("Quantity")) {
    membership = CodingMembership(definition, element);
  }
  if (membership == Membership::kNotMember) {
    Add("code-invalid", element,
        "no code of the required value set " + std::string(definition.value_set));
  }
}

Membership Check::CodingMembership(const ElementDef& definition, const Element& coding) const {
  return rules_.definitions.IsMember(definition.value_set, coding.TextAt("system"),
                                     coding.TextAt("code"));
}

// One coding of the set is enough; one that cannot be judged leaves the concept unjudged.
Membership Check::ConceptMembership(const ElementDef& definition,
                                    const Element& concept_element) const {
  Membership best = rules_.definitions.IsMember(definition.value_set, {}, {});
  for (const Element& child : Children(concept_element)) {
    if (child.name() != "coding") {
      continue;
    }
    const Membership membership = CodingMembership(definition, child);
    if (membership == Membership::kMember) {
      return membership;
    }
    best = membership == Membership::kUnknown ? membership : best;
  }
  return best;
}

void Check::Reference(const Element& element) {
  const std::string_view text = element.TextAt("reference");
  if (text.starts_with('#') && text.size() > 1 && Contained(text.substr(1)) == nullptr) {
    Add("structure", element, "ref-1: no contained resource has that id");
    return;
  }
  if (element.definition() == nullptr || element.definition()->targets.empty()) {
    return;
  }
  const std::span<const std::string_view> targets = element.definition()->targets;
  const std::string_view target = TargetOf(element, text);
  if (!target.empty() && std::find(targets.begin(), targets.end(), target) == targets.end()) {
    Add("structure", element, "the element may not refer to " + std::string(target));
  }
}

// The type that a reference points at; empty where nothing tells.
std::string_view Check::TargetOf(const Element& reference, std::string_view text) {
  std::string_view type;
  if (text == "#") {
    type = scope_.whole->type().name();
  } else if (text.starts_with('#')) {
    type = Contained(text.substr(1))->type().name();
  } else if (text.starts_with("urn:")) {
    type = urn_types_.Find(text);
  } else {
    type = TypeInReference(text, rules_.definitions);
  }
  if (!type.empty()) {
    return type;
  }
  const fhir::TypeDef* named = rules_.definitions.Find(reference.TextAt("type"));
  return named != nullptr && named->kind() == Kind::kResource ? named->name() : std::string_view();
}

const Element* Check::Contained(std::string_view id) const {
  const auto& contained = scope_.contained;
  const auto found = std::lower_bound(
      contained.begin(), contained.end(), id,
      [](const auto& candidate, std::string_view sought) { return candidate.first < sought; });
  return found != contained.end() && found->first == id ? found->second : nullptr;
}

std::vector<Issue> Validator::Check(const fhir::Resource& resource) const {
  std::vector<Issue> issues;
  validate::Check(*rules_, resource.root(), &issues).Whole(resource.root());
  return issues;
}

bool HasErrors(const std::vector<Issue>& issues) {
  return std::any_of(issues.begin(), issues.end(),
                     [](const Issue& issue) { return issue.severity == Severity::kError; });
}

}  // namespace gw::validate
