#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/base/result.h"

namespace gw::fhir::compiler {

// The resources of the definitions package that the tables are made of.
struct Package {
  std::vector<Json> structures;         // StructureDefinition: data types, then resources
  std::vector<Json> profiles;           // StructureDefinition: R4's own extensions and profiles
  Json simple_quantity;                 // the one profile that R4's own snapshots name
  std::vector<Json> search_parameters;  // SearchParameter
  std::map<std::string, Json, std::less<>> value_sets;  // by canonical
  std::map<std::string, Json, std::less<>>
      code_systems;                // by canonical; the first of a name stands
  std::vector<Json> concept_maps;  // ConceptMap
  Json patient_compartment;        // CompartmentDefinition
};

// Reads the package's R4 folder. Only what R4 4.0.1 itself defines is kept: the package also holds
// a resource of R4B. Errors: kNotFound, kInvalid; where = the file.
Result<Package> ReadPackage(const std::string& folder);

// The items of an array member; none where there is no such member.
const std::vector<Json>& ItemsOf(const Json& json, std::string_view name);

// Without the |version of a canonical.
std::string_view WithoutVersion(std::string_view canonical);

}  // namespace gw::fhir::compiler
