#pragma once

#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/logical_models.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {

// What an instance may be of.
struct InstanceTypes {
  const Definitions* definitions = nullptr;
  const LogicalModels* models = nullptr;  // null: R4 alone
  // The type that is expected: taken where the instance names none, or one of the same name.
  const TypeDef* expected = nullptr;
};

// Reads an instance of an R4 type or of a logical model, JSON or XML by its first byte, the way
// they are written in the wild: one value where a list is declared, a list of one where it is not,
// any lexical form of a primitive, any namespace. Elements that the type does not have, and what is
// no value of their kind, are refused. Each element has its offset in `text`.
// Errors: kInvalid, where = "line L, column C"; kTooLarge past a bound of `limits`.
// Spec: FHIR R4 json.html, xml.html.
Result<Resource> ReadInstance(std::string_view text, const InstanceTypes& types,
                              const Limits& limits);

// Appends JSON as WriteJson does; a logical model carries its name as resourceType too.
void WriteInstance(const Resource& instance, std::string* out);

}  // namespace gw::fhir
