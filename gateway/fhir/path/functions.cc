#include <algorithm>
#include <array>

#include "gateway/fhir/path/node_internal.h"

namespace gw::fhir::path {

namespace {
constexpr std::array kTables = {&ExistenceFunctions,  &FilteringFunctions, &CollectionFunctions,
                                &ConversionFunctions, &StringFunctions,    &EncodingFunctions,
                                &MathFunctions,       &TreeFunctions,      &FhirFunctions};
}  // namespace

const FunctionSpec* FindFunction(std::string_view name) {
  for (const auto table : kTables) {
    for (const FunctionSpec& spec : table()) {
      if (spec.name == name) {
        return &spec;
      }
    }
  }
  return nullptr;
}

}  // namespace gw::fhir::path
