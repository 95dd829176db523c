#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fhir/resource.h"
#include "gateway/fhir/xml_faults.h"
#include "gateway/fhir/xml_internal.h"

namespace gw::fhir {
namespace {

// Builds the tree while the document is read. Without `faults` the first departure from FHIR's form
// ends it; with them each is noted there, and the reading goes on.
class TreeBuilder final : public XmlEvents {
 public:
  TreeBuilder(std::string_view text, const Definitions& definitions, std::vector<XmlFault>* faults)
      : text_(text), definitions_(definitions), faults_(faults) {
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
    bool has_text_fault = false;         // text between its elements was noted
  };

  std::string Here() const;
  Error At(std::string detail, std::string_view name = {}) const;
  Status Fault(std::string detail, std::string_view name = {}, Code code = Code::kInvalid);
  // As Fault; what is in the element that is to open is passed over.
  Status FaultAndSkip(std::string detail, std::string_view name = {}, Code code = Code::kInvalid);
  uint32_t Offset() const { return static_cast<uint32_t>(offset()); }
  Status Root(const XmlStart& start);
  Status Held(const XmlStart& start);
  Status Child(const XmlStart& start);
  // The rule that a child of this definition breaks after those that came; empty: none.
  static std::string_view OrderFault(const Frame& frame, const ElementDef* definition);
  Status Attributes(Element* element, const XmlStart& start);
  Status Attribute(Element* element, const XmlAttribute& attribute);
  Status Narrative(const XmlStart& start, const TypeDef::Property& property);
  Status InNarrative(const XmlStart& start);

  std::string_view text_;
  const Definitions& definitions_;
  std::vector<XmlFault>* faults_;
  std::optional<Resource> resource_;
  std::vector<Frame> frames_;
  uint32_t skipped_depth_ = 0;  // elements open in what is passed over, itself included
  OpenNarrative narrative_;
  Element* div_ = nullptr;  // where it goes
};

std::string TreeBuilder::Here() const {
  std::string place;
  if (!frames_.empty()) {
    place = frames_.back().element->Location();
    if (frames_.back().holder != nullptr) {
      place += '.';
      place += frames_.back().holder->name;
    }
  }
  return place;
}

Error TreeBuilder::At(std::string detail, std::string_view name) const {
  std::string place = Here();
  if (!place.empty() && !name.empty()) {
    place += '.';
    place += name;
  }
  return {Code::kInvalid, std::move(detail), std::move(place)};
}

Status TreeBuilder::Fault(std::string detail, std::string_view name, Code code) {
  if (faults_ == nullptr) {
    Error error = At(std::move(detail), name);
    error.code = code;
    return error;
  }
  faults_->push_back({Offset(), Here(), std::string(name), std::move(detail)});
  return {};
}

Status TreeBuilder::FaultAndSkip(std::string detail, std::string_view name, Code code) {
  GW_RETURN_IF_ERROR(Fault(std::move(detail), name, code));
  skipped_depth_ = 1;
  return {};
}

Status TreeBuilder::ElementStart(const XmlStart& start) {
  if (skipped_depth_ > 0) {
    ++skipped_depth_;
    return {};
  }
  if (narrative_.is_open()) {
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
  const bool is_first = !std::exchange(frame.is_filled, true);
  if (type == nullptr || type->is_abstract() || !type->Is(frame.holder->types.front()->name())) {
    return FaultAndSkip("not a resource type of FHIR R4", {}, Code::kUnsupported);
  }
  if (!is_first) {
    return FaultAndSkip("one element holds one resource");
  }
  Element* element = frame.element->AppendRaw(frame.holder, *type, {}, Offset());
  frames_.push_back({element});
  return Attributes(element, start);
}

Status TreeBuilder::Child(const XmlStart& start) {
  Frame& frame = frames_.back();
  const TypeDef& parent = frame.element->type();
  const TypeDef::Property property = parent.ByJsonName(start.name);
  if (property.element == nullptr) {
    return FaultAndSkip("an element that the type does not have");
  }
  if (IsXmlAttribute(parent, start.name)) {
    return FaultAndSkip("an attribute was expected, not an element", start.name);
  }
  if (const std::string_view fault = OrderFault(frame, property.element); !fault.empty()) {
    if (property.element->max == 1 && frame.element->Child(property.element->name) != nullptr) {
      return FaultAndSkip(std::string(fault), start.name);
    }
    GW_RETURN_IF_ERROR(Fault(std::string(fault), start.name));
  }
  frame.last = std::max(frame.last, property.element, std::less<>());
  if (property.type->primitive() == Primitive::kXhtml) {
    return Narrative(start, property);
  }
  if (start.space != XmlSpace::kFhir) {
    return FaultAndSkip("the namespace of the element is not http://hl7.org/fhir", start.name);
  }
  if (property.type->kind() == Kind::kResource) {
    frames_.push_back({frame.element, nullptr, property.element});
    return start.attributes.empty() ? Status()
                                    : Fault("an attribute that the element does not have");
  }
  Element* element = frame.element->AppendRaw(property.element, *property.type, {}, Offset());
  frames_.push_back({element});
  return Attributes(element, start);
}

// The elements of a type stand side by side, so the order of their addresses is the definition's.
std::string_view TreeBuilder::OrderFault(const Frame& frame, const ElementDef* definition) {
  if (frame.last == nullptr || frame.last < definition) {
    return {};
  }
  if (frame.last > definition) {
    return "the element stands out of order";
  }
  if (definition->choice) {
    return "a choice of types has two values";
  }
  return definition->max == 1 ? "the element stands already and may not repeat" : "";
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
    return Fault("an attribute that the element does not have");
  }
  if (attribute.value.empty()) {
    return Fault("an attribute may not be empty", attribute.name);
  }
  const bool is_strict = faults_ == nullptr;
  if (attribute.name == "value") {
    if (is_strict && !IsLexicalForm(type.primitive(), attribute.value)) {
      return At("not a valid " + std::string(type.name()));
    }
    element->SetText(attribute.value);
    return {};
  }
  const TypeDef::Property property = type.ByJsonName(attribute.name);
  if (is_strict && !IsLexicalForm(property.type->primitive(), attribute.value)) {
    return At("not a valid " + std::string(property.type->name()), attribute.name);
  }
  element->AppendRaw(property.element, *property.type, {}, Offset())->SetText(attribute.value);
  return {};
}

// A narrative keeps its bytes, so it must mean the same when it stands alone.
Status TreeBuilder::Narrative(const XmlStart& start, const TypeDef::Property& property) {
  if (start.space != XmlSpace::kXhtml || start.has_prefix || !start.declares_space) {
    return FaultAndSkip("a div declares http://www.w3.org/1999/xhtml itself and without a prefix",
                        start.name);
  }
  div_ = frames_.back().element->AppendRaw(property.element, *property.type, {}, Offset());
  return InNarrative(start);
}

Status TreeBuilder::InNarrative(const XmlStart& start) {
  narrative_.Start(offset());
  if (start.space != XmlSpace::kXhtml || start.has_prefix) {
    return Fault("a narrative has elements of XHTML only, without a prefix", "div");
  }
  for (const XmlAttribute& attribute : start.attributes) {
    if (attribute.space != XmlSpace::kNone && attribute.space != XmlSpace::kXml) {
      return Fault("a narrative has attributes of XHTML only, without a prefix", "div");
    }
  }
  return {};
}

Status TreeBuilder::ElementEnd() {
  if (skipped_depth_ > 0) {
    --skipped_depth_;
    return {};
  }
  if (narrative_.is_open()) {
    if (narrative_.End()) {
      div_->SetText(narrative_.Bytes(text_, offset()));
    }
    return {};
  }
  const Frame& frame = frames_.back();
  const Element& element = *frame.element;
  const bool has_content = frame.holder != nullptr ? frame.is_filled
                                                   : element.has_text() || element.is_resource() ||
                                                         element.first_child() != nullptr;
  // In the tree of a mended document ele-1 says that an element is empty.
  if (!has_content && (faults_ == nullptr || frame.holder != nullptr)) {
    GW_RETURN_IF_ERROR(Fault("an element without a value or content"));
  }
  frames_.pop_back();
  return {};
}

Status TreeBuilder::Text(std::string_view text) {
  const bool is_taken =
      narrative_.is_open() || skipped_depth_ > 0 || frames_.empty() || IsXmlBlank(text);
  if (is_taken || std::exchange(frames_.back().has_text_fault, true)) {
    return {};
  }
  return Fault("text between elements");
}

}  // namespace

bool IsXmlBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool IsXmlAttribute(const TypeDef& type, std::string_view name) {
  return (name == "id" && type.kind() != Kind::kResource) ||
         (name == "url" && type.name() == "Extension") ||
         (name == "value" && type.kind() == Kind::kPrimitive);
}

Result<Resource> ParseXml(std::string_view text, const Definitions& definitions,
                          const Limits& limits) {
  TreeBuilder builder(text, definitions, nullptr);
  GW_RETURN_IF_ERROR(ReadXml(text, limits, &builder));
  return builder.Take();
}

Result<XmlReading> ReadXmlPastFaults(std::string_view text, const Definitions& definitions,
                                     const Limits& limits) {
  std::vector<XmlFault> faults;
  TreeBuilder builder(text, definitions, &faults);
  GW_RETURN_IF_ERROR(ReadXml(text, limits, &builder));
  return XmlReading{builder.Take(), std::move(faults)};
}

}  // namespace gw::fhir
