#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "gateway/validate/walk_internal.h"

namespace gw::validate {

using fhir::Element;
using fhir::ElementDef;
using fhir::Kind;

Walk::Walk(const Validator::Rules& rules, std::span<const ReadyProfile* const> asked,
           std::vector<Issue>* out)
    : rules_(rules), asked_(asked), findings_(out) {
  environment_.arena = &arena_;
  environment_.definitions = &rules.definitions;
  membership_ = [this](std::string_view value_set, std::string_view system, std::string_view code) {
    return MemberOf(value_set, system, code);
  };
  conformance_ = [this](const Element& element, std::string_view profile) {
    return ConformsTo(element, profile);
  };
  slicing_ = [this](const Element& element, std::string_view structure, std::string_view name) {
    return IsInSlice(element, structure, name);
  };
  definition_ = [this](const Element& element) {
    if (!definitions_) {
      definitions_.emplace(rules_.profiles.packages());
    }
    return definitions_->Of(element);
  };
  environment_.membership = &membership_;
  environment_.conformance = &conformance_;
  environment_.slicing = &slicing_;
  environment_.definition = &definition_;
}

void Walk::StandIn(const Element& resource) {
  scope_ = ScopeOf(resource);
  environment_.resource = &resource;
  environment_.root_resource = &resource;
}

void Walk::Whole(const Element& resource) {
  Scope outer = std::exchange(scope_, ScopeOf(resource));
  const Element* outer_resource = std::exchange(environment_.resource, &resource);
  const Element* outer_root = std::exchange(environment_.root_resource, &resource);
  const Element* outer_contained = std::exchange(contained_, nullptr);
  const size_t first_issue = findings_.size();
  if (rules_.Of(resource.type()).is_bundle) {
    VisitBundle(resource);
  } else {
    Visit(resource);
  }
  if (rules_.Of(resource.type()).contained != nullptr) {
    ContainedAreReferenced(first_issue);
  }
  Profiles(resource);
  contained_ = outer_contained;
  environment_.root_resource = outer_root;
  environment_.resource = outer_resource;
  scope_ = std::move(outer);
}

void Walk::VisitBundle(const Element& bundle) {
  BundleScope scope(bundle, rules_.definitions);
  BundleScope* outer = std::exchange(bundle_, &scope);
  const uint32_t outer_entry = std::exchange(entry_, BundleScope::kNone);
  const size_t first_issue = findings_.size();
  Visit(bundle);
  Document(first_issue);
  entry_ = outer_entry;
  bundle_ = outer;
}

void Walk::Visit(const Element& element) {
  const TypeRules& rules = rules_.Of(element.type());
  if (element.definition() != nullptr) {
    Type(element);
    Binding(element);
  }
  if (element.type().kind() == Kind::kPrimitive) {
    Primitive(element);
  } else {
    Complex(element, rules);
  }
  bool has_content = element.has_text() || element.is_resource();
  for (const Element& child : Children(element)) {
    has_content = has_content || child.name() != "id";
  }
  if (!has_content) {
    findings_.Broken("ele-1", element);
  }
  if (rules.is_extension &&
      IsPresent(element.Child("extension")) == IsPresent(element.Child("value"))) {
    findings_.Broken("ext-1", element);
  }
  if (rules.is_extension) {
    Extension(element);
  }
  Invariants(element, rules);
  if (rules.contained != nullptr) {
    DomainResource(element, *rules.contained);
  }
  if (element.first_child() != nullptr) {
    Descend(element);
  }
}

void Walk::Complex(const Element& element, const TypeRules& rules) {
  if (rules.is_reference) {
    Reference(element);
  }
  Cardinality(element, rules);
  if (!rules.absolute.empty()) {
    Absolute(element, rules);
  }
  if (rules.is_bundle) {
    BundleEntries();
  }
  if (rules.special != nullptr) {
    rules.special(element, rules_.definitions, &findings_);
  }
}

void Walk::Descend(const Element& element) {
  const bool is_bundle = bundle_ != nullptr && &bundle_->bundle() == &element;
  for (const Element& child : Children(element)) {
    if (child.is_resource()) {
      if (child.name() == "contained") {
        VisitContained(child);
      } else {
        Whole(child);
      }
      continue;
    }
    if (is_bundle && child.name() == "entry") {
      ++entry_;  // from kNone to 0
    }
    Visit(child);
  }
}

void Walk::VisitContained(const Element& resource) {
  const Element* outer = std::exchange(contained_, &resource);
  const Element* outer_resource = std::exchange(environment_.resource, &resource);
  if (!IsPresent(resource.Child("id"))) {
    findings_.Error("required", "contained-id", resource, "a contained resource has an id");
  }
  Visit(resource);
  Profiles(resource);
  environment_.resource = outer_resource;
  contained_ = outer;
}

void Walk::Cardinality(const Element& element, const TypeRules& rules) {
  const std::span<const ElementDef> elements = element.type().elements();
  counts_.assign(elements.size(), 0);
  bool may_exceed = false;
  for (const Element& child : Children(element)) {
    const auto place = static_cast<size_t>(child.definition() - elements.data());
    may_exceed |= ++counts_[place] > 1 && child.definition()->max != fhir::kMany;
  }
  for (const uint16_t place : rules.required) {
    if (counts_[place] < elements[place].min) {
      findings_.Error("required", "cardinality", element,
                      std::string(elements[place].name) + ": at least " +
                          std::to_string(elements[place].min) + " is required, " +
                          std::to_string(counts_[place]) + " found");
    }
  }
  for (size_t place = 0; may_exceed && place < elements.size(); ++place) {
    if (elements[place].max != fhir::kMany && counts_[place] > elements[place].max) {
      findings_.Error("structure", "cardinality", element,
                      std::string(elements[place].name) + ": at most " +
                          std::to_string(elements[place].max) + " is allowed, " +
                          std::to_string(counts_[place]) + " found");
    }
  }
}

// Trees that were not parsed may hold what no document could.
void Walk::Type(const Element& element) {
  for (const fhir::TypeDef* allowed : element.definition()->types) {
    if (allowed == &element.type() ||
        (allowed->kind() == Kind::kResource && element.type().Is(allowed->name()))) {
      return;
    }
  }
  findings_.Error("structure", "type", element,
                  "the element does not take the type " + std::string(element.type().name()));
}

void Walk::Invariants(const Element& element, const TypeRules& rules) {
  for (const InvariantRule& rule : rules.invariants) {
    if (rule.element == nullptr) {
      if (!rule.expression->Holds(&element, environment_)) {
        findings_.Broken(*rule.invariant, element);
      }
      continue;
    }
    for (const Element& child : Children(element)) {
      if (child.definition() == rule.element && !rule.expression->Holds(&child, environment_)) {
        findings_.Broken(*rule.invariant, child);
      }
    }
  }
}

// dom-2, dom-4, dom-5 and dom-6. dom-3 needs the whole resource: ContainedAreReferenced.
void Walk::DomainResource(const Element& resource, const ElementDef& contained) {
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
    findings_.Broken("dom-2", resource);
  }
  if (has_version) {
    findings_.Broken("dom-4", resource);
  }
  if (has_security) {
    findings_.Broken("dom-5", resource);
  }
  // A contained resource has its narrative in the whole's.
  if (contained_ == nullptr && !IsPresent(resource.Path("text.div"))) {
    findings_.Broken("dom-6", resource);
  }
}

Walk::Scope Walk::ScopeOf(const Element& resource) const {
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

const Element* Walk::Contained(std::string_view id) const {
  const auto& contained = scope_.contained;
  const auto found = std::lower_bound(
      contained.begin(), contained.end(), id,
      [](const auto& candidate, std::string_view sought) { return candidate.first < sought; });
  return found != contained.end() && found->first == id ? found->second : nullptr;
}

// dom-3, from what the one walk noted: each contained resource is referred to from somewhere in the
// whole, or refers to the whole. As published, it would walk all descendants four times.
void Walk::ContainedAreReferenced(size_t first_issue) {
  auto& references = scope_.local_references;
  auto& refer_back = scope_.refer_back;
  std::sort(references.begin(), references.end());
  std::sort(refer_back.begin(), refer_back.end(), std::less<>());
  const size_t before = findings_.size();
  std::string_view last_id;
  for (const Element& child : Children(*scope_.whole)) {
    if (scope_.contained.empty() || child.name() != "contained") {
      continue;
    }
    const std::string_view id = child.TextAt("id");
    if (!std::binary_search(references.begin(), references.end(), id) &&
        !std::binary_search(refer_back.begin(), refer_back.end(), &child, std::less<>())) {
      findings_.Broken("dom-3", *scope_.whole, child);
    }
  }
  for (const auto& [id, contained] : scope_.contained) {
    if (!id.empty() && id == last_id) {
      findings_.Error("structure", "contained-id", *contained,
                      "two contained resources have the same id");
    }
    last_id = id;
  }
  findings_.MoveUp(first_issue, before);
}

std::vector<Issue> Validator::Check(const fhir::Resource& resource,
                                    std::span<const std::string> profiles) const {
  std::vector<const ReadyProfile*> asked;
  for (const std::string& canonical : profiles) {
    if (const ReadyProfile* profile = rules_->profiles.Find(canonical)) {
      asked.push_back(profile);
    }
  }
  std::vector<Issue> issues;
  Walk(*rules_, asked, &issues).Whole(resource.root());
  return issues;
}

namespace {

const Element& WholeOf(const Element& element) {
  const Element* whole = &element;
  while (whole->parent() != nullptr && (!whole->is_resource() || whole->name() == "contained")) {
    whole = whole->parent();
  }
  return *whole;
}

}  // namespace

std::optional<bool> Validator::Conforms(const Element& element, std::string_view profile) const {
  std::vector<Issue> issues;
  Walk walk(*rules_, {}, &issues);
  walk.StandIn(WholeOf(element));
  return walk.ConformsTo(element, profile);
}

bool Validator::IsInSlice(const Element& element, std::string_view structure,
                          std::string_view name) const {
  std::vector<Issue> issues;
  Walk walk(*rules_, {}, &issues);
  walk.StandIn(WholeOf(element));
  return walk.IsInSlice(element, structure, name);
}

bool Validator::Knows(std::string_view profile) const {
  return rules_->profiles.Find(profile) != nullptr;
}

}  // namespace gw::validate
