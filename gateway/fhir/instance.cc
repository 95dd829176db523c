#include "gateway/fhir/instance.h"

#include "gateway/base/place.h"
#include "gateway/fhir/instance_builder_internal.h"

namespace gw::fhir {

Error InstanceBuilder::Fail(size_t offset, std::string detail) const {
  return {Code::kInvalid, std::move(detail), ToText(PlaceAt(text_, offset))};
}

Result<const TypeDef*> InstanceBuilder::RootType(std::string_view name, size_t offset) const {
  const TypeDef* expected = types_.expected;
  if (expected != nullptr && (name.empty() || name == expected->name())) {
    return expected;
  }
  if (name.empty()) {
    return Fail(offset, "the instance does not say of what type it is");
  }
  const TypeDef* type = types_.models == nullptr ? nullptr : types_.models->Find(name);
  type = type == nullptr ? types_.definitions->Find(name) : type;
  if (type == nullptr || type->is_abstract() || type->kind() == Kind::kPrimitive) {
    return Fail(offset, "there is no type of that name among those of R4 and the models");
  }
  return type;
}

Result<const TypeDef*> InstanceBuilder::InnerType(std::string_view name, const TypeDef& declared,
                                                  size_t offset) const {
  if (name.empty() && !declared.is_abstract()) {
    return &declared;
  }
  const TypeDef* type = types_.definitions->Find(name);
  if (type == nullptr || type->is_abstract() || !type->Is(declared.name())) {
    return Fail(offset, "expected a resource of type " + std::string(declared.name()));
  }
  return type;
}

Result<Element*> InstanceBuilder::Add(Element* parent, std::string_view json_name,
                                      const TypeDef& type, std::string_view text,
                                      size_t offset) const {
  auto added = parent->AddTyped(json_name, type, text);
  if (!added) {
    return Fail(offset, added.error().detail);
  }
  (*added)->SetOffset(static_cast<uint32_t>(offset));
  return *added;
}

Result<Resource> ReadInstance(std::string_view text, const InstanceTypes& types,
                              const Limits& limits) {
  const size_t first = text.find_first_not_of("\xEF\xBB\xBF \t\r\n");
  const bool is_xml = first != std::string_view::npos && text[first] == '<';
  return is_xml ? ReadXmlInstance(text, types, limits) : ReadJsonInstance(text, types, limits);
}

void WriteInstance(const Resource& instance, std::string* out) {
  const size_t begin = out->size();
  WriteJson(instance, out);
  if (instance.root().type().kind() != Kind::kModel || out->substr(begin, 1) != "{") {
    return;
  }
  std::string head = "\"resourceType\":\"" + std::string(instance.type()) + "\"";
  head += (*out)[begin + 1] == '}' ? "" : ",";
  out->insert(begin + 1, head);
}

}  // namespace gw::fhir
