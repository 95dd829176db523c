#include "gateway/fhir/compiler/package.h"

#include <fstream>
#include <utility>

namespace gw::fhir::compiler {
namespace {

constexpr std::string_view kVersion = "4.0.1";

// The files come from a package whose checksum is pinned, and profiles-resources.json alone has 35
// MB.
constexpr Limits kPackageLimits = {.body_bytes_max = 100u << 20,
                                   .json_depth_max = 200,
                                   .json_members_max = 10'000,
                                   .json_items_max = 1'000'000,
                                   .json_nodes_max = 50'000'000};

Result<Json> ReadFile(const std::string& folder, const std::string& name) {
  std::ifstream file(folder + "/" + name, std::ios::binary | std::ios::ate);
  if (!file) {
    return Error{Code::kNotFound, "the definitions package lacks a file", name};
  }
  std::string text(static_cast<size_t>(file.tellg()), '\0');
  file.seekg(0);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  Result<Json> json = Json::Parse(text, kPackageLimits);
  if (!json) {
    return Error{json.error().code, json.error().detail, name + ", " + json.error().where};
  }
  return json;
}

bool IsOfR4(const Json& structure) {
  const std::string_view kind = structure.TextOf("kind");
  return structure.TextOf("fhirVersion") == kVersion &&
         structure.TextOf("derivation") != "constraint" &&
         (kind == "primitive-type" || kind == "complex-type" || kind == "resource");
}

void Keep(const Json& resource, Package* package) {
  const std::string_view type = resource.TextOf("resourceType");
  if (type == "StructureDefinition" && IsOfR4(resource)) {
    package->structures.push_back(resource);
  } else if (type == "StructureDefinition" && resource.TextOf("fhirVersion") == kVersion) {
    package->profiles.push_back(resource);
    if (resource.TextOf("name") == "SimpleQuantity") {
      package->simple_quantity = resource;
    }
  } else if (type == "ConceptMap") {
    package->concept_maps.push_back(resource);
  } else if (type == "SearchParameter") {
    package->search_parameters.push_back(resource);
  } else if (type == "ValueSet") {
    package->value_sets.emplace(resource.TextOf("url"), resource);
  } else if (type == "CodeSystem") {
    package->code_systems.emplace(resource.TextOf("url"), resource);
  }
}

}  // namespace

Result<Package> ReadPackage(const std::string& folder) {
  Package package;
  for (const char* name : {"profiles-types.json", "profiles-resources.json", "profiles-others.json",
                           "extension-definitions.json", "search-parameters.json", "valuesets.json",
                           "v3-codesystems.json", "v2-tables.json", "conceptmaps.json"}) {
    GW_TRY(const Json bundle, ReadFile(folder, name));
    const Json* entries = bundle.Find("entry");
    if (entries == nullptr) {
      return Error{Code::kInvalid, "a Bundle with entries was expected", name};
    }
    for (const Json& entry : entries->items()) {
      if (const Json* resource = entry.Find("resource"); resource != nullptr) {
        Keep(*resource, &package);
      }
    }
  }
  GW_TRY(package.patient_compartment, ReadFile(folder, "compartmentdefinition-patient.json"));
  return package;
}

const std::vector<Json>& ItemsOf(const Json& json, std::string_view name) {
  static const Json nothing;
  const Json* items = json.Find(name);
  return items == nullptr ? nothing.items() : items->items();
}

std::string_view WithoutVersion(std::string_view canonical) {
  return canonical.substr(0, canonical.find('|'));
}

}  // namespace gw::fhir::compiler
