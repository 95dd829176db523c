#include <algorithm>
#include <utility>

#include "gateway/map/change.h"
#include "gateway/map/change_internal.h"

namespace gw::map {

namespace {

using fhir::Element;
using Kind = Operation::Kind;

constexpr int kUnknownKey = 204;    // table 0357
constexpr int kDuplicateKey = 205;  // table 0357

// Complex values whose parts are separate fields of their senders: each part changes alone. Other
// values are whole: half of a CodeableConcept with half of another would say what nobody sent.
bool HasSeparateParts(const Element& element) {
  return element.type().name() == "Period" ||
         (element.type().kind() == fhir::Kind::kBackbone && element.name() != "provision");
}

// Lists to which senders add, each its own items: nobody sends them whole.
bool IsAddedTo(const Element& item, std::string_view prefix) {
  const std::string_view type = item.type().name();
  return type == "Identifier" || item.name() == "extension" ||
         (type == "Coding" && prefix == "meta.");
}

// Compares a fragment with a version, or with what is known to exist, and lists what must be done.
class Differ {
 public:
  // `known`: the resource exists and is not at hand; every value is set, whatever stands there.
  Differ(const Change& change, bool known) : change_(change), known_(known) {}

  // Only marked items of lists are looked at: what a link or a stub may change.
  void OnlyItems() { only_items_ = true; }
  // An element of the root that is left alone.
  void Skip(std::string_view name) { skipped_.push_back(name); }

  Status Compare(const Element* current) {
    return Elements({change_.fragment.root(), current, "", nullptr});
  }
  std::vector<Operation> Take() { return std::move(operations_); }
  void Push(Operation operation) { operations_.push_back(std::move(operation)); }

 private:
  // Where the comparison stands: an element of the fragment, its counterpart, the path to both, and
  // the list item (of the fragment) they are parts of.
  struct Place {
    const Element& source;
    const Element* target;
    std::string prefix;
    const Element* item;
  };

  Status Elements(const Place& place) {
    const Element* child = place.source.first_child();
    while (child != nullptr) {
      const Element* end = child->next();
      while (end != nullptr && end->definition() == child->definition()) {
        end = end->next();
      }
      if (!IsLeftAlone(*child, place)) {
        GW_RETURN_IF_ERROR(child->definition()->max == 1 ? Single(*child, place)
                                                         : List(child, end, place));
      }
      child = end;
    }
    return {};
  }

  bool IsLeftAlone(const Element& child, const Place& place) const {
    if (child.definition() == nullptr) {
      return true;
    }
    const std::string_view name = child.name();
    if (place.item != nullptr) {
      return name == "id";
    }
    return place.prefix.empty() &&
           (name == "id" || name == "text" ||
            std::find(skipped_.begin(), skipped_.end(), name) != skipped_.end());
  }

  Status Single(const Element& child, const Place& place) {
    const std::string path = place.prefix + std::string(JsonNameOf(child));
    const Element* old = place.target == nullptr ? nullptr : place.target->Child(child.name());
    if (child.name() == "meta" && place.prefix.empty()) {
      return Elements({child, old, "meta.", place.item});
    }
    if (only_items_ || IsDefaultOfKnown(child, old)) {
      return {};
    }
    if (child.is_null()) {
      if (known_ || old != nullptr) {
        Add(Kind::kRemove, path, place, {});
      }
      return {};
    }
    const bool same_type = old != nullptr && &old->type() == &child.type();
    if (HasSeparateParts(child) && (same_type || (old == nullptr && IsKnownPart(child)))) {
      return Elements({child, old, path + ".", place.item});
    }
    if (IsValued(child) && (old == nullptr || !SameElement(child, *old))) {
      Add(Kind::kSet, path, place, {&child});
    }
    return {};
  }

  // What is said only where nothing stands yet; where what stands is not at hand, it is said.
  static bool IsDefaultOfKnown(const Element& child, const Element* old) {
    return old != nullptr && MarkOf(child, kDefaultMark) == "true";
  }

  // A part of a value that must be there already: an end whose start was sent before.
  bool IsKnownPart(const Element& child) const {
    return known_ && child.type().name() == "Period" && child.Child("start") == nullptr;
  }

  Status List(const Element* first, const Element* end, const Place& place) {
    const std::string path = place.prefix + std::string(first->name());
    if (IsDefaultOfKnown(*first,
                         place.target == nullptr ? nullptr : place.target->Child(first->name()))) {
      return {};
    }
    std::vector<const Element*> values;
    bool marked = false;
    bool snapshot = false;
    bool emptied = false;
    for (const Element* item = first; item != end; item = item->next()) {
      emptied |= item->is_null();
      marked |= !MarkOf(*item, kActionMark).empty();
      snapshot |= MarkOf(*item, kActionMark) == "SP";
      if (IsValued(*item) || IsEmptiedExtension(*item)) {
        values.push_back(item);
      }
    }
    if (place.item == nullptr && !snapshot && (marked || IsAddedTo(*first, place.prefix))) {
      for (const Element* item : values) {
        GW_RETURN_IF_ERROR(marked ? MarkedItem(*item, path, place) : OwnItem(*item, path, place));
      }
      return {};
    }
    if (!only_items_ || snapshot) {
      WholeList(values, emptied, path, place);
    }
    return {};
  }

  static bool IsEmptiedExtension(const Element& item) {
    const Element* value = item.Child("value");
    return item.type().name() == "Extension" && value != nullptr && value->is_null();
  }

  void WholeList(const std::vector<const Element*>& values, bool emptied, const std::string& path,
                 const Place& place) {
    std::vector<const Element*> kept;
    for (const Element* value : values) {
      const std::string_view action = MarkOf(*value, kActionMark);
      if (action != "DE" && action != "UN" && !IsEmptiedExtension(*value)) {
        kept.push_back(value);
      }
    }
    const std::string_view name =
        std::string_view(path).substr(path.rfind('.') + 1);  // npos + 1 is 0
    const Element* old = place.target == nullptr ? nullptr : place.target->Child(name);
    if (kept.empty()) {
      if (emptied && (known_ || old != nullptr)) {
        Add(Kind::kRemove, path, place, {});
      }
      return;
    }
    if (!SameList(kept, place.target, name)) {
      Add(Kind::kReplaceList, path, place, std::move(kept));
    }
  }

  static bool SameList(const std::vector<const Element*>& values, const Element* target,
                       std::string_view name) {
    if (target == nullptr || target->Count(name) != values.size()) {
      return false;
    }
    for (uint32_t i = 0; i < values.size(); ++i) {
      if (!SameElement(*values[i], *target->Child(name, i))) {
        return false;
      }
    }
    return true;
  }

  // An item that stands for itself: an identifier, an extension, a label.
  Status OwnItem(const Element& item, const std::string& path, const Place& place) {
    if (only_items_ || (known_ && &item == change_.fragment.root().Child("identifier"))) {
      return {};  // that is how the resource is found
    }
    std::vector<Operation::KeyPart> key = KeyOf(item);
    if (key.empty()) {
      return Keyless(item);
    }
    const Element* old =
        place.target == nullptr ? nullptr : FindItem(*place.target, item.name(), key);
    if (old != nullptr && IsValued(item) && SameElement(item, *old)) {
      return {};
    }
    if (known_ || old != nullptr) {
      Push({Kind::kRemoveItem, path, {}, "", key});
    }
    if (IsValued(item)) {
      Push({Kind::kAddItem, path, {&item}, "", {}});
    }
    return {};
  }

  // An item that a segment with an action code of its own speaks of.
  Status MarkedItem(const Element& item, const std::string& path, const Place& place) {
    const std::string_view action = MarkOf(item, kActionMark);
    std::vector<Operation::KeyPart> key = KeyOf(item);
    if (key.empty()) {
      return Keyless(item);
    }
    const Element* old =
        place.target == nullptr ? nullptr : FindItem(*place.target, item.name(), key);
    if (action == "UC") {
      return {};
    }
    if (action == "DE" || action == "UN") {
      if (known_ || old != nullptr) {
        Push({Kind::kRemoveItem, path, {}, "", std::move(key)});
      }
      return {};
    }
    if (!known_ && (action == "UP" || action == "CO")) {
      if (old == nullptr) {
        return Error{Code::kNotFound, "the item that is to be changed is not known", change_.where,
                     kUnknownKey};
      }
      return Elements({item, old, "", &item});
    }
    if (old == nullptr) {
      if (known_) {  // what stands there gives way: the item is there once, whatever was before
        Push({Kind::kRemoveItem, path, {}, "", std::move(key)});
      }
      Push({Kind::kAddItem, path, {&item}, "", {}});
      return {};
    }
    return action == "LI" ? Status() : Elements({item, old, "", &item});
  }

  Error Keyless(const Element& item) const {
    return {Code::kUnprocessable, "an item without a key: " + std::string(item.name()),
            change_.where};
  }

  void Add(Kind kind, std::string path, const Place& place, std::vector<const Element*> values) {
    Operation operation{kind, std::move(path), std::move(values), "", {}};
    if (place.item != nullptr) {
      operation.list = std::string(place.item->name());
      operation.key = KeyOf(*place.item);
    }
    operations_.push_back(std::move(operation));
  }

  const Change& change_;
  const bool known_;
  bool only_items_ = false;
  std::vector<std::string_view> skipped_;
  std::vector<Operation> operations_;
};

// Everything of the fragment, for a resource that is made of it.
std::vector<Operation> OperationsOfCreation(const Change& change) {
  std::vector<Operation> operations;
  const Element* child = change.fragment.root().first_child();
  while (child != nullptr) {
    std::vector<const Element*> values;
    const Element* end = child;
    for (; end != nullptr && end->definition() == child->definition(); end = end->next()) {
      const std::string_view action = MarkOf(*end, kActionMark);
      if (IsValued(*end) && action != "DE" && action != "UN" && action != "UC") {
        values.push_back(end);
      }
    }
    if (!values.empty() && child->definition() != nullptr) {
      const bool single = child->definition()->max == 1;
      operations.push_back({single ? Kind::kSet : Kind::kReplaceList,
                            std::string(JsonNameOf(*values.front())),
                            std::move(values),
                            "",
                            {}});
    }
    child = end;
  }
  return operations;
}

Operation RemoveTag() {
  return {Kind::kRemoveItem,
          "meta.tag",
          {},
          "",
          {{"system", std::string(kTagSystem)}, {"code", std::string(kStubTag)}}};
}

bool IsStub(const fhir::Resource& resource) {
  const Element* meta = resource.root().Child("meta");
  const Operation tag = RemoveTag();
  return meta != nullptr && FindItem(*meta, "tag", tag.key) != nullptr;
}

std::string_view DecisionOf(const fhir::Resource& consent) {
  for (const Element* child = consent.root().first_child(); child != nullptr;
       child = child->next()) {
    if (child->name() == "extension" && child->TextAt("url") == kConsentDecision) {
      return child->TextAt("value.code");
    }
  }
  return {};
}

// Is there a grant to take back? A refusal, and what is not in force, ends instead (decision 1).
bool IsGrant(const fhir::Resource& consent) {
  if (consent.root().TextAt("status") != "active") {
    return false;
  }
  const std::string_view decision = DecisionOf(consent);
  if (!decision.empty()) {
    return decision != "R";
  }
  const Element* provision = consent.root().Child("provision");
  return provision != nullptr &&
         (provision->TextAt("type") == "permit" || provision->Child("provision") != nullptr);
}

bool ChangesItemsOnly(const Change& change) {
  return change.stub || change.action == Action::kLink || change.action == Action::kUnlink ||
         change.action == Action::kUnchanged;
}

// What holds whether the current version is at hand or not.
Result<std::vector<Operation>> Difference(const Change& change, const fhir::Resource* current) {
  const bool known = current == nullptr;
  Differ differ(change, known);
  if (ChangesItemsOnly(change)) {
    differ.OnlyItems();
  }
  if (change.action == Action::kDelete) {
    // What a deletion names stays as it stands: only the state changes.
    for (const std::string_view name : {"category", "code", "description"}) {
      differ.Skip(name);
    }
  }
  const Element& fragment = change.fragment.root();
  const Element* ends = FindMark(fragment, kRescindMark);
  if (ends != nullptr && !known && !IsGrant(*current)) {
    // What is no grant has no permits to take away: it ends.
    differ.Skip("provision");
    differ.Skip("status");
    if (current->root().TextAt("status") != ends->TextAt("value")) {
      differ.Push({Kind::kSet, "status", {ends->Child("value")}, "", {}});
    }
  }
  GW_RETURN_IF_ERROR(differ.Compare(known ? nullptr : &current->root()));
  // What modifies a Consent's rules goes when they are replaced.
  const bool consent = change.fragment.type() == "Consent" && !ChangesItemsOnly(change);
  if (consent && fragment.Child("provision") != nullptr &&
      fragment.Child("modifierExtension") == nullptr &&
      (known || current->root().Child("modifierExtension") != nullptr)) {
    differ.Push({Kind::kRemove, "modifierExtension", {}, "", {}});
  }
  const bool condition = change.fragment.type() == "Condition";
  if (change.action == Action::kDelete && condition &&
      (known || current->root().Child("clinicalStatus") != nullptr)) {
    differ.Push({Kind::kRemove, "clinicalStatus", {}, "", {}});  // R4 Condition, con-5
  }
  if (!known && !ChangesItemsOnly(change) && IsStub(*current)) {
    differ.Push(RemoveTag());
  }
  return differ.Take();
}

}  // namespace

Result<std::vector<Operation>> OperationsOnKnown(const Change& change) {
  return Difference(change, nullptr);
}

Result<std::vector<Operation>> OperationsOf(const Change& change, const fhir::Resource* current,
                                            const fhir::Definitions& /*definitions*/) {
  if (current == nullptr && change.if_known) {
    return std::vector<Operation>();
  }
  if (current == nullptr) {
    switch (change.action) {
      case Action::kUpdate:
      case Action::kCorrect:
      case Action::kDelete:
      case Action::kUnchanged:
        return Error{Code::kNotFound, "no resource has this key", change.where, kUnknownKey};
      case Action::kUnlink:
        return std::vector<Operation>();
      default:
        return OperationsOfCreation(change);
    }
  }
  if (current->type() != change.fragment.type()) {
    return Error{Code::kUnprocessable, "the key belongs to a resource of another type",
                 change.where};
  }
  GW_TRY(auto operations, Difference(change, current));
  if (change.action == Action::kAdd && !change.stub && !operations.empty() && !IsStub(*current)) {
    return Error{Code::kConflict, "the key is taken, by other content", change.where,
                 kDuplicateKey};
  }
  return operations;
}

}  // namespace gw::map
