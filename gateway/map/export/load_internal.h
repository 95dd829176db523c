#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/map/export/export.h"
#include "gateway/map/export/internal.h"
#include "gateway/map/map_folder_internal.h"

// What an Exporter is made of.
namespace gw::map {

struct Exporter::Parts {
  const fhir::Definitions* definitions = nullptr;
  V2Model v2;
  V2Versions versions;
  std::vector<RowModel> rows;
  Plan plan;
  std::vector<std::string> code_tables;  // names of the ConceptMaps that are read backwards

  const RowModel* RowsOf(const Destination& destination) const;
  Result<Export> Make(Outbound outbound, const Destination& destination, Instant now) const;
};

// Errors: as Exporter::Load.
Result<std::unique_ptr<Exporter::Parts>> LoadExporter(const std::string& mappings_directory,
                                                      const std::string& profiles_directory,
                                                      const fhir::Definitions& definitions,
                                                      const Limits& limits);

}  // namespace gw::map
