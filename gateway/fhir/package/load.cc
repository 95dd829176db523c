#include <utility>

#include "gateway/fhir/package/cache_internal.h"
#include "gateway/fhir/package/compile_internal.h"
#include "gateway/fhir/package/loaded_internal.h"

namespace gw::fhir {
namespace {

// The search parameters of a layer as the search engine knows them.
void ReadSearches(const compiled::View& view, Packages::Loaded* out) {
  for (const compiled::SearchRow& row : view.searches) {
    auto targets = std::make_unique<std::vector<std::string_view>>();
    for (const uint32_t text : view.List(row.targets)) {
      targets->push_back(view.TextAt(text));
    }
    out->searches.push_back(
        {view.TextAt(row.url),
         {view.TextAt(row.code), view.TextAt(row.base), view.TextAt(row.expression),
          static_cast<SearchKind>(row.kind), *targets}});
    out->targets.push_back(std::move(targets));
  }
}

}  // namespace

Result<Packages> Packages::Load(const PackageSources& sources, const Definitions& definitions) {
  Packages loaded = R4(definitions);
  if (sources.paths.empty()) {
    return loaded;
  }
  std::vector<PackageBytes> packages;
  for (const std::string& path : sources.paths) {
    GW_TRY(PackageBytes package, ReadPackageBytes(path, sources.limits));
    packages.push_back(std::move(package));
  }
  const std::string name = sources.cache.empty() ? std::string() : CacheName(packages);
  std::optional<std::string> bytes;
  if (!name.empty()) {
    bytes = ReadCache(sources.cache, name);
  }
  if (!bytes) {
    GW_TRY(bytes, CompilePackages(std::move(packages), sources.limits, definitions));
    if (!name.empty()) {
      WriteCache(sources.cache, name, *bytes);
    }
  }
  auto layer = std::make_unique<Layer>(*std::move(bytes));
  for (const compiled::Text package : layer->view.packages) {
    loaded.loaded_->names.push_back(layer->view.TextAt(package));
  }
  ReadSearches(layer->view, loaded.loaded_.get());
  loaded.loaded_->layers.push_back(std::move(layer));
  return loaded;
}

}  // namespace gw::fhir
