#include "gateway/fhir/element_definition.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace gw::fhir {
namespace {

std::string_view CodeOf(Strength strength) {
  switch (strength) {
    case Strength::kExample:
      return "example";
    case Strength::kPreferred:
      return "preferred";
    case Strength::kExtensible:
      return "extensible";
    case Strength::kRequired:
      return "required";
    case Strength::kNone:
      break;
  }
  return {};
}

std::string NumberOf(uint16_t count) { return count == kMany ? "*" : std::to_string(count); }

// Adds a child with a text; `name` is one of ElementDefinition's own, so that it cannot fail.
void Put(Element* parent, std::string_view name, std::string_view text) {
  if (!text.empty()) {
    static_cast<void>(parent->Add(name, text));
  }
}

void PutTypes(const ElementRule& rule, Element* out) {
  for (const TypeRule& type : rule.types) {
    const Result<Element*> added = out->Add("type");
    if (!added) {
      return;
    }
    Put(*added, "code", type.code);
    for (const std::string_view profile : type.profiles) {
      Put(*added, "profile", profile);
    }
    for (const std::string_view target : type.target_profiles) {
      Put(*added, "targetProfile", target);
    }
  }
}

void PutConstraints(const ElementRule& rule, Element* out) {
  for (const Constraint& constraint : rule.constraints) {
    const Result<Element*> added = out->Add("constraint");
    if (!added) {
      return;
    }
    Put(*added, "key", constraint.key);
    Put(*added, "severity", constraint.error ? "error" : "warning");
    Put(*added, "human", constraint.human);
    Put(*added, "expression", constraint.expression);
    Put(*added, "source", constraint.source);
  }
}

void PutBinding(const ElementRule& rule, Element* out) {
  if (rule.binding.strength == Strength::kNone) {
    return;
  }
  if (const Result<Element*> added = out->Add("binding")) {
    Put(*added, "strength", CodeOf(rule.binding.strength));
    Put(*added, "valueSet", rule.binding.value_set);
  }
}

void Fill(const ElementRule& rule, Element* out) {
  Put(out, "id", rule.id);
  Put(out, "path", rule.path);
  Put(out, "sliceName", rule.slice_name);
  Put(out, "min", std::to_string(rule.min));
  Put(out, "max", NumberOf(rule.max));
  Put(out, "contentReference", rule.content_reference);
  PutTypes(rule, out);
  Put(out, "maxLength", rule.max_length == 0 ? "" : std::to_string(rule.max_length));
  PutConstraints(rule, out);
  Put(out, "mustSupport", rule.must_support ? "true" : "");
  Put(out, "isModifier", rule.modifier ? "true" : "");
  PutBinding(rule, out);
}

// The path under which a definition lists the element.
std::string PathOf(const Element& element) {
  if (element.parent() == nullptr || element.is_resource()) {
    return std::string(element.type().name());
  }
  std::string path(element.parent()->type().name());
  path += '.';
  path += element.name();
  path += element.definition() != nullptr && element.definition()->choice ? "[x]" : "";
  return path;
}

}  // namespace

struct ElementDefinitions::Made {
  explicit Made(const Packages& of) : packages(of) {}

  const ElementRule* RuleOf(const Element& element) const {
    const std::string path = PathOf(element);
    const Profile* profile = packages.ProfileOfType(path.substr(0, path.find('.')));
    if (profile == nullptr) {
      return nullptr;
    }
    for (const ElementRule& rule : profile->elements) {
      if (rule.path == path && rule.slice_name.empty()) {
        return &rule;
      }
    }
    return nullptr;
  }

  const Packages& packages;
  std::unordered_map<const ElementRule*, Resource> by_rule;
};

ElementDefinitions::ElementDefinitions(const Packages& packages)
    : made_(std::make_unique<Made>(packages)) {}
ElementDefinitions::ElementDefinitions(ElementDefinitions&&) noexcept = default;
ElementDefinitions::~ElementDefinitions() = default;

const Element* ElementDefinitions::Of(const Element& element) {
  const ElementRule* rule = made_->RuleOf(element);
  const Profile* form =
      rule == nullptr ? nullptr : made_->packages.ProfileOfType("ElementDefinition");
  if (form == nullptr) {
    return nullptr;
  }
  auto found = made_->by_rule.find(rule);
  if (found == made_->by_rule.end()) {
    Resource made = Resource::MakeOf(*form->type);
    Fill(*rule, &made.root());
    found = made_->by_rule.emplace(rule, std::move(made)).first;
  }
  return &found->second.root();
}

}  // namespace gw::fhir
