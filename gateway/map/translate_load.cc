#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/json.h"
#include "gateway/hl7v2/structures.h"
#include "gateway/map/translate_internal.h"

namespace gw::map {

namespace {

struct Files {
  std::vector<MapFile> maps;
  std::vector<MapFile> concept_maps;
  std::vector<MapFile> row_models;
  MapFile messages;
};

// Everything a translator is made of, by name; pairs of examples beside the maps are none of it.
Result<Files> ReadFiles(const std::string& directory) {
  Files files;
  GW_TRY(const std::vector<std::string> names, NamesBelow(directory));
  for (const std::string& name : names) {
    if (IsOutward(name)) {
      continue;  // an Exporter compiles those, with the code tables read backwards
    }
    const bool is_rows = name.ends_with("/rows.json");
    const bool is_messages = name == kMessages;
    if (!IsMap(name) && !IsCodeTable(name) && !is_rows && !is_messages) {
      continue;
    }
    GW_TRY(MapFile file, ReadMapFile(directory, name));
    if (is_messages) {
      files.messages = std::move(file);
    } else {
      (IsCodeTable(name) ? files.concept_maps
       : is_rows         ? files.row_models
                         : files.maps)
          .push_back(std::move(file));
    }
  }
  return files;
}

std::string VersionOf(const Files& files) {
  std::string all;
  for (const auto* list : {&files.maps, &files.concept_maps, &files.row_models}) {
    for (const MapFile& file : *list) {
      all += file.name + '\0' + file.text + '\0';
    }
  }
  return crypto::Hex(crypto::Sha256(all, files.messages.text));
}

Result<std::map<std::string, std::vector<std::string>, std::less<>>> ReadEvents(
    const MapFile& file, const Limits& limits) {
  std::map<std::string, std::vector<std::string>, std::less<>> events;
  const auto refused = [](std::string_view rule, const std::string& place) {
    return Error{Code::kInvalid, std::string(rule), std::string(kMessages) + place};
  };
  if (file.name.empty()) {
    return refused("the list of the events that are taken is not there", "");
  }
  auto json = Json::Parse(file.text, limits);
  if (!json) {
    return AtFile(file.name, json.error());
  }
  if (!json->is_object()) {
    return refused("the events are listed by the type of their message", ": $");
  }
  for (const auto& [type, list] : json->members()) {
    if (!list.is_array()) {
      return refused("the events of a type are a list", ": $." + type);
    }
    for (const Json& event : list.items()) {
      if (!event.is_string()) {
        return refused("an event is a code", ": $." + type);
      }
      events[type].push_back(event.text());
    }
  }
  return events;
}

// A message whose structure has no map would be refused when it comes.
Status CheckEvents(const std::map<std::string, std::vector<std::string>, std::less<>>& events,
                   const Plan& plan) {
  for (const auto& [type, list] : events) {
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string structure(hl7v2::ImpliedStructure(type, list[i]));
      if (!structure.empty() && !plan.Has(std::string(kMessageMaps) + structure)) {
        return Error{Code::kInvalid,
                     "there is no map for the structure of this event: " + structure,
                     std::string(kMessages) + ": $." + type + "[" + std::to_string(i) + "]"};
      }
    }
  }
  return {};
}

// A ConceptMap as a plain table, for feeds to override.
std::map<std::string, std::string> TableOf(const fhir::Resource& concept_map) {
  std::map<std::string, std::string> table;
  for (const fhir::Element* group = concept_map.root().first_child(); group != nullptr;
       group = group->next()) {
    for (const fhir::Element* element = group->first_child();
         group->name() == "group" && element != nullptr; element = element->next()) {
      if (element->name() == "element" && !element->TextAt("target.code").empty()) {
        table.emplace(element->TextAt("code"), element->TextAt("target.code"));
      }
    }
  }
  return table;
}

}  // namespace

Translator::Translator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Translator::Translator(Translator&&) noexcept = default;
Translator::~Translator() = default;

const std::string& Translator::version() const { return parts_->version; }

Result<Translator> Translator::Load(const std::string& mappings_directory,
                                    const std::string& profiles_directory,
                                    const fhir::Definitions& definitions,
                                    const TranslatorOptions& options) {
  GW_TRY(const Files files, ReadFiles(mappings_directory));
  GW_TRY(V2Model v2, V2Model::Load(profiles_directory + "/hl7v2", definitions));
  std::vector<RowModel> rows;
  for (const MapFile& file : files.row_models) {
    GW_TRY(RowModel model, ReadRowModel(file, definitions, options.limits));
    rows.push_back(std::move(model));
  }
  GW_TRY(auto events, ReadEvents(files.messages, options.limits));
  std::vector<fhir::Resource> concept_maps;
  std::map<std::string, std::map<std::string, std::string>> tables;
  for (const MapFile& file : files.concept_maps) {
    GW_TRY(fhir::Resource parsed, ReadConceptMap(file, definitions, options.limits));
    const std::string_view url = parsed.root().TextAt("url");
    if (url.starts_with(kCodes)) {
      tables[std::string(url.substr(kCodes.size()))] = TableOf(parsed);
    }
    concept_maps.push_back(std::move(parsed));
  }
  const auto find = [&v2, &rows](std::string_view url) { return FindModel(url, v2, rows); };
  GW_TRY(Plan plan, Plan::Compile(files.maps, find, concept_maps, definitions));
  GW_RETURN_IF_ERROR(CheckEvents(events, plan));
  TranslatorOptions own = options;
  if (own.hash_key.empty()) {
    own.hash_key = "caregate";
  }
  return Translator(std::unique_ptr<Parts>(
      new Parts{&definitions, std::move(own), std::move(v2), std::move(rows), std::move(events),
                std::move(tables), std::move(plan), VersionOf(files)}));
}

Feed Translator::Complete(Feed feed) const {
  for (const auto& [name, table] : parts_->tables) {
    feed.tables[name].insert(table.begin(), table.end());  // what stands there stays
  }
  feed.tables[std::string(kCompleted)];
  return feed;
}

}  // namespace gw::map
