#include <optional>
#include <utility>

#include "gateway/map/change/change.h"
#include "gateway/map/change/internal.h"

namespace gw::map {

namespace {

using fhir::Element;
using Kind = Operation::Kind;

Error Absent(const Change& change, const Operation& operation) {
  return {Code::kUnprocessable, "no such element: " + operation.path, change.where};
}

// A child by its JSON property name: occurrencePeriod stands as occurrence.
Element* ChildNamed(Element* holder, std::string_view json_name) {
  const fhir::ElementDef* definition = holder->type().ByJsonName(json_name).element;
  return holder->Child(definition == nullptr ? json_name : definition->name);
}

// The element that holds the last name of the path; the names before it are made where absent,
// null where they are and `make` is false.
Result<Element*> HolderOf(Element* root, const Operation& operation, bool make,
                          std::string_view* last) {
  Element* holder = root;
  if (!operation.list.empty()) {
    for (holder = root->first_child(); holder != nullptr; holder = holder->next()) {
      if (holder->name() == operation.list && HasKey(*holder, operation.key)) {
        break;
      }
    }
  }
  std::string_view rest = operation.path;
  *last = CutName(&rest);
  while (holder != nullptr && !rest.empty()) {
    Element* next = ChildNamed(holder, *last);
    if (next == nullptr && make) {
      GW_TRY(next, holder->Add(*last));
    }
    holder = next;
    *last = CutName(&rest);
  }
  return holder;
}

// Takes out what a removal has left empty: R4 knows no element without content.
void PruneUpwards(Element* element, const Element* root) {
  while (element != nullptr && element != root && element->first_child() == nullptr &&
         !element->has_text()) {
    Element* parent = element->parent();
    parent->Remove(element);
    element = parent;
  }
}

void RemoveItems(Element* holder, std::string_view name, const Operation& operation) {
  Element* child = holder->first_child();
  while (child != nullptr) {
    Element* next = child->next();
    if (child->name() == name && HasKey(*child, operation.key)) {
      holder->Remove(child);
    }
    child = next;
  }
}

Status Perform(const Change& change, const Operation& operation, Element* root) {
  const bool removal = operation.kind == Kind::kRemove || operation.kind == Kind::kRemoveItem;
  std::string_view last;
  GW_TRY(Element * holder, HolderOf(root, operation, !removal, &last));
  if (holder == nullptr) {
    return removal ? Status() : Status(Absent(change, operation));
  }
  const fhir::ElementDef* definition = holder->type().ByJsonName(last).element;
  if (definition == nullptr) {
    definition = holder->type().Find(last);
  }
  if (definition == nullptr) {
    return Absent(change, operation);
  }
  if (operation.kind == Kind::kRemoveItem) {
    RemoveItems(holder, definition->name, operation);
  } else if (operation.kind != Kind::kAddItem) {
    holder->Clear(definition->name);
  }
  for (const Element* value : operation.values) {
    auto copied = CopyValued(holder, definition->name, *value);
    if (!copied) {
      return Error{Code::kUnprocessable, copied.error().detail, change.where};
    }
  }
  if (removal) {
    PruneUpwards(holder, root);
  }
  return {};
}

// A resource that only a reference made necessary says so, until something fills it in.
Status TagAsStub(Element* root) {
  Element* meta = root->Child("meta");
  if (meta == nullptr) {
    GW_TRY(meta, root->Add("meta"));
  }
  GW_TRY(Element * tag, meta->Add("tag"));
  GW_TRY([[maybe_unused]] Element * system, tag->Add("system", kTagSystem));
  GW_TRY([[maybe_unused]] Element * code, tag->Add("code", kStubTag));
  return {};
}

// An activity of a plan, which may be under way elsewhere before the plan is heard of: ORC-1 speaks
// of the order, and not of the plan.
bool IsOrder(const Element& item) { return item.name() == "activity"; }

// What is not there yet cannot be taken out of it, nor changed.
Status TakeOutItems(const Change& change, bool upsert, Element* root, std::vector<Note>* notes) {
  for (Element *child = root->first_child(), *next = nullptr; child != nullptr; child = next) {
    next = child->next();
    const std::string_view action = MarkOf(*child, kActionMark);
    if (action == "DE") {
      return UnknownKey(change, kNothingToTakeOut);
    }
    if (IsChange(action) && !upsert && !IsOrder(*child)) {
      return UnknownKey(change, kNothingToChange);
    }
    if (IsChange(action) && !upsert && notes != nullptr) {
      notes->push_back({"order-created", "an order that was not known is made with its plan"});
    }
    if (action == "UN") {
      TellUnlinked(notes, child->name());
    }
    if (action == "UN" || action == "UC") {
      root->Remove(child);
    }
  }
  return {};
}

void KeepLabels(Element* meta) {
  for (Element *child = meta->first_child(), *next = nullptr; child != nullptr; child = next) {
    next = child->next();
    const std::string_view action = MarkOf(*child, kActionMark);
    if (action == "DE" || action == "UN" || action == "UC") {
      meta->Remove(child);
    }
  }
}

}  // namespace

Result<std::optional<fhir::Resource>> Create(Change* change, std::vector<Note>* notes,
                                             bool upsert) {
  if (change->if_known) {
    return std::optional<fhir::Resource>();
  }
  switch (change->action) {
    case Action::kUpdate:
    case Action::kCorrect:
    case Action::kDelete:
    case Action::kUnchanged:
      return UnknownKey(*change, "no resource has this key");
    case Action::kUnlink:
      TellUnlinked(notes, change->fragment.type());
      return std::optional<fhir::Resource>();
    default:
      break;
  }
  Element* root = &change->fragment.root();
  GW_RETURN_IF_ERROR(TakeOutItems(*change, upsert, root, notes));
  if (Element* meta = root->Child("meta"); meta != nullptr) {
    KeepLabels(meta);
  }
  KeepValued(root);
  if (root->first_child() == nullptr) {
    return std::optional<fhir::Resource>();
  }
  if (change->stub || change->action == Action::kLink) {
    GW_RETURN_IF_ERROR(TagAsStub(root));
  }
  return std::optional<fhir::Resource>(std::move(change->fragment));
}

Result<fhir::Resource> Apply(const Change& change, std::span<const Operation> operations,
                             const fhir::Resource& current) {
  fhir::Resource result = current.Clone();
  for (const Operation& operation : operations) {
    GW_RETURN_IF_ERROR(Perform(change, operation, &result.root()));
  }
  return result;
}

}  // namespace gw::map
