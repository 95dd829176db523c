#include <algorithm>
#include <utility>

#include "gateway/fhir/package/snapshot_internal.h"
#include "gateway/fhir/package/snapshot_merge_internal.h"
#include "gateway/fhir/package/snapshot_tree_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kTypeUrl = "http://hl7.org/fhir/StructureDefinition/";
constexpr int kBasesMax = 16;  // types of R4 derive in at most five steps

std::string UrlOfType(const std::string& code) {
  return code.find(':') == std::string::npos ? std::string(kTypeUrl) + code : code;
}

std::string WithUpperInitial(const std::string& code) {
  std::string text = code;
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

bool IsPrimitive(const std::string& code) {
  return !code.empty() && code[0] >= 'a' && code[0] <= 'z' && code.find(':') == std::string::npos;
}

// Which of the types of "value[x]" is meant by "valueQuantity"; null: none.
const TypeDraft* ChoiceType(const ElementNode& choice, std::string_view name) {
  const std::vector<TypeDraft>& types =
      choice.types_before.empty() ? choice.element.types : choice.types_before;
  if (!choice.name.ends_with("[x]") ||
      !name.starts_with(std::string_view(choice.name).substr(0, choice.name.size() - 3))) {
    return nullptr;
  }
  const std::string_view suffix = name.substr(choice.name.size() - 3);
  const auto found = std::find_if(types.begin(), types.end(), [suffix](const TypeDraft& type) {
    return WithUpperInitial(type.code) == suffix;
  });
  return found == types.end() ? nullptr : &*found;
}

// "valueQuantity" for an element that nobody slices leaves that type alone: the slicing is closed.
// Another such name in the same differential adds its type.
void NarrowChoice(ElementNode* choice, const TypeDraft& type) {
  const TypeDraft kept = type;
  if (!choice->element.slicing) {
    choice->types_before = std::exchange(choice->element.types, {});
    choice->element.slicing =
        SlicingDraft{SlicingRules::kClosed, false, {{DiscriminatorKind::kType, "$this"}}};
  }
  const bool is_there = std::any_of(choice->element.types.begin(), choice->element.types.end(),
                                    [&kept](const auto& item) { return item.code == kept.code; });
  if (!choice->types_before.empty() && !is_there) {
    choice->element.types.push_back(kept);
  }
}

size_t CountOf(const std::vector<ElementNode>& nodes) {
  size_t count = nodes.size();
  for (const ElementNode& node : nodes) {
    count += CountOf(node.children) + CountOf(node.slices);
  }
  return count;
}

// Some name an element that cannot repeat as if it were a slice: the name says nothing.
bool IsOnlyNamed(const ElementNode& node) {
  return !node.element.slicing && !node.name.ends_with("[x]") && node.slices.empty() &&
         node.element.base_max.value_or(kMany) <= 1;
}

class SnapshotMaker final : public TypeOrder {
 public:
  SnapshotMaker(StructureDraft* structure, uint32_t elements_max, StructureSource* source)
      : structure_(*structure), elements_max_(elements_max), source_(*source) {}

  Status Make() {
    GW_RETURN_IF_ERROR(TakeBase());
    std::vector<PathStep> previous;
    for (const ElementDraft& element : structure_.differential) {
      std::vector<PathStep> steps = StepsOf(element, previous);
      if (Status status = Apply(element, steps); !status) {
        return At(element.id, std::move(status).error());
      }
      previous = std::move(steps);
    }
    GW_RETURN_IF_ERROR(CheckSlices(root_));
    structure_.elements = FlatOf(root_);
    structure_.differential.clear();
    return {};
  }

 private:
  Error At(const std::string& element, Error error) const {
    if (error.where.empty()) {
      error.where = structure_.url + ": " + element;
    }
    return error;
  }

  Status TakeBase() {
    GW_TRY(base_, source_.Find(structure_.base));
    std::string root_name;
    if (!structure_.differential.empty()) {
      const std::string& path = structure_.differential.front().path;
      root_name = path.substr(0, path.find('.'));
    }
    if (base_ == nullptr || base_->elements.empty()) {
      // R5's root of logical models; R4 lacks it.
      if (!structure_.is_logical || structure_.base != std::string(kTypeUrl) + "Base") {
        return At("baseDefinition",
                  {Code::kInvalid, "the base definition is not held: " + structure_.base, {}});
      }
    } else {
      root_ = TreeOf(base_->elements, 0);
    }
    if (Status status = Count(CountOf(root_.children) + 1); !status) {
      return At("baseDefinition", std::move(status).error());
    }
    if (structure_.is_constraint && !root_name.empty() && root_name != root_.name) {
      return At(root_name, {Code::kInvalid, "the paths do not begin with the base's type", {}});
    }
    root_.name = root_name.empty() ? root_.name : root_name;
    return {};
  }

  // Counts elements as they come into the tree.
  Status Count(size_t added) {
    elements_ += added;
    return elements_ <= elements_max_
               ? Status()
               : Status(Error{Code::kTooLarge, "the snapshot has too many elements", {}});
  }

  Status Apply(const ElementDraft& element, const std::vector<PathStep>& steps) {
    if (steps.front().name != root_.name) {
      return Error{Code::kInvalid, "the paths of a differential begin alike", {}};
    }
    ElementNode* node = &root_;
    for (size_t index = 1; index < steps.size(); ++index) {
      GW_TRY(node, Enter(node, steps[index], index + 1 == steps.size()));
    }
    GW_RETURN_IF_ERROR(MergeElement(element, this, &node->element));
    return {};
  }

  // The child or slice that a step leads to, made where it is new.
  Result<ElementNode*> Enter(ElementNode* node, const PathStep& step, bool is_last) {
    GW_RETURN_IF_ERROR(Unfold(node));
    if (ElementNode* child = ChildOf(node, step.name); child != nullptr) {
      return step.slice.empty() || IsOnlyNamed(*child) ? child : SliceOf(child, step.slice);
    }
    for (ElementNode& child : node->children) {
      if (const TypeDraft* type = ChoiceType(child, step.name); type != nullptr) {
        NarrowChoice(&child, *type);
        return SliceOf(&child, step.slice.empty() ? step.name : step.slice);
      }
    }
    if (structure_.is_constraint || !is_last) {
      return Error{Code::kInvalid, "the base has no such element: " + step.name, {}};
    }
    GW_RETURN_IF_ERROR(Count(1));
    ElementNode added;
    added.name = step.name;
    node->children.push_back(std::move(added));
    return &node->children.back();
  }

  // Gives a node the children of its type, profile or content reference, unless it has its own.
  Status Unfold(ElementNode* node) {
    if (!node->children.empty()) {
      return {};
    }
    if (!node->element.content_reference.empty()) {
      return UnfoldReference(node);
    }
    const std::vector<TypeDraft>& types = node->element.types;
    const bool is_one = types.size() == 1;
    std::string url = UrlOfType(is_one ? types.front().code : "Element");
    const StructureDraft* structure = nullptr;
    if (is_one && types.front().profiles.size() == 1) {
      GW_TRY(structure, source_.Find(types.front().profiles.front()));
    }
    if (structure == nullptr) {
      GW_TRY(structure, source_.Find(url));
    }
    if (structure == nullptr || structure->elements.empty()) {
      return Error{Code::kInvalid, "the type is not held: " + url, {}};
    }
    node->children = TreeOf(structure->elements, 0).children;
    if (is_one && IsPrimitive(types.front().code)) {  // its value is the text of the node
      std::erase_if(node->children, [](const ElementNode& item) { return item.name == "value"; });
    }
    return Count(CountOf(node->children));
  }

  Status UnfoldReference(ElementNode* node) {
    const std::string path = std::exchange(node->element.content_reference, {});
    const StructureDraft* holder = base_;
    const auto is_meant = [&path](const ElementDraft& element) {
      return element.path == path && element.slice_name.empty();
    };
    auto found = holder == nullptr
                     ? std::vector<ElementDraft>::const_iterator()
                     : std::find_if(holder->elements.begin(), holder->elements.end(), is_meant);
    if (holder == nullptr || found == holder->elements.end()) {
      GW_TRY(holder, source_.Find(UrlOfType(path.substr(0, path.find('.')))));
      if (holder != nullptr) {
        found = std::find_if(holder->elements.begin(), holder->elements.end(), is_meant);
      }
      if (holder == nullptr || found == holder->elements.end()) {
        return Error{Code::kInvalid, "the content reference leads nowhere: " + path, {}};
      }
    }
    ElementNode target =
        TreeOf(holder->elements, static_cast<size_t>(found - holder->elements.begin()));
    node->children = std::move(target.children);
    node->element.types = std::move(target.element.types);
    AddConstraints(target.element.constraints, &node->element.constraints);
    return Count(CountOf(node->children));
  }

  // The slice of that name; "a/b" is the slice b of the slice a.
  Result<ElementNode*> SliceOf(ElementNode* sliced, const std::string& name) {
    ElementNode* current = sliced;
    for (size_t slash = name.find('/');; slash = name.find('/', slash + 1)) {
      const std::string part = name.substr(0, slash);
      const auto found = std::find_if(
          current->slices.begin(), current->slices.end(),
          [&part](const ElementNode& item) { return item.element.slice_name == part; });
      if (found != current->slices.end()) {
        current = &*found;
      } else {
        GW_TRY(current, AddSlice(current, part));
      }
      if (slash == std::string::npos) {
        return current;
      }
    }
  }

  Result<ElementNode*> AddSlice(ElementNode* sliced, const std::string& name) {
    const bool is_choice = sliced->name.ends_with("[x]");
    if (!sliced->element.slicing) {
      if (is_choice) {
        sliced->element.slicing =
            SlicingDraft{SlicingRules::kOpen, false, {{DiscriminatorKind::kType, "$this"}}};
      } else if (sliced->name == "extension" || sliced->name == "modifierExtension") {
        sliced->element.slicing =
            SlicingDraft{SlicingRules::kOpen, false, {{DiscriminatorKind::kValue, "url"}}};
      } else {
        return Error{Code::kInvalid, "a slice of an element that is not sliced: " + name, {}};
      }
    }
    GW_RETURN_IF_ERROR(Count(CountOf(sliced->children) + 1));
    ElementNode slice;
    slice.element = sliced->element;
    slice.name = sliced->name;
    slice.children = sliced->children;
    slice.element.slicing.reset();
    slice.element.slice_name = name;
    slice.element.min = 0;
    if (const TypeDraft* type = ChoiceType(*sliced, name); type != nullptr) {
      slice.element.types = {*type};
    }
    sliced->slices.push_back(std::move(slice));
    return &sliced->slices.back();
  }

  Status CheckSlices(const ElementNode& node) const {
    uint32_t asked = 0;
    for (const ElementNode& slice : node.slices) {
      asked += slice.element.min.value_or(0);
      GW_RETURN_IF_ERROR(CheckSlices(slice));
    }
    if (asked > node.element.max.value_or(kMany)) {
      return At(node.element.id,
                {Code::kInvalid, "the slices ask for more than the element allows", {}});
    }
    for (const ElementNode& child : node.children) {
      GW_RETURN_IF_ERROR(CheckSlices(child));
    }
    return {};
  }

  bool Fits(std::string_view type, std::string_view base) override {
    // What R4 writes for any type.
    if (base == "*" || base == "Element" || base == "Resource") {
      return true;
    }
    std::string url = UrlOfType(std::string(type));
    for (int level = 0; level < kBasesMax; ++level) {
      const Result<const StructureDraft*> found = source_.Find(url);
      if (!found || *found == nullptr || (*found)->base.empty()) {
        return false;
      }
      url = (*found)->base;
      if (url == UrlOfType(std::string(base))) {
        return true;
      }
    }
    return false;
  }

  StructureDraft& structure_;
  size_t elements_max_;
  size_t elements_ = 0;
  StructureSource& source_;
  const StructureDraft* base_ = nullptr;
  ElementNode root_;
};

}  // namespace

Status MakeSnapshot(StructureDraft* structure, uint32_t elements_max, StructureSource* source) {
  return SnapshotMaker(structure, elements_max, source).Make();
}

}  // namespace gw::fhir
