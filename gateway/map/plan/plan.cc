#include "gateway/map/plan/plan.h"

#include <utility>

#include "gateway/map/plan/compiler_internal.h"
#include "gateway/map/plan/library_internal.h"
#include "gateway/map/plan/run_internal.h"
#include "gateway/map/plan/types_internal.h"
#include "gateway/map/v2/model.h"

namespace gw::map {

struct Plan::Parts {
  std::unique_ptr<Program> program;
};

Plan::Plan(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
Plan::~Plan() = default;

Result<Plan> Plan::Compile(
    std::span<const MapFile> files,
    const std::function<const fhir::TypeDef*(std::string_view url)>& find_source,
    std::span<const fhir::Resource> concept_maps, const fhir::Definitions& definitions,
    const CompileOptions& options) {
  GW_TRY(const Library library, Library::Make(files, find_source, definitions));
  Compiler compiler(library, definitions, options);
  auto parts = std::make_unique<Parts>();
  GW_TRY(parts->program, compiler.Compile(concept_maps));
  return Plan(std::move(parts));
}

bool Plan::Has(std::string_view map_url) const {
  return parts_->program->entries.find(map_url) != parts_->program->entries.end();
}

std::span<const FeedTable> Plan::feed_tables() const { return parts_->program->feed_tables; }

const fhir::TypeDef* Plan::SourceOf(std::string_view map_url) const {
  const auto entry = parts_->program->entries.find(map_url);
  return entry == parts_->program->entries.end() ? nullptr : entry->second.source;
}

Result<Mapped> Plan::Run(std::string_view map_url, const fhir::Element& source,
                         const RunOptions& options) const {
  const auto entry = parts_->program->entries.find(map_url);
  if (entry == parts_->program->entries.end()) {
    return Error{.code = Code::kNotFound,
                 .detail = "there is no map with this url that can be run",
                 .where = std::string(map_url)};
  }
  if (!IsA(source.type(), *entry->second.source)) {
    return Error{.code = Code::kInvalid,
                 .detail = "the map takes " + std::string(entry->second.source->name()) + ", not " +
                           std::string(source.type().name()),
                 .where = PlaceOf(source)};
  }
  return Runner(*parts_->program, options).Run(entry->second, source);
}

}  // namespace gw::map
