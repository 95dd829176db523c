#include <algorithm>
#include <set>
#include <utility>

#include "gateway/map/export/load_internal.h"

namespace gw::map {
namespace {

using fhir::Element;
using fhir::Resource;

constexpr std::string_view kBack = "urn:caregate:codes:back:";

// One ConceptMap read backwards.
class Reverser {
 public:
  Reverser(const Resource& forward, const fhir::Definitions& definitions)
      : forward_(forward), definitions_(definitions) {}

  Result<Resource> Run() {
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
      if (!seen_.insert(std::string(system) + "|" + std::string(target->TextAt("code"))).second) {
        continue;  // the first of the table stands
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
  std::set<std::string> seen_;  // FHIR codes, "system|code"
};

}  // namespace

Result<std::unique_ptr<Exporter::Parts>> LoadExporter(const std::string& mappings_directory,
                                                      const std::string& profiles_directory,
                                                      const fhir::Definitions& definitions,
                                                      const Limits& limits) {
  GW_TRY(const std::vector<std::string> names, NamesBelow(mappings_directory));
  GW_TRY(V2Model v2, V2Model::Load(profiles_directory + "/hl7v2", definitions));
  GW_TRY(V2Versions versions, V2Versions::Load(profiles_directory + "/hl7v2/versions.txt"));
  std::vector<MapFile> maps;
  std::vector<RowModel> rows;
  std::vector<Resource> concept_maps;
  std::vector<std::string> code_tables;
  for (const std::string& name : names) {
    const bool is_map = IsOutward(name) && IsMap(name);
    const bool is_rows = IsOutward(name) && name.ends_with("/rows.json");
    if (!is_map && !is_rows && !IsCodeTable(name)) {
      continue;
    }
    GW_TRY(MapFile file, ReadMapFile(mappings_directory, name));
    if (is_map) {
      maps.push_back(std::move(file));
    } else if (is_rows) {
      GW_TRY(RowModel model, ReadRowModel(file, definitions, limits));
      rows.push_back(std::move(model));
    } else {
      GW_TRY(const Resource forward, ReadConceptMap(file, definitions, limits));
      if (forward.root().TextAt("url").starts_with(kCodes)) {
        GW_TRY(Resource back, Reverser(forward, definitions).Run());
        code_tables.emplace_back(forward.root().TextAt("url").substr(kCodes.size()));
        concept_maps.push_back(std::move(back));
      }
    }
  }
  const auto find = [&v2, &rows](std::string_view url) { return FindModel(url, v2, rows); };
  GW_TRY(Plan plan, Plan::Compile(maps, find, concept_maps, definitions));
  return std::unique_ptr<Exporter::Parts>(
      new Exporter::Parts{&definitions, std::move(v2), std::move(versions), std::move(rows),
                          std::move(plan), std::move(code_tables)});
}

}  // namespace gw::map
