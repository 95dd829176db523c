#include <algorithm>
#include <utility>

#include "gateway/fhir/package/snapshot_tree_internal.h"

namespace gw::fhir {
namespace {

size_t DepthOf(const ElementDraft& element) {
  return static_cast<size_t>(std::count(element.path.begin(), element.path.end(), '.'));
}

// Puts a slice under what it slices: "a/b" is a slice of the slice "a".
void Attach(ElementNode node, std::vector<ElementNode>* siblings) {
  std::vector<ElementNode>* place = siblings;
  if (!node.element.slice_name.empty()) {
    const auto sliced = std::find_if(siblings->rbegin(), siblings->rend(),
                                     [&node](const auto& item) { return item.name == node.name; });
    if (sliced != siblings->rend()) {
      place = &sliced->slices;
    }
    const std::string& name = node.element.slice_name;
    for (size_t slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
      const auto outer = std::find_if(place->begin(), place->end(), [&](const auto& item) {
        return item.element.slice_name == name.substr(0, slash);
      });
      place = outer == place->end() ? place : &outer->slices;
    }
  }
  place->push_back(std::move(node));
}

ElementNode ReadNode(const std::vector<ElementDraft>& elements, size_t* place) {
  ElementNode node;
  node.element = elements[*place];
  node.name = node.element.path.substr(node.element.path.rfind('.') + 1);
  const size_t depth = DepthOf(node.element);
  ++*place;
  while (*place < elements.size() && DepthOf(elements[*place]) > depth) {
    Attach(ReadNode(elements, place), &node.children);
  }
  return node;
}

void Flatten(const ElementNode& node, const std::string& path, const std::string& id,
             std::vector<ElementDraft>* out) {
  out->push_back(node.element);
  out->back().path = path;
  out->back().id = id;
  for (const ElementNode& child : node.children) {
    const std::string child_path = path + "." + child.name;
    const std::string child_id = id + "." + child.name;
    Flatten(child, child_path, child_id, out);
  }
  // Slices stand beside the element; a reslice's name holds that of its slice.
  const std::string sliced = id.substr(0, id.rfind('.') + 1) + node.name;
  for (const ElementNode& slice : node.slices) {
    Flatten(slice, path, sliced + ":" + slice.element.slice_name, out);
  }
}

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.', start)) {
    parts.emplace_back(text.substr(start, dot - start));
    start = dot + 1;
  }
  parts.emplace_back(text.substr(start));
  return parts;
}

// "value[x]" and "valueQuantity" may stand for each other in ids.
bool IsSameName(std::string_view path_part, std::string_view id_part) {
  const auto is_choice_of = [](std::string_view choice, std::string_view other) {
    return choice.ends_with("[x]") && other.starts_with(choice.substr(0, choice.size() - 3));
  };
  return path_part == id_part || is_choice_of(path_part, id_part) ||
         is_choice_of(id_part, path_part);
}

}  // namespace

ElementNode TreeOf(const std::vector<ElementDraft>& elements, size_t place) {
  return ReadNode(elements, &place);
}

std::vector<ElementDraft> FlatOf(const ElementNode& root) {
  std::vector<ElementDraft> elements;
  Flatten(root, root.name, root.name, &elements);
  return elements;
}

ElementNode* ChildOf(ElementNode* node, std::string_view name) {
  const auto found = std::find_if(node->children.begin(), node->children.end(),
                                  [name](const ElementNode& item) { return item.name == name; });
  return found == node->children.end() ? nullptr : &*found;
}

std::vector<PathStep> StepsOf(const ElementDraft& element, const std::vector<PathStep>& previous) {
  const std::vector<std::string> names = Split(element.path);
  const std::vector<std::string> id_parts = Split(element.id);
  std::vector<PathStep> steps;
  bool is_id_fitting = element.id != element.path && id_parts.size() == names.size();
  for (size_t index = 0; index < names.size() && is_id_fitting; ++index) {
    const std::string& part = id_parts[index];
    const size_t colon = part.find(':');
    is_id_fitting = IsSameName(names[index], std::string_view(part).substr(0, colon));
    steps.push_back({names[index], colon == std::string::npos ? "" : part.substr(colon + 1)});
  }
  if (!is_id_fitting) {
    steps.clear();
    bool is_shared = true;
    for (size_t index = 0; index < names.size(); ++index) {
      is_shared = is_shared && index < previous.size() && previous[index].name == names[index];
      const bool is_last = index + 1 == names.size();
      steps.push_back({names[index], is_shared && !is_last ? previous[index].slice : ""});
    }
  }
  if (steps.back().slice.empty()) {
    steps.back().slice = element.slice_name;
  }
  return steps;
}

}  // namespace gw::fhir
