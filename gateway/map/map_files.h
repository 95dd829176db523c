#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/logical_models.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/plan/plan.h"

namespace gw::map {

// One map that stands for itself, with all that it needs: what it imports, from the packages and
// from its own folder; the ConceptMaps and the logical models of the packages.
class MapFiles {
 public:
  // `path` is a map in any form; `packages` are .tgz files, or folders of JSON, XML and .map files.
  // Errors: kNotFound: no such file; kInvalid, where = "file:line:column", as ReadMap and
  // LogicalModels have them; those of fhir::ReadDefinitionFiles.
  static Result<MapFiles> Load(const std::string& path, std::span<const std::string> packages,
                               const fhir::Definitions& definitions, const Limits& limits);

  const std::string& url() const { return url_; }
  const fhir::LogicalModels& models() const { return *models_; }
  // Checked against the definitions. Variables that nothing uses pass, as other engines let them.
  // Errors: as Plan::Compile.
  Result<Plan> Compile() const;

 private:
  class Loader;
  explicit MapFiles(const fhir::Definitions& definitions);

  const fhir::Definitions* definitions_;
  std::string url_;
  std::vector<MapFile> maps_;  // the first is the map itself
  std::vector<fhir::Resource> concept_maps_;
  std::unique_ptr<fhir::LogicalModels> models_;
};

}  // namespace gw::map
