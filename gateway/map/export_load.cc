#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "gateway/base/json.h"
#include "gateway/map/export_load_internal.h"
#include "gateway/map/file_text_internal.h"

namespace gw::map {
namespace {

namespace fs = std::filesystem;
using fhir::Element;
using fhir::Resource;

constexpr std::string_view kCodes = "urn:caregate:codes:";
constexpr std::string_view kBack = "urn:caregate:codes:back:";
constexpr std::string_view kV2 = "urn:caregate:hl7v2:";

Error AtFile(const std::string& file, const Error& error) {
  return {Code::kInvalid, error.detail, file + ": " + error.where};
}

// The files below one folder of `directory` that end so, by name.
Result<std::vector<MapFile>> FilesIn(const std::string& directory, const std::string& folder,
                                     std::string_view end) {
  std::vector<std::string> paths;
  std::error_code failure;
  for (auto at = fs::recursive_directory_iterator(directory + "/" + folder, failure);
       !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    if (at->is_regular_file() && at->path().filename().string().ends_with(end)) {
      paths.push_back(at->path().generic_string());
    }
  }
  std::vector<MapFile> files;
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    const auto text = FileText(path);
    if (!text) {
      return Error{Code::kInvalid, "cannot be read", path};
    }
    files.push_back({fs::path(path).lexically_relative(directory).generic_string(), *text});
  }
  return files;
}

// One ConceptMap read backwards.
class Reverser {
 public:
  Reverser(const Resource& forward, const fhir::Definitions& definitions)
      : forward_(forward), definitions_(definitions) {}

  Result<Resource> Run(std::vector<std::string>* ambiguous) {
    const std::string name(forward_.root().TextAt("url").substr(kCodes.size()));
    GW_TRY(Resource back, Resource::Make("ConceptMap", definitions_));
    GW_RETURN_IF_ERROR(back.root().Add("url", std::string(kBack) + name));
    GW_RETURN_IF_ERROR(back.root().Add("status", "active"));
    for (const Element* group = forward_.root().first_child(); group != nullptr;
         group = group->next()) {
      if (group->name() == "group") {
        GW_RETURN_IF_ERROR(AddGroup(*group, &back.root()));
      }
    }
    for (const auto& [key, codes] : seen_) {
      if (codes.find(' ') != codes.npos) {
        ambiguous->push_back(name + ": " + codes);
      }
    }
    return back;
  }

 private:
  // R4 ConceptMap equivalence: a wider or narrower code is no translation back where an equal one
  // stands; the first equal one is taken.
  Status AddGroup(const Element& group, Element* back) {
    GW_TRY(Element * made, back->Add("group"));
    const std::string_view target = group.TextAt("target");
    for (const auto& [name, text] :
         {std::pair{"source", target}, std::pair{"target", group.TextAt("source")}}) {
      if (!text.empty()) {
        GW_RETURN_IF_ERROR(made->Add(name, text));
      }
    }
    for (const bool equal : {true, false}) {
      for (const Element* element = group.first_child(); element != nullptr;
           element = element->next()) {
        if (element->name() == "element") {
          GW_RETURN_IF_ERROR(AddElement(*element, target, equal, made));
        }
      }
    }
    if (made->Child("element") == nullptr) {
      back->Remove(made);
    }
    return {};
  }

  Status AddElement(const Element& element, std::string_view system, bool equal, Element* group) {
    for (const Element* target = element.first_child(); target != nullptr;
         target = target->next()) {
      if (target->name() != "target" || target->TextAt("code").empty()) {
        continue;
      }
      const std::string_view equivalence = target->TextAt("equivalence");
      const bool is_equal = equivalence == "equivalent" || equivalence == "equal";
      if (is_equal != equal || equivalence == "unmatched" || equivalence == "disjoint") {
        continue;
      }
      std::string& codes = seen_[std::string(system) + "|" + std::string(target->TextAt("code"))];
      const bool is_first = codes.empty();
      codes.append(is_first ? "" : " ").append(element.TextAt("code"));
      if (!is_first) {
        continue;
      }
      GW_TRY(Element * made, group->Add("element"));
      GW_RETURN_IF_ERROR(made->Add("code", target->TextAt("code")));
      GW_TRY(Element * to, made->Add("target"));
      GW_RETURN_IF_ERROR(to->Add("code", element.TextAt("code")));
      GW_RETURN_IF_ERROR(to->Add("equivalence", "equivalent"));
    }
    return {};
  }

  const Resource& forward_;
  const fhir::Definitions& definitions_;
  std::map<std::string, std::string> seen_;  // FHIR code -> the codes that mean it
};

Result<ExportRows> ReadRows(const MapFile& file, const fhir::Definitions& definitions,
                            const Limits& limits) {
  auto json = Json::Parse(file.text, limits);
  if (!json) {
    return AtFile(file.name, json.error());
  }
  const Json* columns = json->Find("columns");
  const std::string url(json->TextOf("url"));
  if (url.empty() || columns == nullptr || !columns->is_array()) {
    return Error{Code::kInvalid, "a row model has a url and columns", file.name};
  }
  Feed feed;
  feed.format = Feed::Format::kCsv;
  for (const Json& column : columns->items()) {
    Column made;
    made.name = std::string(column.TextOf("name"));
    made.type = std::string(column.TextOf("type", "string"));
    feed.columns.push_back(std::move(made));
  }
  auto model = CsvModel::Make(feed, definitions);
  if (!model) {
    return AtFile(file.name, model.error());
  }
  const std::string folder = fs::path(file.name).parent_path().generic_string();
  return ExportRows{RowModel{url, std::move(feed), *std::move(model)}, folder};
}

}  // namespace

Result<std::unique_ptr<Exporter::Parts>> LoadExporter(const std::string& mappings_directory,
                                                      const std::string& profiles_directory,
                                                      const fhir::Definitions& definitions,
                                                      const Limits& limits) {
  GW_TRY(std::vector<MapFile> maps, FilesIn(mappings_directory, "fhir-to-hl7v2", ".map"));
  GW_TRY(std::vector<MapFile> to_csv, FilesIn(mappings_directory, "fhir-to-csv", ".map"));
  maps.insert(maps.end(), to_csv.begin(), to_csv.end());
  GW_TRY(const auto row_files, FilesIn(mappings_directory, "fhir-to-csv", "rows.json"));
  GW_TRY(const auto code_files, FilesIn(mappings_directory, "codes", ".json"));
  GW_TRY(V2Model v2, V2Model::Load(profiles_directory + "/hl7v2", definitions));
  GW_TRY(V2Versions versions, V2Versions::Load(profiles_directory + "/hl7v2/versions.txt"));
  std::vector<ExportRows> rows;
  for (const MapFile& file : row_files) {
    GW_TRY(ExportRows model, ReadRows(file, definitions, limits));
    rows.push_back(std::move(model));
  }
  std::vector<Resource> concept_maps;
  std::vector<std::string> ambiguous;
  for (const MapFile& file : code_files) {
    auto forward = fhir::ParseJson(file.text, definitions, limits);
    if (!forward) {
      return AtFile(file.name, forward.error());
    }
    if (forward->root().TextAt("url").starts_with(kCodes)) {
      GW_TRY(Resource back, Reverser(*forward, definitions).Run(&ambiguous));
      concept_maps.push_back(std::move(back));
    }
  }
  const auto find = [&v2, &rows](std::string_view url) -> const fhir::TypeDef* {
    if (url.starts_with(kV2)) {
      return v2.Find(url.substr(kV2.size()));
    }
    for (const ExportRows& model : rows) {
      if (model.url == url) {
        return model.model.Find("Rows");
      }
    }
    return nullptr;
  };
  GW_TRY(Plan plan, Plan::Compile(maps, find, concept_maps, definitions));
  return std::unique_ptr<Exporter::Parts>(
      new Exporter::Parts{&definitions, std::move(v2), std::move(versions), std::move(rows),
                          std::move(plan), std::move(ambiguous)});
}

}  // namespace gw::map
