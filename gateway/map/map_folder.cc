#include <algorithm>
#include <filesystem>
#include <utility>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/map/map_folder_internal.h"

namespace gw::map {

namespace fs = std::filesystem;

namespace {
constexpr std::string_view kV2 = "urn:caregate:hl7v2:";
bool IsColumn(const Json& column) {
  return column.is_object() && !column.TextOf("name").empty() &&
         std::all_of(column.members().begin(), column.members().end(), [](const auto& member) {
           return member.first == "essential"
                      ? member.second.is_bool()
                      : (member.first == "name" || member.first == "type") &&
                            member.second.is_string();
         });
}

}  // namespace

Error AtFile(const std::string& file, const Error& error) {
  return {Code::kInvalid, error.detail, file + ": " + error.where};
}

Result<std::vector<std::string>> NamesBelow(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code failure;
  for (auto at = fs::recursive_directory_iterator(directory, failure);
       !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    std::error_code unknown;  // of a link that leads nowhere: reading it says so
    if (at->is_regular_file(unknown) || unknown) {
      names.push_back(at->path().lexically_relative(directory).generic_string());
    }
  }
  if (failure) {
    return Error{Code::kInvalid, "the folder of the mappings cannot be read", directory};
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<MapFile> ReadMapFile(const std::string& directory, const std::string& name) {
  const std::string path = (fs::path(directory) / name).generic_string();
  auto text = ReadFile(path, kPartBytesMax);
  if (!text) {
    return Error{Code::kInvalid, "cannot be read", path};
  }
  return MapFile{name, *std::move(text)};
}

bool IsCodeTable(std::string_view name) {
  return name.starts_with("codes/") && name.ends_with(".json");
}

bool IsMap(std::string_view name) {
  const std::string_view file = name.substr(name.rfind('/') + 1);
  const std::string_view stem = file.substr(0, file.rfind('.'));
  const bool is_written_out = name.ends_with(".json") || name.ends_with(".xml");
  const bool is_other = name.starts_with("codes/") || file == "rows.json" || name == kMessages ||
                        file.starts_with("pairs.") || stem.ends_with(".in") ||
                        stem.ends_with(".out");
  return name.ends_with(".map") || (is_written_out && !is_other);
}

bool IsOutward(std::string_view name) { return name.starts_with("fhir-to-"); }

Result<RowModel> ReadRowModel(const MapFile& file, const fhir::Definitions& definitions,
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
    const std::string place = ": $.columns[" + std::to_string(feed.columns.size()) + "]";
    if (!IsColumn(column)) {
      return Error{Code::kInvalid, "a column has a name, a type and whether it is essential alone",
                   file.name + place};
    }
    Column made;
    made.name = std::string(column.TextOf("name"));
    made.type = std::string(column.TextOf("type", "string"));
    const Json* essential = column.Find("essential");
    made.refuse_bad = essential != nullptr && essential->boolean();
    feed.columns.push_back(std::move(made));
  }
  auto model = CsvModel::Make(feed, definitions);
  if (!model) {
    return AtFile(file.name, model.error());
  }
  const std::string folder = fs::path(file.name).parent_path().generic_string();
  return RowModel{url, folder, std::move(feed), *std::move(model)};
}

Result<fhir::Resource> ReadConceptMap(const MapFile& file, const fhir::Definitions& definitions,
                                      const Limits& limits) {
  auto parsed = fhir::ParseJson(file.text, definitions, limits);
  return parsed ? std::move(parsed) : Result<fhir::Resource>(AtFile(file.name, parsed.error()));
}

const fhir::TypeDef* FindModel(std::string_view url, const V2Model& v2,
                               std::span<const RowModel> rows) {
  if (url.starts_with(kV2)) {
    return v2.Find(url.substr(kV2.size()));
  }
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [url](const RowModel& model) { return model.url == url; });
  return found == rows.end() ? nullptr : found->model.Find("Rows");
}

}  // namespace gw::map
