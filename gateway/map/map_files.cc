#include "gateway/map/map_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "gateway/base/file.h"
#include "gateway/fhir/definition_files.h"
#include "gateway/fhir/instance.h"
#include "gateway/map/fml/names_internal.h"
#include "gateway/map/fml/structure_map.h"

namespace gw::map {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kTypes = {"StructureDefinition", "StructureMap",
                                                    "ConceptMap"};

// A map that may be imported.
struct Candidate {
  MapFile file;
  FmlMap map;
  bool is_taken = false;
};

// The files of a folder that may hold a map, by name: all below it that are named so, or those
// beside each other of any form.
std::vector<std::string> FilesOf(const fs::path& folder, bool deep) {
  std::vector<std::string> paths;
  std::error_code failure;
  for (auto at = fs::recursive_directory_iterator(folder, failure);
       !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    std::error_code unknown;  // of a link that leads nowhere: reading it says so
    if (!deep && at->is_directory(unknown)) {
      at.disable_recursion_pending();
    }
    const fs::path form = at->path().extension();
    const bool is_named = form == ".map" || (!deep && (form == ".json" || form == ".xml"));
    if (is_named && (at->is_regular_file(unknown) || unknown)) {
      paths.push_back(at->path().generic_string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

class MapFiles::Loader {
 public:
  Loader(MapFiles* out, const fhir::Definitions& definitions, const Limits& limits)
      : out_(*out), definitions_(definitions), limits_(limits) {}

  Status Run(const std::string& path, std::span<const std::string> packages) {
    GW_TRY(std::string text, ReadFile(path, kPartBytesMax));
    GW_TRY(const FmlMap map, ReadMap(path, text, definitions_, limits_));
    out_.url_ = map.url;
    out_.maps_.push_back({path, std::move(text)});
    GW_TRY(const auto files, fhir::ReadDefinitionFiles(packages, kTypes));
    for (const fhir::DefinitionFile& file : files) {
      if (file.type == "StructureMap") {
        Offer({file.name, file.bytes});
      }
    }
    for (const std::string& package : packages) {
      OfferFiles(FilesOf(package, true), path);
    }
    OfferFiles(
        FilesOf(fs::path(path).parent_path().empty() ? fs::path(".") : fs::path(path).parent_path(),
                false),
        path);
    std::vector<std::string> used;
    GW_RETURN_IF_ERROR(Import(map, &used));
    for (const fhir::DefinitionFile& file : files) {
      if (file.type == "ConceptMap") {
        GW_RETURN_IF_ERROR(TakeConceptMap(file));
      } else if (file.type == "StructureDefinition" && IsWanted(file, used)) {
        GW_RETURN_IF_ERROR(TakeModel(file));
      }
    }
    return out_.models_->Finish();
  }

 private:
  void OfferFiles(const std::vector<std::string>& paths, const std::string& own) {
    for (const std::string& path : paths) {
      auto text = ReadFile(path, kPartBytesMax);
      std::error_code failure;
      const bool may_be =
          text && (path.ends_with(".map") || text->find("StructureMap") != std::string::npos);
      if (may_be && !fs::equivalent(path, own, failure)) {
        Offer({path, *std::move(text)});
      }
    }
  }

  // A map that cannot be read matters where an import is not found without it.
  void Offer(MapFile file) {
    auto map = ReadMap(file.name, file.text, definitions_, limits_);
    if (!map) {
      problems_.push_back(map.error());
      return;
    }
    const auto same = [&map](const Candidate& other) { return other.map.url == map->url; };
    if (map->url != out_.url_ && std::none_of(candidates_.begin(), candidates_.end(), same)) {
      candidates_.push_back({std::move(file), *std::move(map), false});
    }
  }

  // All that the map leads to; *used gathers the structures that are named on the way.
  Status Import(const FmlMap& first, std::vector<std::string>* used) {
    std::vector<const FmlMap*> open = {&first};
    while (!open.empty()) {
      const FmlMap& map = *open.back();
      open.pop_back();
      for (const FmlUse& use : map.uses) {
        used->push_back(use.url.substr(0, use.url.find('|')));
      }
      for (const FmlImport& import : map.imports) {
        bool any = UrlFits(import.url, out_.url_);
        for (Candidate& candidate : candidates_) {
          const bool fits = UrlFits(import.url, candidate.map.url);
          any = any || fits;
          if (fits && !std::exchange(candidate.is_taken, candidate.is_taken || fits)) {
            out_.maps_.push_back(candidate.file);
            open.push_back(&candidate.map);
          }
        }
        if (!any && !problems_.empty()) {
          return problems_.front();
        }
      }
    }
    return {};
  }

  // Logical models, and profiles that a map names.
  static bool IsWanted(const fhir::DefinitionFile& file, const std::vector<std::string>& used) {
    return file.bytes.find("\"logical\"") != std::string::npos ||
           std::any_of(used.begin(), used.end(), [&file](const std::string& url) {
             return file.bytes.find("\"" + url + "\"") != std::string::npos;
           });
  }

  Result<fhir::Resource> Read(const fhir::DefinitionFile& file) const {
    const fhir::InstanceTypes types{
        .definitions = &definitions_, .models = nullptr, .expected = definitions_.Find(file.type)};
    auto resource = fhir::ReadInstance(file.bytes, types, limits_);
    if (!resource) {
      return Error{resource.error().code, resource.error().detail,
                   file.name + ": " + resource.error().where};
    }
    return resource;
  }

  Status TakeModel(const fhir::DefinitionFile& file) {
    GW_TRY(const fhir::Resource definition, Read(file));
    return out_.models_->Add(definition, file.name);
  }

  Status TakeConceptMap(const fhir::DefinitionFile& file) {
    GW_TRY(fhir::Resource map, Read(file));
    const std::string url(map.root().TextAt("url"));
    if (!url.empty() && concept_urls_.insert(url).second) {
      out_.concept_maps_.push_back(std::move(map));
    }
    return {};
  }

  MapFiles& out_;
  const fhir::Definitions& definitions_;
  const Limits& limits_;
  std::vector<Candidate> candidates_;
  std::vector<Error> problems_;
  std::set<std::string> concept_urls_;
};

MapFiles::MapFiles(const fhir::Definitions& definitions)
    : definitions_(&definitions), models_(std::make_unique<fhir::LogicalModels>(definitions)) {}

Result<MapFiles> MapFiles::Load(const std::string& path, std::span<const std::string> packages,
                                const fhir::Definitions& definitions, const Limits& limits) {
  MapFiles files(definitions);
  GW_RETURN_IF_ERROR(Loader(&files, definitions, limits).Run(path, packages));
  return files;
}

Result<Plan> MapFiles::Compile() const {
  const auto find = [this](std::string_view url) { return models_->Find(url); };
  return Plan::Compile(maps_, find, concept_maps_, *definitions_,
                       {.refuse_unused_variables = false, .check_texts_in_runs = true});
}

}  // namespace gw::map
