#include <algorithm>
#include <cstddef>

#include "gateway/fhir/written_internal.h"

namespace gw::fhir {

bool HasContent(const Element& element) {
  if (element.is_null()) {
    return false;
  }
  if (element.has_text() || element.is_resource()) {
    return true;
  }
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    if (HasContent(*child)) {
      return true;
    }
  }
  return false;
}

void AppendWritten(const Element& element, std::vector<const Element*>* out) {
  const size_t begin = out->size();
  bool is_ordered = true;
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    if (!HasContent(*child)) {
      continue;
    }
    is_ordered =
        is_ordered && (out->size() == begin || out->back()->definition() <= child->definition());
    out->push_back(child);
  }
  // The elements of a type stand side by side, so the order of their addresses is the definition's.
  if (!is_ordered) {
    std::stable_sort(
        out->begin() + static_cast<std::ptrdiff_t>(begin), out->end(),
        [](const Element* a, const Element* b) { return a->definition() < b->definition(); });
  }
}

}  // namespace gw::fhir
