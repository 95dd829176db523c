#include <algorithm>
#include <set>
#include <utility>

#include "gateway/map/fml/names_internal.h"
#include "gateway/map/fml/structure_map.h"
#include "gateway/map/plan/library_internal.h"

namespace gw::map {
namespace {

// "Patient" of http://hl7.org/fhir/StructureDefinition/Patient, with or without a version of R4.
std::string_view TypeOfUrl(std::string_view url) {
  for (const std::string_view prefix :
       {"http://hl7.org/fhir/StructureDefinition/", "http://hl7.org/fhir/4.0/StructureDefinition/",
        "http://hl7.org/fhir/4.0.1/StructureDefinition/"}) {
    if (url.starts_with(prefix)) {
      return url.substr(prefix.size());
    }
  }
  return {};
}

// The types of a model that `type` is made of, itself included.
void CollectParts(const fhir::TypeDef& type,
                  std::map<std::string, const fhir::TypeDef*, std::less<>>* parts) {
  std::vector<const fhir::TypeDef*> open = {&type};
  while (!open.empty()) {
    const fhir::TypeDef* next = open.back();
    open.pop_back();
    if (next->kind() != fhir::Kind::kModel ||
        !parts->emplace(std::string(next->name()), next).second) {
      continue;
    }
    for (const fhir::ElementDef& element : next->elements()) {
      open.insert(open.end(), element.types.begin(), element.types.end());
    }
  }
}

// What the maps of one level import and nobody has seen yet.
std::vector<uint32_t> NextLevel(const std::vector<uint32_t>& level,
                                const std::vector<std::vector<uint32_t>>& imports,
                                std::vector<bool>* seen) {
  std::vector<uint32_t> next;
  for (const uint32_t at : level) {
    for (const uint32_t imported : imports[at]) {
      if (!(*seen)[imported]) {
        (*seen)[imported] = true;
        next.push_back(imported);
      }
    }
  }
  return next;
}

}  // namespace

Result<Library> Library::Make(std::span<const MapFile> files, const FindSource& find_source,
                              const fhir::Definitions& definitions) {
  Library library(find_source, definitions);
  GW_RETURN_IF_ERROR(library.ReadFiles(files));
  for (uint32_t map = 0; map < library.size(); ++map) {
    GW_RETURN_IF_ERROR(library.CheckGroups(map));
    GW_RETURN_IF_ERROR(library.ReadUses(map));
  }
  GW_RETURN_IF_ERROR(library.ReadImports());
  GW_RETURN_IF_ERROR(library.ReadDefaultGroups());
  return library;
}

Error Library::Fail(uint32_t map, FmlPlace place, std::string detail) const {
  return Error{.code = Code::kInvalid,
               .detail = std::move(detail),
               .where = FmlWhere(maps_[map]->text.file, place)};
}

Status Library::ReadFiles(std::span<const MapFile> files) {
  std::map<std::string, std::string> urls;
  for (const MapFile& file : files) {
    auto map = std::make_unique<Map>();
    GW_TRY(map->text, ReadMap(file.name, file.text, *definitions_, Limits()));
    maps_.push_back(std::move(map));
    const FmlMap& text = maps_.back()->text;
    const auto [other, is_new] = urls.emplace(text.url, text.file);
    if (!is_new) {
      return Fail(size() - 1, text.place, "this url is the url of " + other->second + " already");
    }
  }
  return {};
}

Status Library::CheckGroups(uint32_t map) const {
  std::set<std::string_view> names;
  for (const FmlGroup& group : maps_[map]->text.groups) {
    if (!names.insert(group.name).second) {
      return Fail(map, group.place, "a group '" + group.name + "' stands in this map already");
    }
  }
  return {};
}

Status Library::ReadUses(uint32_t map) {
  for (const FmlUse& use : maps_[map]->text.uses) {
    const fhir::TypeDef* type = (*find_source_)(use.url);
    if (type == nullptr) {
      type = definitions_->Find(TypeOfUrl(std::string_view(use.url).substr(0, use.url.find('|'))));
    }
    if (type == nullptr) {
      return Fail(map, use.place, "there is no structure with the url '" + use.url + "'");
    }
    maps_[map]->structures.push_back(type);
    CollectParts(*type, &maps_[map]->parts);
  }
  return {};
}

Result<std::vector<uint32_t>> Library::Imports(uint32_t map) const {
  std::vector<uint32_t> found;
  for (const FmlImport& import : maps_[map]->text.imports) {
    bool any = false;
    for (uint32_t other = 0; other < size(); ++other) {
      if (UrlFits(import.url, maps_[other]->text.url)) {
        any = true;
        found.push_back(other);
      }
    }
    if (!any) {
      return Fail(map, import.place, "there is no map with the url '" + import.url + "'");
    }
  }
  return found;
}

Status Library::ReadImports() {
  std::vector<std::vector<uint32_t>> imports;
  for (uint32_t map = 0; map < size(); ++map) {
    GW_TRY(std::vector<uint32_t> found, Imports(map));
    imports.push_back(std::move(found));
  }
  for (uint32_t map = 0; map < size(); ++map) {
    std::vector<bool> seen(size(), false);
    seen[map] = true;
    std::vector<uint32_t> level = {map};
    while (!level.empty()) {
      maps_[map]->visible.push_back(level);
      level = NextLevel(level, imports, &seen);
    }
  }
  return {};
}

Status Library::ReadDefaultGroups() {
  for (uint32_t map = 0; map < size(); ++map) {
    for (const FmlGroup& group : maps_[map]->text.groups) {
      if (group.type_mode == FmlGroup::TypeMode::kNone) {
        continue;
      }
      const std::vector<FmlInput>& inputs = group.inputs;
      if (inputs.size() != 2 || inputs[0].is_target || !inputs[1].is_target ||
          inputs[0].type.empty() || inputs[1].type.empty()) {
        return Fail(map, group.place,
                    "a group for types takes one source and one target, each with its type");
      }
      DefaultGroup entry;
      entry.ref = {map, &group};
      GW_TRY(entry.source, TypeNamed(map, inputs[0].type, inputs[0].type_place));
      GW_TRY(entry.target, TypeNamed(map, inputs[1].type, inputs[1].type_place));
      entry.for_source_type = group.type_mode == FmlGroup::TypeMode::kTypeAndTypes;
      default_groups_.push_back(entry);
    }
  }
  return {};
}

Result<const fhir::TypeDef*> Library::TypeNamed(uint32_t map, std::string_view name,
                                                FmlPlace place) const {
  const Map& here = *maps_[map];
  for (size_t i = 0; i < here.structures.size(); ++i) {
    if (here.text.uses[i].alias == name || here.structures[i]->name() == name) {
      return here.structures[i];
    }
  }
  if (const auto part = here.parts.find(name); part != here.parts.end()) {
    return part->second;
  }
  if (const fhir::TypeDef* type = definitions_->Find(name); type != nullptr) {
    return type;
  }
  if (const fhir::TypeDef* type = (*find_source_)(name); type != nullptr) {
    return type;
  }
  if (const fhir::TypeDef* type = definitions_->Find(TypeOfUrl(name)); type != nullptr) {
    return type;
  }
  const fhir::TypeDef* found = nullptr;
  for (const auto& other : maps_) {
    const auto part = other->parts.find(name);
    if (part == other->parts.end() || part->second == found) {
      continue;
    }
    if (found != nullptr) {
      return Fail(map, place,
                  "the type '" + std::string(name) +
                      "' means several things: declare the one with 'uses ... alias'");
    }
    found = part->second;
  }
  if (found == nullptr) {
    return Fail(map, place,
                "there is no type '" + std::string(name) +
                    "': expected the alias of a 'uses', or a type of its structures or of R4");
  }
  return found;
}

const fhir::TypeDef* Library::OnlyStructure(uint32_t map, bool target) const {
  const Map& here = *maps_[map];
  const fhir::TypeDef* found = nullptr;
  for (size_t i = 0; i < here.structures.size(); ++i) {
    const FmlUse::Mode mode = here.text.uses[i].mode;
    if (mode == (target ? FmlUse::Mode::kTarget : FmlUse::Mode::kSource)) {
      if (found != nullptr) {
        return nullptr;
      }
      found = here.structures[i];
    }
  }
  return found;
}

Result<Library::GroupRef> Library::GroupNamed(uint32_t map, std::string_view name,
                                              FmlPlace place) const {
  for (const std::vector<uint32_t>& level : maps_[map]->visible) {
    GroupRef found;
    for (const uint32_t at : level) {
      const std::vector<FmlGroup>& groups = maps_[at]->text.groups;
      const auto group = std::find_if(groups.begin(), groups.end(),
                                      [name](const FmlGroup& g) { return g.name == name; });
      if (group == groups.end()) {
        continue;
      }
      if (found.group != nullptr) {
        return Fail(map, place,
                    "the group '" + std::string(name) + "' stands in " +
                        maps_[found.map]->text.file + " and in " + maps_[at]->text.file);
      }
      found = {at, &*group};
    }
    if (found.group != nullptr) {
      return found;
    }
  }
  return Fail(map, place,
              "there is no group '" + std::string(name) + "' here or in an imported map");
}

std::vector<const Library::DefaultGroup*> Library::DefaultGroups(uint32_t map) const {
  std::vector<const DefaultGroup*> found;
  for (const std::vector<uint32_t>& level : maps_[map]->visible) {
    for (const DefaultGroup& entry : default_groups_) {
      if (std::find(level.begin(), level.end(), entry.ref.map) != level.end()) {
        found.push_back(&entry);
      }
    }
  }
  return found;
}

}  // namespace gw::map
