#include <algorithm>
#include <string>

#include "gateway/validate/findings_internal.h"
#include "gateway/validate/mend_internal.h"

namespace gw::validate {
namespace {

using fhir::Element;
using fhir::ElementDef;
using fhir::Kind;
using fhir::TypeDef;
using NodeKind = MendedNode::Kind;

const MendedNode* MemberOf(const MendedNode& node, std::string_view name) {
  for (const auto& [key, value] : node.members) {
    if (key == name) {
      return &value;
    }
  }
  return nullptr;
}

NodeKind KindFor(fhir::Primitive primitive) {
  switch (primitive) {
    case fhir::Primitive::kBoolean:
      return NodeKind::kBool;
    case fhir::Primitive::kDecimal:
    case fhir::Primitive::kInteger:
    case fhir::Primitive::kPositiveInt:
    case fhir::Primitive::kUnsignedInt:
      return NodeKind::kNumber;
    default:
      return NodeKind::kString;
  }
}

class TreeMender {
 public:
  TreeMender(const fhir::Definitions& definitions, MendedResource* out)
      : definitions_(definitions), out_(*out), findings_(&out->issues) {}

  void Read(const MendedNode& root) {
    const TypeDef* type = TypeOf(root);
    if (type == nullptr) {
      Issue issue;
      issue.severity = Severity::kFatal;
      issue.code = "structure";
      issue.rule = "resource-type";
      issue.detail = "a resource is an object with the resourceType of R4 that it is of";
      issue.offset = root.offset;
      out_.issues.push_back(std::move(issue));
      return;
    }
    out_.resource.emplace(fhir::Resource::MakeOf(*type));
    out_.resource->root().SetOffset(root.offset);
    Members(root, &out_.resource->root());
  }

 private:
  const TypeDef* TypeOf(const MendedNode& node) const {
    const MendedNode* name = MemberOf(node, "resourceType");
    const TypeDef* type = name == nullptr ? nullptr : definitions_.Find(name->text);
    return type == nullptr || type->kind() != Kind::kResource || type->is_abstract() ? nullptr
                                                                                     : type;
  }

  // `name` of the element is not taken as it stands, or not at all.
  void Lose(const Element& element, std::string_view name, uint32_t offset, std::string detail) {
    Issue issue;
    issue.code = "structure";
    issue.rule = "json-form";
    issue.location = findings_.LocationOf(element);
    out_.losses.emplace(issue.location, name);
    issue.location += "." + std::string(name);
    issue.detail = std::move(detail);
    issue.offset = offset;
    out_.issues.push_back(std::move(issue));
  }

  void Members(const MendedNode& node, Element* element) {
    for (const auto& [key, value] : node.members) {
      if (key == "resourceType" && element->is_resource()) {
        continue;
      }
      const bool is_extension = key.starts_with('_');
      const std::string_view name = is_extension ? std::string_view(key).substr(1) : key;
      const TypeDef::Property property = element->type().ByJsonName(name);
      const bool fits = property.element != nullptr &&
                        (!is_extension || property.type->kind() == Kind::kPrimitive);
      if (!fits) {
        Unknown(*element, value.offset);
        continue;
      }
      const MendedNode* other = MemberOf(node, "_" + std::string(name));
      if (is_extension && MemberOf(node, name) != nullptr) {
        continue;  // was taken with the value
      }
      Member(property, is_extension ? nullptr : &value, is_extension ? &value : other, element);
    }
  }

  void Unknown(const Element& element, uint32_t offset) {
    Issue issue;
    issue.code = "structure";
    issue.rule = "unknown-element";
    issue.location = findings_.LocationOf(element);
    out_.losses.emplace(issue.location, "");
    issue.detail = "a property that the type does not have";
    issue.offset = offset;
    out_.issues.push_back(std::move(issue));
  }

  // One member and the one with the id and extensions of its primitives; either may be null.
  void Member(const TypeDef::Property& property, const MendedNode* value, const MendedNode* other,
              Element* parent) {
    const std::vector<const MendedNode*> values = Items(property, value, *parent);
    const std::vector<const MendedNode*> others = Items(property, other, *parent);
    for (size_t at = 0; at < std::max(values.size(), others.size()); ++at) {
      Item(property, at < values.size() ? values[at] : nullptr,
           at < others.size() ? others[at] : nullptr, parent);
    }
  }

  std::vector<const MendedNode*> Items(const TypeDef::Property& property, const MendedNode* value,
                                       const Element& parent) {
    if (value == nullptr) {
      return {};
    }
    const std::string_view name = property.element->name;
    if (value->kind != NodeKind::kArray) {
      if (property.element->max != 1) {
        Lose(parent, name, value->offset, "an element that may repeat is an array");
      }
      return {value};
    }
    if (value->items.empty()) {
      Lose(parent, name, value->offset, "an array without an item");
      return {};
    }
    if (property.element->max == 1) {
      Lose(parent, name, value->offset, "the element does not repeat, so it is no array");
      return {&value->items.front()};
    }
    std::vector<const MendedNode*> items;
    for (const MendedNode& item : value->items) {
      items.push_back(&item);
    }
    return items;
  }

  void Item(const TypeDef::Property& property, const MendedNode* value, const MendedNode* other,
            Element* parent) {
    if (property.type->kind() == Kind::kPrimitive) {
      Primitive(property, value, other, parent);
      return;
    }
    if (value == nullptr) {
      return;  // only primitives have a second member
    }
    const std::string_view name = property.element->name;
    if (value->kind != NodeKind::kObject) {
      Lose(*parent, name, value->offset, "an object was expected");
      return;
    }
    const TypeDef* type = property.type;
    if (type->kind() == Kind::kResource) {
      const TypeDef* named = TypeOf(*value);
      if (named == nullptr || !named->Is(type->name())) {
        Lose(*parent, name, value->offset, "not a resource type of FHIR R4");
        return;
      }
      type = named;
    }
    if (value->members.empty()) {
      Lose(*parent, name, value->offset, "an object without a member");
      return;
    }
    Members(*value, parent->AppendRaw(property.element, *type, {}, value->offset));
  }

  void Primitive(const TypeDef::Property& property, const MendedNode* value,
                 const MendedNode* other, Element* parent) {
    const std::string_view name = property.element->name;
    const bool has_value = value != nullptr && value->kind != NodeKind::kNull;
    const bool has_other = other != nullptr && other->kind == NodeKind::kObject;
    if (has_value) {
      const char* fault = nullptr;
      if (value->kind == NodeKind::kObject || value->kind == NodeKind::kArray) {
        fault = "a primitive value was expected";
      } else if (value->text.empty()) {
        fault = "a text may not be empty";
      } else if (value->kind != KindFor(property.type->primitive())) {
        fault = "the value is not written as its type is";
      }
      if (fault != nullptr) {
        Lose(*parent, name, value->offset, fault);
        if (!fhir::IsLexicalForm(property.type->primitive(), value->text)) {
          return;
        }
      }
    } else if (!has_other) {
      const MendedNode* gap = value != nullptr ? value : other;
      Lose(*parent, name, gap == nullptr ? 0 : gap->offset,
           "null where there is neither a value nor an extension");
      return;
    }
    Element* element = parent->AppendRaw(property.element, *property.type, {},
                                         has_value ? value->offset : other->offset);
    if (has_value) {
      element->SetText(value->text);
    }
    if (has_other) {
      Members(*other, element);
    }
  }

  const fhir::Definitions& definitions_;
  MendedResource& out_;
  Findings findings_;
};

}  // namespace

MendedResource MendResource(const MendedNode& root, const fhir::Definitions& definitions) {
  MendedResource mended;
  TreeMender(definitions, &mended).Read(root);
  return mended;
}

}  // namespace gw::validate
