#include "gateway/fhir/package.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "gateway/fhir/package/compiled_internal.h"
#include "gateway/fhir/package/loaded_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kTypeUrl = "http://hl7.org/fhir/StructureDefinition/";

// What a resource of a package may hold; it was read with these bounds when it was loaded.
constexpr Limits kResourceLimits = {.body_bytes_max = 64u << 20,
                                    .json_depth_max = 128,
                                    .json_items_max = 1'000'000,
                                    .json_nodes_max = 10'000'000};

std::string Versioned(std::string_view url, std::string_view version) {
  std::string canonical(url);
  if (!version.empty()) {
    canonical += '|';
    canonical += version;
  }
  return canonical;
}

// The rows of one type; they stand together.
std::span<const compiled::ResourceRow> RowsOfType(const compiled::View& view,
                                                  std::string_view type) {
  const auto first = std::partition_point(
      view.resources.begin(), view.resources.end(),
      [&](const compiled::ResourceRow& row) { return view.TextAt(row.type) < type; });
  const auto last = std::partition_point(
      first, view.resources.end(),
      [&](const compiled::ResourceRow& row) { return view.TextAt(row.type) == type; });
  return {first, last};
}

const Profile* ProfileAt(const Packages::Loaded& loaded, Layer* layer, size_t place) {
  if (const Profile* made = layer->profiles[place].load(std::memory_order_acquire);
      made != nullptr) {
    return made;
  }
  const std::lock_guard lock(loaded.making);
  if (const Profile* made = layer->profiles[place].load(std::memory_order_relaxed);
      made != nullptr) {
    return made;
  }
  loaded.made.push_back(MakeProfile(layer->view, layer->view.profiles[place], *loaded.definitions));
  const Profile* made = &loaded.made.back()->profile;
  layer->profiles[place].store(made, std::memory_order_release);
  return made;
}

compiled::View MustOpen(std::string_view bytes) {
  const std::optional<compiled::View> view = compiled::Open(bytes);
  assert(view && "the caller opened these bytes before, or the build made them");
  return view.value_or(compiled::View{});
}

}  // namespace

Layer::Layer(std::string own_bytes)
    : bytes(std::move(own_bytes)), view(MustOpen(bytes)), profiles(view.profiles.size()) {}

Layer::Layer(const compiled::View& constant) : view(constant), profiles(constant.profiles.size()) {}

Packages::Packages(std::unique_ptr<Loaded> loaded) : loaded_(std::move(loaded)) {}
Packages::~Packages() = default;
Packages::Packages(Packages&&) noexcept = default;

Packages Packages::R4(const Definitions& definitions) {
  auto loaded = std::make_unique<Loaded>();
  loaded->definitions = &definitions;
  loaded->layers.push_back(std::make_unique<Layer>(MustOpen(compiled::R4Bytes())));
  return Packages(std::move(loaded));
}

const Profile* Packages::FindProfile(std::string_view canonical) const {
  for (const auto& layer : loaded_->layers) {
    const auto rows = layer->view.profiles;
    if (const auto* row = compiled::FindCanonical(layer->view, rows, canonical); row != nullptr) {
      return ProfileAt(*loaded_, layer.get(), static_cast<size_t>(row - rows.data()));
    }
  }
  return nullptr;
}

const Profile* Packages::ProfileOfType(std::string_view type_name) const {
  return FindProfile(std::string(kTypeUrl) += type_name);
}

std::vector<std::string> Packages::PackageProfiles() const {
  return CanonicalsOf("StructureDefinition");
}

Result<Resource> Packages::Read(std::string_view type, std::string_view canonical) const {
  for (const auto& layer : loaded_->layers) {
    const auto* row =
        compiled::FindCanonical(layer->view, RowsOfType(layer->view, type), canonical);
    if (row != nullptr) {
      return ParseJson(layer->view.TextAt(row->json), *loaded_->definitions, kResourceLimits);
    }
  }
  return Error{Code::kNotFound, "no package holds it",
               std::string(type) + " " + std::string(canonical)};
}

std::vector<std::string> Packages::CanonicalsOf(std::string_view type) const {
  std::vector<std::string> canonicals;
  for (const auto& layer : loaded_->layers) {
    for (const compiled::ResourceRow& row : RowsOfType(layer->view, type)) {
      canonicals.push_back(Versioned(layer->view.TextAt(row.url), layer->view.TextAt(row.version)));
    }
  }
  std::sort(canonicals.begin(), canonicals.end());
  return canonicals;
}

std::span<const PackageSearch> Packages::searches() const { return loaded_->searches; }

std::span<const std::string_view> Packages::names() const { return loaded_->names; }

}  // namespace gw::fhir
