#include "gateway/fhir/resource.h"

#include <algorithm>
#include <utility>

namespace gw::fhir {
namespace {

Error Refusal(std::string detail, const Element& parent, std::string_view name) {
  return {Code::kInvalid, std::move(detail), parent.Location() + "." + std::string(name)};
}

// Is the first of the dotted names this one? Without a search for the dot: nearly all are one name.
bool BeginsPath(std::string_view dotted, std::string_view name) {
  return (dotted.size() == name.size() ||
          (dotted.size() > name.size() && dotted[name.size()] == '.')) &&
         dotted.starts_with(name);
}

// Copies the children of `source` into `target`. The types are the same, or both are primitives,
// which all have the same elements.
void CopyInto(const Element& source, Arena* arena, Element* target) {
  if (source.is_null()) {
    target->SetNull();
  }
  const bool is_same = &source.type() == &target->type();
  for (const Element* child = source.first_child(); child != nullptr; child = child->next()) {
    const ElementDef* definition =
        is_same ? child->definition() : target->type().Find(child->name());
    if (definition == nullptr) {
      continue;
    }
    CopyInto(
        *child, arena,
        target->AppendRaw(definition, child->type(), arena->Copy(child->text()), child->offset()));
  }
}

}  // namespace

const Element* Element::Child(std::string_view name, uint32_t index) const {
  for (const Element* child = first_child_; child != nullptr; child = child->next_) {
    if (child->name() == name && index-- == 0) {
      return child;
    }
  }
  return nullptr;
}

Element* Element::Child(std::string_view name, uint32_t index) {
  return const_cast<Element*>(std::as_const(*this).Child(name, index));
}

uint32_t Element::Count(std::string_view name) const {
  uint32_t count = 0;
  for (const Element* child = first_child_; child != nullptr; child = child->next_) {
    count += child->name() == name ? 1u : 0u;
  }
  return count;
}

const Element* Element::Path(std::string_view dotted) const {
  const Element* element = this;
  while (element != nullptr && !dotted.empty()) {
    element = element->first_child_;
    while (element != nullptr && !BeginsPath(dotted, element->name())) {
      element = element->next_;
    }
    if (element != nullptr) {
      dotted.remove_prefix(std::min(element->name().size() + 1, dotted.size()));
    }
  }
  return element;
}

std::string_view Element::TextAt(std::string_view dotted) const {
  const Element* element = Path(dotted);
  return element == nullptr ? std::string_view() : element->text();
}

Result<Element*> Element::Add(std::string_view name, std::string_view text) {
  const TypeDef::Property property = type_->ByJsonName(name);
  if (property.element != nullptr) {
    return Insert(*property.element, *property.type, text);
  }
  if (type_->Find(name) != nullptr) {
    return Refusal("a choice of types needs its type", *this, name);
  }
  return Refusal("the type has no such element", *this, name);
}

Result<Element*> Element::AddTyped(std::string_view name, const TypeDef& type,
                                   std::string_view text) {
  const ElementDef* definition = type_->ByJsonName(name).element;
  if (definition == nullptr) {
    definition = type_->Find(name);
  }
  if (definition == nullptr) {
    return Refusal("the type has no such element", *this, name);
  }
  return AddOf(*definition, type, text);
}

Result<Element*> Element::AddOf(const ElementDef& definition, const TypeDef& type,
                                std::string_view text) {
  const bool fits = std::any_of(
      definition.types.begin(), definition.types.end(), [&type](const TypeDef* allowed) {
        return allowed == &type ||
               (allowed->is_abstract() && !type.is_abstract() && type.Is(allowed->name()));
      });
  if (!fits) {
    return Refusal("the element does not take that type", *this, definition.name);
  }
  return Insert(definition, type, text);
}

// The elements of a type stand side by side, so the order of their addresses is the definition's.
Result<Element*> Element::Insert(const ElementDef& definition, const TypeDef& type,
                                 std::string_view text) {
  Element* before = nullptr;
  Element* last_of_name = nullptr;
  // A list grows at the end of it without a walk.
  const bool goes_on = last_child_ != nullptr && last_child_->definition_ == &definition;
  for (Element* child = goes_on ? last_child_ : first_child_; child != nullptr;
       child = child->next_) {
    if (child->definition_ == &definition) {
      last_of_name = child;
    } else if (child->definition_ < &definition) {
      before = child;
    }
  }
  if (definition.max == 1 && last_of_name != nullptr) {
    return Refusal("the element stands already and may not repeat", *this, definition.name);
  }
  before = last_of_name != nullptr ? last_of_name : before;
  Element* added = arena_->New<Element>(arena_, this, &definition, type, arena_->Copy(text));
  Element** link = before == nullptr ? &first_child_ : &before->next_;
  added->next_ = std::exchange(*link, added);
  if (before == last_child_) {
    last_child_ = added;
  }
  return added;
}

Element* Element::ChildOf(const ElementDef& definition) {
  for (Element* child = first_child_; child != nullptr; child = child->next_) {
    if (child->definition_ == &definition) {
      return child;
    }
  }
  return nullptr;
}

Result<Element*> Element::AddCopy(std::string_view name, const Element& source) {
  const TypeDef::Property property = type_->ByJsonName(name);
  const TypeDef* type = &source.type();
  // Primitives differ in what they allow, not in what they hold: a code may become a string.
  if (property.element != nullptr && property.type->primitive() != Primitive::kNone &&
      type->primitive() != Primitive::kNone) {
    type = property.type;
  }
  if (property.element != nullptr && !property.type->is_abstract() && property.type != type) {
    return Refusal("the element does not take that type", *this, name);
  }
  GW_TRY(Element * added, AddTyped(name, *type, source.text()));
  CopyInto(source, arena_, added);
  return added;
}

void Element::Clear(std::string_view name) {
  Element* previous = nullptr;
  for (Element* child = first_child_; child != nullptr; child = child->next_) {
    if (child->name() == name) {
      Unlink(previous, child);
    } else {
      previous = child;
    }
  }
}

void Element::Remove(Element* child) {
  Element* previous = nullptr;
  for (Element* candidate = first_child_; candidate != nullptr; candidate = candidate->next_) {
    if (candidate == child) {
      Unlink(previous, child);
      return;
    }
    previous = candidate;
  }
}

// Children of one name stand together.
void Element::MoveTo(Element* child, uint32_t index) {
  Element* before = nullptr;
  for (Element* at = first_child_; at->definition_ != child->definition_; at = at->next_) {
    before = at;
  }
  Remove(child);
  Element* at = before == nullptr ? first_child_ : before->next_;
  for (; at != nullptr && at->definition_ == child->definition_ && index > 0; --index) {
    before = at;
    at = at->next_;
  }
  (before == nullptr ? first_child_ : before->next_) = child;
  child->next_ = at;
  last_child_ = at == nullptr ? child : last_child_;
}

void Element::Unlink(Element* previous, Element* child) {
  (previous == nullptr ? first_child_ : previous->next_) = child->next_;
  if (last_child_ == child) {
    last_child_ = previous;
  }
}

void Element::SetText(std::string_view text) {
  text_ = arena_->Copy(text);
  null_ = false;
}

std::string Element::Location() const {
  if (parent_ == nullptr) {
    return std::string(name());
  }
  std::string location = parent_->Location();
  location += '.';
  location += name();
  if (definition_ == nullptr || definition_->max != 1) {
    uint32_t index = 0;
    for (const Element* sibling = parent_->first_child_; sibling != this;
         sibling = sibling->next_) {
      index += sibling->definition_ == definition_ ? 1u : 0u;
    }
    location += '[';
    location += std::to_string(index);
    location += ']';
  }
  return location;
}

Element* Element::AppendRaw(const ElementDef* definition, const TypeDef& type,
                            std::string_view stored_text, uint32_t offset) {
  Element* added = arena_->New<Element>(arena_, this, definition, type, stored_text, offset);
  (last_child_ == nullptr ? first_child_ : last_child_->next_) = added;
  last_child_ = added;
  return added;
}

Result<Resource> Resource::Make(std::string_view type, const Definitions& definitions) {
  const TypeDef* found = definitions.Find(type);
  if (found == nullptr || found->kind() != Kind::kResource || found->is_abstract()) {
    return Error{Code::kUnsupported, "not a resource type of FHIR R4", "resourceType"};
  }
  return MakeOf(*found);
}

Resource Resource::MakeOf(const TypeDef& type) {
  auto arena = std::make_shared<Arena>();
  Element* root = arena->New<Element>(arena.get(), nullptr, nullptr, type);
  return Resource(std::move(arena), root);
}

Resource Resource::Detach(Element* node) {
  node->parent_->Remove(node);
  node->parent_ = node->next_ = nullptr;
  node->definition_ = nullptr;
  return Resource(arena_, node);
}

Element* Resource::NewDetached(const TypeDef& type) {
  return arena_->New<Element>(arena_.get(), nullptr, nullptr, type);
}

Resource Resource::Clone() const { return CopyOf(*root_); }

Resource Resource::CopyOf(const Element& node) {
  Resource copy = MakeOf(node.type());
  if (node.has_text()) {
    copy.root_->SetText(node.text());
  }
  CopyInto(node, copy.arena_.get(), copy.root_);
  return copy;
}

void Resource::SetText(Element* parent, std::string_view name, std::string_view text) {
  if (Element* element = parent->Child(name); element != nullptr) {
    element->SetText(text);
    return;
  }
  // Every resource has an id and a meta with these elements, so adding them cannot fail.
  static_cast<void>(parent->Add(name, text).ok());
}

void Resource::SetId(std::string_view id) { SetText(root_, "id", id); }

void Resource::SetVersion(uint64_t version, std::string_view last_updated) {
  Element* meta = root_->Child("meta");
  if (meta == nullptr) {
    Result<Element*> added = root_->Add("meta");
    if (!added) {
      return;
    }
    meta = *added;
  }
  SetText(meta, "versionId", std::to_string(version));
  SetText(meta, "lastUpdated", last_updated);
}

}  // namespace gw::fhir
