#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/map/fml/fml.h"
#include "gateway/map/plan/plan.h"

namespace gw::map {

// The maps of one plan as text trees, and the names in them: types by alias, groups through
// imports, default groups by type. Not thread-safe; lives while the plan is compiled.
class Library {
 public:
  using FindSource = std::function<const fhir::TypeDef*(std::string_view url)>;

  struct GroupRef {
    uint32_t map = 0;
    const FmlGroup* group = nullptr;
  };
  // A group marked <<types>> or <<type+>>.
  struct DefaultGroup {
    GroupRef ref;
    const fhir::TypeDef* source = nullptr;
    const fhir::TypeDef* target = nullptr;
    bool for_source_type = false;  // <<type+>>
  };

  // Errors: kInvalid, where = "file:line:column".
  static Result<Library> Make(std::span<const MapFile> files, const FindSource& find_source,
                              const fhir::Definitions& definitions);

  uint32_t size() const { return static_cast<uint32_t>(maps_.size()); }
  const FmlMap& map(uint32_t index) const { return maps_[index]->text; }
  Error Fail(uint32_t map, FmlPlace place, std::string detail) const;

  // The type that a name means in a map: an alias, a used structure, a type such a structure is
  // made of, a type of R4.
  Result<const fhir::TypeDef*> TypeNamed(uint32_t map, std::string_view name, FmlPlace place) const;
  // The only structure that the map declares as source, or as target; null if there is not one.
  const fhir::TypeDef* OnlyStructure(uint32_t map, bool target) const;
  // The group of that name: of the map itself, else of what it imports, nearest first.
  Result<GroupRef> GroupNamed(uint32_t map, std::string_view name, FmlPlace place) const;
  // The default groups that a map sees, nearest first.
  std::vector<const DefaultGroup*> DefaultGroups(uint32_t map) const;

 private:
  struct Map {
    FmlMap text;
    std::vector<const fhir::TypeDef*> structures;  // of text.uses
    std::map<std::string, const fhir::TypeDef*, std::less<>> parts;
    std::vector<std::vector<uint32_t>> visible;  // maps by distance; the first is itself
  };

  explicit Library(const FindSource& find_source, const fhir::Definitions& definitions)
      : find_source_(&find_source), definitions_(&definitions) {}
  Status ReadFiles(std::span<const MapFile> files);
  Status CheckGroups(uint32_t map) const;
  Status ReadUses(uint32_t map);
  Result<std::vector<uint32_t>> Imports(uint32_t map) const;
  Status ReadImports();
  Status ReadDefaultGroups();

  const FindSource* find_source_;
  const fhir::Definitions* definitions_;
  std::vector<std::unique_ptr<Map>> maps_;
  std::vector<DefaultGroup> default_groups_;
};

}  // namespace gw::map
