#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fhir/resource.h"
#include "gateway/fhir/xml_internal.h"

namespace gw::fhir {
namespace {

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Builds the tree while the document is read.
class TreeBuilder final : public XmlEvents {
 public:
  TreeBuilder(std::string_view text, const Definitions& definitions)
      : text_(text), definitions_(definitions) {
    frames_.reserve(16);
  }

  Status ElementStart(const XmlStart& start) override;
  Status ElementEnd() override;
  Status Text(std::string_view text) override;

  // Precondition: a whole document was read without an error.
  Resource Take() { return *std::move(resource_); }

 private:
  // An element that is open.
  struct Frame {
    Element* element;
    const ElementDef* last = nullptr;    // of the children that came as elements
    const ElementDef* holder = nullptr;  // set: one resource is to come, and goes into `element`
    bool is_filled = false;              // it came
  };

  Error At(std::string detail, std::string_view name = {}) const;
  uint32_t Offset() const { return static_cast<uint32_t>(offset()); }
  Status Root(const XmlStart& start);
  Status Held(const XmlStart& start);
  Status Child(const XmlStart& start);
  Status CheckOrder(const Frame& frame, const ElementDef* definition, std::string_view name) const;
  Status Attributes(Element* element, const XmlStart& start);
  Status Attribute(Element* element, const XmlAttribute& attribute);
  Status Narrative(const XmlStart& start, const TypeDef::Property& property);
  Status InNarrative(const XmlStart& start);

  std::string_view text_;
  const Definitions& definitions_;
  std::optional<Resource> resource_;
  std::vector<Frame> frames_;
  Element* narrative_ = nullptr;  // the div that is open
  uint32_t narrative_depth_ = 0;  // elements open in it, itself included
};

Error TreeBuilder::At(std::string detail, std::string_view name) const {
  std::string place;
  if (!frames_.empty()) {
    place = frames_.back().element->Location();
    if (frames_.back().holder != nullptr) {
      place += '.';
      place += frames_.back().holder->name;
    }
    if (!name.empty()) {
      place += '.';
      place += name;
    }
  }
  return {Code::kInvalid, std::move(detail), std::move(place)};
}

Status TreeBuilder::ElementStart(const XmlStart& start) {
  if (narrative_ != nullptr) {
    return InNarrative(start);
  }
  if (frames_.empty()) {
    return Root(start);
  }
  return frames_.back().holder != nullptr ? Held(start) : Child(start);
}

Status TreeBuilder::Root(const XmlStart& start) {
  if (start.space != XmlSpace::kFhir) {
    return At("the namespace of a resource is http://hl7.org/fhir");
  }
  GW_TRY(Resource made, Resource::Make(start.name, definitions_));
  resource_.emplace(std::move(made));
  Element* root = &resource_->root();
  root->SetOffset(Offset());
  frames_.push_back({root});
  return Attributes(root, start);
}

// The resource in <contained> or <resource>.
Status TreeBuilder::Held(const XmlStart& start) {
  Frame& frame = frames_.back();
  const TypeDef* type = start.space == XmlSpace::kFhir ? definitions_.Find(start.name) : nullptr;
  if (type == nullptr || type->is_abstract() || !type->Is(frame.holder->types.front()->name())) {
    Error error = At("not a resource type of FHIR R4");
    error.code = Code::kUnsupported;
    return error;
  }
  if (frame.is_filled) {
    return At("one element holds one resource");
  }
  frame.is_filled = true;
  Element* element = frame.element->AppendRaw(frame.holder, *type, {}, Offset());
  frames_.push_back({element});
  return Attributes(element, start);
}

Status TreeBuilder::Child(const XmlStart& start) {
  Frame& frame = frames_.back();
  const TypeDef& parent = frame.element->type();
  const TypeDef::Property property = parent.ByJsonName(start.name);
  if (property.element == nullptr) {
    return At("an element that the type does not have");
  }
  if (IsXmlAttribute(parent, start.name)) {
    return At("an attribute was expected, not an element", start.name);
  }
  GW_RETURN_IF_ERROR(CheckOrder(frame, property.element, start.name));
  frame.last = property.element;
  if (property.type->primitive() == Primitive::kXhtml) {
    return Narrative(start, property);
  }
  if (start.space != XmlSpace::kFhir) {
    return At("the namespace of the element is not http://hl7.org/fhir", start.name);
  }
  if (property.type->kind() == Kind::kResource) {
    frames_.push_back({frame.element, nullptr, property.element});
    return start.attributes.empty() ? Status() : At("an attribute that the element does not have");
  }
  Element* element = frame.element->AppendRaw(property.element, *property.type, {}, Offset());
  frames_.push_back({element});
  return Attributes(element, start);
}

// The elements of a type stand side by side, so the order of their addresses is the definition's.
Status TreeBuilder::CheckOrder(const Frame& frame, const ElementDef* definition,
                               std::string_view name) const {
  if (frame.last == nullptr || frame.last < definition) {
    return {};
  }
  if (frame.last > definition) {
    return At("the element stands out of order", name);
  }
  if (definition->choice) {
    return At("a choice of types has two values", name);
  }
  return definition->max == 1 ? At("the element stands already and may not repeat", name)
                              : Status();
}

Status TreeBuilder::Attributes(Element* element, const XmlStart& start) {
  for (const XmlAttribute& attribute : start.attributes) {
    const bool is_schema_hint = attribute.space == XmlSpace::kSchemaInstance &&
                                attribute.name == "schemaLocation" && element->is_resource();
    if (!is_schema_hint) {
      GW_RETURN_IF_ERROR(Attribute(element, attribute));
    }
  }
  return {};
}

Status TreeBuilder::Attribute(Element* element, const XmlAttribute& attribute) {
  const TypeDef& type = element->type();
  if (attribute.space != XmlSpace::kNone || !IsXmlAttribute(type, attribute.name)) {
    return At("an attribute that the element does not have");
  }
  if (attribute.value.empty()) {
    return At("an attribute may not be empty", attribute.name);
  }
  if (attribute.name == "value") {
    if (!IsLexicalForm(type.primitive(), attribute.value)) {
      return At("not a valid " + std::string(type.name()));
    }
    element->SetText(attribute.value);
    return {};
  }
  const TypeDef::Property property = type.ByJsonName(attribute.name);
  if (!IsLexicalForm(property.type->primitive(), attribute.value)) {
    return At("not a valid " + std::string(property.type->name()), attribute.name);
  }
  element->AppendRaw(property.element, *property.type, {}, Offset())->SetText(attribute.value);
  return {};
}

// A narrative keeps its bytes, so it must mean the same when it stands alone.
Status TreeBuilder::Narrative(const XmlStart& start, const TypeDef::Property& property) {
  if (start.space != XmlSpace::kXhtml || start.has_prefix || !start.declares_space) {
    return At("a div declares http://www.w3.org/1999/xhtml itself and without a prefix",
              start.name);
  }
  narrative_ = frames_.back().element->AppendRaw(property.element, *property.type, {}, Offset());
  narrative_depth_ = 0;
  return InNarrative(start);
}

Status TreeBuilder::InNarrative(const XmlStart& start) {
  if (start.space != XmlSpace::kXhtml || start.has_prefix) {
    return At("a narrative has elements of XHTML only, without a prefix", "div");
  }
  for (const XmlAttribute& attribute : start.attributes) {
    if (attribute.space != XmlSpace::kNone && attribute.space != XmlSpace::kXml) {
      return At("a narrative has attributes of XHTML only, without a prefix", "div");
    }
  }
  ++narrative_depth_;
  return {};
}

Status TreeBuilder::ElementEnd() {
  if (narrative_ != nullptr) {
    if (--narrative_depth_ == 0) {
      narrative_->SetText(text_.substr(narrative_->offset(), offset() - narrative_->offset()));
      narrative_ = nullptr;
    }
    return {};
  }
  const Frame& frame = frames_.back();
  const Element& element = *frame.element;
  const bool has_content = frame.holder != nullptr ? frame.is_filled
                                                   : element.has_text() || element.is_resource() ||
                                                         element.first_child() != nullptr;
  if (!has_content) {
    return At("an element without a value or content");
  }
  frames_.pop_back();
  return {};
}

Status TreeBuilder::Text(std::string_view text) {
  return narrative_ != nullptr || IsBlank(text) ? Status() : At("text between elements");
}

}  // namespace

bool IsXmlAttribute(const TypeDef& type, std::string_view name) {
  return (name == "id" && type.kind() != Kind::kResource) ||
         (name == "url" && type.name() == "Extension") ||
         (name == "value" && type.kind() == Kind::kPrimitive);
}

Result<Resource> ParseXml(std::string_view text, const Definitions& definitions,
                          const Limits& limits) {
  TreeBuilder builder(text, definitions);
  GW_RETURN_IF_ERROR(ReadXml(text, limits, &builder));
  return builder.Take();
}

}  // namespace gw::fhir
