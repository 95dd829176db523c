#include "gateway/fhir/compiler/r4_package.h"

#include <string_view>
#include <utility>

#include "gateway/fhir/compiler/table_writer.h"
#include "gateway/fhir/package/compiled_internal.h"
#include "gateway/fhir/package/structure_internal.h"
#include "gateway/fhir/package/terminology_pack_internal.h"

namespace gw::fhir::compiler {
namespace {

constexpr std::string_view kName = "hl7.fhir.r4.core#4.0.1";

// Names the resource in an error.
Status At(const Json& resource, Status status) {
  if (!status) {
    Error error = std::move(status).error();
    error.where = std::string(resource.TextOf("url")) + ": " + error.where;
    return error;
  }
  return {};
}

Status PackStructures(const std::vector<Json>& structures, compiled::Writer* out) {
  for (const Json& json : structures) {
    Result<StructureDraft> structure = ReadStructure(json);
    if (!structure) {
      return At(json, std::move(structure).error());
    }
    structure->package = kName;
    PackStructure(*structure, out);
  }
  return {};
}

}  // namespace

Result<std::string> CompileR4Package(const Package& package) {
  compiled::Writer writer;
  writer.packages.push_back(writer.Intern(kName));
  GW_RETURN_IF_ERROR(PackStructures(package.structures, &writer));
  GW_RETURN_IF_ERROR(PackStructures(package.profiles, &writer));
  for (const auto& [url, system] : package.code_systems) {
    // The definitions of codes would add 1.5 MB to the program: displays say enough.
    GW_RETURN_IF_ERROR(At(system, PackCodeSystem(system, kName, false, &writer)));
  }
  for (const auto& [url, value_set] : package.value_sets) {
    GW_RETURN_IF_ERROR(At(value_set, PackValueSet(value_set, kName, &writer)));
  }
  for (const Json& concept_map : package.concept_maps) {
    GW_RETURN_IF_ERROR(At(concept_map, PackConceptMap(concept_map, kName, &writer)));
  }
  std::string source =
      "// Made by gateway/fhir/compiler from HL7's FHIR R4 definitions (CC0). Do not edit.\n"
      "#include \"gateway/fhir/package/compiled_internal.h\"\n\n"
      "namespace gw::fhir::compiled {\nnamespace {\n\nalignas(8) constexpr char kBytes[] =\n";
  const std::string bytes = writer.Bytes();
  constexpr size_t kBytesPerLine = 64;
  for (size_t at = 0; at < bytes.size(); at += kBytesPerLine) {
    AppendLiteral(std::string_view(bytes).substr(at, kBytesPerLine), &source);
  }
  source +=
      ";\n\n}  // namespace\n\nstd::string_view R4Bytes() { return {kBytes, sizeof(kBytes) - 1}; "
      "}\n"
      "\n}  // namespace gw::fhir::compiled\n";
  return source;
}

}  // namespace gw::fhir::compiler
