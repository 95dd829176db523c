#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/csv/model.h"
#include "gateway/map/plan/plan.h"
#include "gateway/map/v2/model.h"

// The folder of the maps, as Translator::Load and Exporter::Load read it.
namespace gw::map {

// The url of a code table of codes/ begins so.
inline constexpr std::string_view kCodes = "urn:caregate:codes:";
// Which messages are taken.
inline constexpr std::string_view kMessages = "hl7v2-to-fhir/messages.json";

// The row model that the maps of one kind of file are checked against (rows.json).
struct RowModel {
  std::string url;
  std::string folder;  // of its file: "fhir-to-csv/plans"
  Feed feed;           // columns only
  CsvModel model;
};

// The names of all files below the folder, sorted: "codes/gender.json". Errors: kInvalid.
Result<std::vector<std::string>> NamesBelow(const std::string& directory);
// One of them. Errors: kInvalid, where = its path.
Result<MapFile> ReadMapFile(const std::string& directory, const std::string& name);
// Is it a code table?
bool IsCodeTable(std::string_view name);
// Is it a map: text, or a StructureMap as JSON or XML? All else of the folder (code tables, row
// models, messages.json, pairs) has names of its own.
bool IsMap(std::string_view name);
// Is it read by an Exporter, and not by a Translator?
bool IsOutward(std::string_view name);

// Errors: kInvalid, where = "file: place".
Result<RowModel> ReadRowModel(const MapFile& file, const fhir::Definitions& definitions,
                              const Limits& limits);
Result<fhir::Resource> ReadConceptMap(const MapFile& file, const fhir::Definitions& definitions,
                                      const Limits& limits);
Error AtFile(const std::string& file, const Error& error);

// The type of a `uses` declaration: a v2 structure or part of one, or a row model; null: neither.
const fhir::TypeDef* FindModel(std::string_view url, const V2Model& v2,
                               std::span<const RowModel> rows);

}  // namespace gw::map
