#include <algorithm>

#include "gateway/validate/references_internal.h"

namespace gw::validate {
namespace {

// Takes the last segment of a path off its end.
std::string_view TakeLastSegment(std::string_view* path) {
  const size_t slash = path->rfind('/');
  const std::string_view segment = path->substr(slash == std::string_view::npos ? 0 : slash + 1);
  path->remove_suffix(path->size() - (slash == std::string_view::npos ? 0 : slash));
  return segment;
}

}  // namespace

std::string_view TypeInReference(std::string_view reference, const fhir::Definitions& definitions) {
  if (reference.empty() || reference.front() == '#' || reference.starts_with("urn:")) {
    return {};
  }
  std::string_view path = reference;
  if (const size_t query = path.find('?'); query != std::string_view::npos) {
    // A conditional reference: Patient?identifier=...
    path = path.substr(0, query);
  } else if (TakeLastSegment(&path).empty() || path.empty()) {
    return {};
  }
  std::string_view type = TakeLastSegment(&path);
  if (type == "_history") {
    TakeLastSegment(&path);
    type = TakeLastSegment(&path);
  }
  const fhir::TypeDef* definition = definitions.Find(type);
  return definition != nullptr && definition->kind() == fhir::Kind::kResource ? type
                                                                              : std::string_view();
}

std::string_view UrnTypes::Find(std::string_view urn) {
  if (!is_built_) {
    is_built_ = true;
    for (const fhir::Element* entry = root_.first_child(); entry != nullptr;
         entry = entry->next()) {
      const fhir::Element* resource = entry->name() == "entry" ? entry->Child("resource") : nullptr;
      if (resource != nullptr) {
        types_.emplace_back(entry->TextAt("fullUrl"), resource->type().name());
      }
    }
    std::stable_sort(types_.begin(), types_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  const auto found = std::lower_bound(
      types_.begin(), types_.end(), urn,
      [](const auto& entry, std::string_view sought) { return entry.first < sought; });
  return found != types_.end() && found->first == urn ? found->second : std::string_view();
}

}  // namespace gw::validate
