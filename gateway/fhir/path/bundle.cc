#include <algorithm>

#include "gateway/fhir/path/bundle_internal.h"

namespace gw::fhir::path {
namespace {

// "Patient/1" of "https://example.org/fhir/Patient/1"; empty where the URL does not end in the type
// and id of the resource that it is of.
std::string_view RelativePart(std::string_view full_url, const Element& resource) {
  const std::string_view id = resource.TextAt("id");
  const std::string_view type = resource.type().name();
  if (id.empty() || full_url.size() < type.size() + id.size() + 1 || !full_url.ends_with(id)) {
    return {};
  }
  const std::string_view relative = full_url.substr(full_url.size() - type.size() - id.size() - 1);
  return relative.starts_with(type) && relative[type.size()] == '/' ? relative : std::string_view();
}

}  // namespace

const Element* NearestResource(const Element* element) {
  while (element != nullptr && !element->is_resource()) {
    element = element->parent();
  }
  return element;
}

const Element* RootResource(const Element* resource) {
  if (resource != nullptr && resource->definition() != nullptr &&
      resource->definition()->name == "contained") {
    return NearestResource(resource->parent());
  }
  return resource;
}

BundleIndex::BundleIndex(const Element& bundle) : bundle_(bundle) {
  for (const Element* entry = bundle.first_child(); entry != nullptr; entry = entry->next()) {
    const Element* resource = entry->name() == "entry" ? entry->Child("resource") : nullptr;
    if (resource != nullptr) {
      entries_.push_back({entry->TextAt("fullUrl"), resource});
    }
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.full_url < b.full_url; });
}

const Element* BundleIndex::Find(std::string_view base, std::string_view reference) const {
  const size_t history = reference.find("/_history/");
  const std::string_view version =
      history == std::string_view::npos ? std::string_view() : reference.substr(history + 10);
  reference = reference.substr(0, history);
  // Compares base + reference with a fullUrl, without making the text.
  const auto order = [base, reference](std::string_view full_url) {
    const int start = full_url.substr(0, base.size()).compare(base);
    return start != 0 ? start : full_url.substr(base.size()).compare(reference);
  };
  auto at = std::partition_point(entries_.begin(), entries_.end(),
                                 [&](const Entry& entry) { return order(entry.full_url) < 0; });
  for (; at != entries_.end() && order(at->full_url) == 0; ++at) {
    if (version.empty() || at->resource->TextAt("meta.versionId") == version) {
      return at->resource;
    }
  }
  return nullptr;
}

const Element* BundleIndex::Resolve(const Element& referrer, std::string_view reference) const {
  if (const Element* found = Find({}, reference)) {
    return found;
  }
  const Element* resource = RootResource(NearestResource(&referrer));
  if (reference.find(':') != std::string_view::npos || resource == nullptr ||
      resource->parent() == nullptr) {
    return nullptr;
  }
  const std::string_view full_url = resource->parent()->TextAt("fullUrl");
  const std::string_view relative = RelativePart(full_url, *resource);
  return relative.empty() ? nullptr
                          : Find(full_url.substr(0, full_url.size() - relative.size()), reference);
}

}  // namespace gw::fhir::path
