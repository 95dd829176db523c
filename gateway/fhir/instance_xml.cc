#include <optional>
#include <utility>
#include <vector>

#include "gateway/fhir/instance_builder_internal.h"
#include "gateway/fhir/xml_internal.h"

namespace gw::fhir {
namespace {

class XmlReader : public XmlEvents {
 public:
  XmlReader(std::string_view text, const InstanceTypes& types)
      : text_(text), builder_(text, types) {}

  Resource Take() { return *std::move(instance_); }

  Status ElementStart(const XmlStart& start) override {
    if (narrative_.is_open()) {
      narrative_.Start(offset());
      return {};
    }
    if (open_.empty()) {
      GW_TRY(const TypeDef* type, builder_.RootType(start.name, offset()));
      instance_ = Resource::MakeOf(*type);
      open_.push_back({&instance_->root(), nullptr, {}});
      return Attributes(start);
    }
    Open& parent = open_.back();
    if (parent.holder != nullptr) {
      return Inner(start);
    }
    const TypeDef::Property property = parent.element->type().ByJsonName(start.name);
    if (property.element == nullptr) {
      return builder_.Fail(
          offset(), std::string(parent.element->type().name()) + " has no element of this name");
    }
    if (property.type->primitive() == Primitive::kXhtml) {
      narrative_.Start(offset());
      return {};
    }
    if (property.type->kind() == Kind::kResource) {
      // The resource stands in it as an element of its own name.
      open_.push_back({parent.element, property.type, std::string(start.name)});
      return {};
    }
    GW_TRY(Element * child, builder_.Add(parent.element, start.name, *property.type, {}, offset()));
    open_.push_back({child, nullptr, {}});
    return Attributes(start);
  }

  Status ElementEnd() override {
    if (narrative_.is_open()) {
      return narrative_.End() ? Narrative() : Status();
    }
    open_.pop_back();
    return {};
  }

  Status Text(std::string_view text) override {
    if (!narrative_.is_open() && !IsXmlBlank(text)) {
      return builder_.Fail(offset(),
                           "text between elements: a value stands in the attribute value");
    }
    return {};
  }

 private:
  struct Open {
    Element* element;
    const TypeDef* holder;  // what is declared, of an element that holds a resource
    std::string holder_name;
  };

  Status Inner(const XmlStart& start) {
    const Open holder = open_.back();
    GW_TRY(const TypeDef* type, builder_.InnerType(start.name, *holder.holder, offset()));
    GW_TRY(Element * child, builder_.Add(holder.element, holder.holder_name, *type, {}, offset()));
    open_.push_back({child, nullptr, {}});
    return Attributes(start);
  }

  Status Attributes(const XmlStart& start) {
    Element* element = open_.back().element;
    const bool is_leaf =
        element->type().kind() == Kind::kPrimitive ||
        (element->type().kind() == Kind::kModel && element->type().elements().empty());
    for (const XmlAttribute& attribute : start.attributes) {
      if (attribute.space != XmlSpace::kNone) {
        continue;  // xsi:schemaLocation and the like
      }
      if (is_leaf && attribute.name == "value") {
        element->SetText(attribute.value);
        continue;
      }
      const TypeDef::Property property = element->type().ByJsonName(attribute.name);
      if (property.element == nullptr || property.type->kind() != Kind::kPrimitive) {
        return builder_.Fail(
            offset(), std::string(element->type().name()) + " has no attribute of this name");
      }
      GW_RETURN_IF_ERROR(
          builder_.Add(element, attribute.name, *property.type, attribute.value, offset()));
    }
    return {};
  }

  // The bytes of the div as they stand.
  Status Narrative() {
    const std::string_view div = narrative_.Bytes(text_, offset());
    const TypeDef::Property property = open_.back().element->type().ByJsonName("div");
    if (property.element == nullptr) {
      return builder_.Fail(narrative_.begin(), "there is no narrative here");
    }
    GW_RETURN_IF_ERROR(
        builder_.Add(open_.back().element, "div", *property.type, div, narrative_.begin()));
    return {};
  }

  std::string_view text_;
  InstanceBuilder builder_;
  std::optional<Resource> instance_;
  std::vector<Open> open_;
  OpenNarrative narrative_;
};

}  // namespace

Result<Resource> ReadXmlInstance(std::string_view text, const InstanceTypes& types,
                                 const Limits& limits) {
  XmlReader reader(text, types);
  GW_RETURN_IF_ERROR(ReadXml(text, limits, &reader));
  return reader.Take();
}

}  // namespace gw::fhir
