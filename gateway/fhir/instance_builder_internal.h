#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/fhir/instance.h"

namespace gw::fhir {

// What both readers of instances share: which element a name means, and of which type it is.
class InstanceBuilder {
 public:
  InstanceBuilder(std::string_view text, const InstanceTypes& types) : text_(text), types_(types) {}

  Error Fail(size_t offset, std::string detail) const;
  // The type of a whole instance that names itself so; an empty name: the expected one.
  Result<const TypeDef*> RootType(std::string_view name, size_t offset) const;
  // A resource inside another, where `declared` stands.
  Result<const TypeDef*> InnerType(std::string_view name, const TypeDef& declared,
                                   size_t offset) const;
  // A child of that JSON name; `text` empty: without a value.
  Result<Element*> Add(Element* parent, std::string_view json_name, const TypeDef& type,
                       std::string_view text, size_t offset) const;

 private:
  std::string_view text_;
  const InstanceTypes& types_;
};

Result<Resource> ReadJsonInstance(std::string_view text, const InstanceTypes& types,
                                  const Limits& limits);
Result<Resource> ReadXmlInstance(std::string_view text, const InstanceTypes& types,
                                 const Limits& limits);

}  // namespace gw::fhir
