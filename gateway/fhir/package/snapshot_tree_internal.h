#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/package/structure_internal.h"

namespace gw::fhir {

// A snapshot as a tree. Paths and ids of the elements in it are stale: FlatOf makes them anew.
struct ElementNode {
  ElementDraft element;
  std::string name;                   // the last part of the path: "value[x]"
  std::vector<ElementNode> children;  // without slices
  std::vector<ElementNode> slices;    // of this element, or reslices of this slice
  // Of "value[x]" once a differential said "valueQuantity": the types before it did.
  std::vector<TypeDraft> types_before;
};

// The tree of the element at `place` and what stands under it. Precondition: place is in
// `elements`.
ElementNode TreeOf(const std::vector<ElementDraft>& elements, size_t place);

// The snapshot in its order: an element, its children, its slices.
std::vector<ElementDraft> FlatOf(const ElementNode& root);

ElementNode* ChildOf(ElementNode* node, std::string_view name);

// One part of a differential's path.
struct PathStep {
  std::string name;
  std::string slice;
};

// The way to the element that a differential's element means: from its id where it has a fitting
// one, else from its path and slice name and the way to the element before it.
std::vector<PathStep> StepsOf(const ElementDraft& element, const std::vector<PathStep>& previous);

}  // namespace gw::fhir
