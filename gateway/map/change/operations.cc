#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/map/change/change.h"
#include "gateway/map/change/internal.h"

namespace gw::map {

namespace {

using fhir::Element;
using Kind = Operation::Kind;

bool IsTakenOut(std::string_view action) { return action == "DE" || action == "UN"; }

void Tell(std::vector<Note>* notes, std::string_view code, std::string text) {
  if (notes != nullptr) {
    notes->push_back({code, std::move(text)});
  }
}

// Compares a fragment with a version, or with what is known to exist, and lists what must be done.
class Differ {
 public:
  // `known`: the resource exists and is not at hand; every value is set, whatever stands there.
  Differ(const Change& change, bool known, const Comparison& comparison)
      : change_(change), known_(known), comparison_(comparison) {}

  // Only marked items of lists are looked at: what a link or a stub may change.
  void OnlyItems() { only_items_ = true; }
  // An element of the root that is left alone.
  void Skip(std::string_view name) { skipped_.push_back(name); }

  Status Compare(const Element* current) {
    GW_RETURN_IF_ERROR(Elements({change_.fragment.root(), current, "", nullptr}));
    if (!left_.empty()) {
      Tell(comparison_.notes, "not-taken", "its action code leaves as they are: " + left_);
    }
    return {};
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
    if (IsDefaultOfKnown(child, old)) {
      return {};
    }
    if (only_items_ && place.item == nullptr) {
      if (child.is_null() ? old != nullptr : !Says(old, child)) {
        Leave(path);
      }
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

  // Does what stands say all of it already?
  static bool Says(const Element* old, const Element& child) {
    if (!IsValued(child)) {
      return true;
    }
    if (old == nullptr || &old->type() != &child.type() || !HasSeparateParts(child)) {
      return old != nullptr && SameElement(child, *old);
    }
    for (const Element* part = child.first_child(); part != nullptr; part = part->next()) {
      if (!Says(old->Child(part->name()), *part)) {
        return false;
      }
    }
    return true;
  }

  // A value that this action code does not bring in.
  void Leave(std::string_view path) {
    if (!known_ && !change_.stub && change_.action != Action::kUnlink) {
      left_.append(left_.empty() ? "" : ", ").append(path);
    }
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
    if (place.item == nullptr && !snapshot && (marked || IsAddedTo(*first))) {
      for (const Element* item : values) {
        GW_RETURN_IF_ERROR(place.prefix == "meta." ? Label(*item, path, place)
                           : marked                ? MarkedItem(*item, path, place)
                                                   : OwnItem(*item, values, path, place));
      }
      return {};
    }
    if (!only_items_ || snapshot || place.item != nullptr) {
      WholeList(values, emptied, path, place);
    } else if (!values.empty() && !SameList(values, place.target, first->name())) {
      Leave(path);
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
      if (!IsTakenOut(MarkOf(*value, kActionMark)) && !IsEmptiedExtension(*value)) {
        kept.push_back(value);
      }
    }
    const std::string_view name =
        std::string_view(path).substr(path.rfind('.') + 1);  // npos + 1 is 0
    const Element* old = place.target == nullptr ? nullptr : place.target->Child(name);
    KeepOtherTypes(old, &kept);
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

  // A list of links may hold more than one kind; a snapshot is of the kinds that it names.
  static void KeepOtherTypes(const Element* old, std::vector<const Element*>* kept) {
    if (kept->empty() || MarkOf(*kept->front(), kActionMark).empty() ||
        TypeOf(*kept->front()).empty()) {
      return;
    }
    const size_t named = kept->size();
    for (; old != nullptr; old = old->next()) {
      const std::string_view type = TypeOf(*old);
      const bool is_named =
          std::any_of(kept->begin(), kept->begin() + static_cast<std::ptrdiff_t>(named),
                      [type](const Element* one) { return TypeOf(*one) == type; });
      if (old->definition() == kept->front()->definition() && !is_named) {
        kept->push_back(old);
      }
    }
  }

  // The type that a reference leads to; empty where it does not say, and for what is none.
  static std::string_view TypeOf(const Element& item) {
    const std::string_view type = item.TextAt("type");
    const std::string_view literal = item.TextAt("reference");
    return item.type().name() != "Reference" ? std::string_view()
           : !type.empty()                   ? type
                                             : literal.substr(0, literal.find('/'));
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

  // An item that stands for itself: an identifier, an extension, a label. Extensions of one url are
  // one list, which is said whole: their first item speaks for all.
  Status OwnItem(const Element& item, const std::vector<const Element*>& values,
                 const std::string& path, const Place& place) {
    if (known_ && (only_items_ || &item == change_.fragment.root().Child("identifier"))) {
      return {};  // that is how the resource is found
    }
    std::vector<Operation::KeyPart> key = KeyOf(item);
    if (key.empty()) {
      return Keyless(item);
    }
    std::vector<const Element*> alike;
    std::copy_if(values.begin(), values.end(), std::back_inserter(alike),
                 [&key](const Element* one) { return HasKey(*one, key); });
    if (alike.front() != &item) {
      return {};
    }
    std::erase_if(alike, [](const Element* one) { return !IsValued(*one); });
    const std::vector<const Element*> old = ItemsOf(place.target, item.name(), key);
    const bool is_same = std::equal(
        alike.begin(), alike.end(), old.begin(), old.end(),
        [](const Element* one, const Element* other) { return SameElement(*one, *other); });
    if (is_same && !known_) {
      return {};
    }
    if (only_items_) {
      Leave(path);
      return {};
    }
    if (known_ || !old.empty()) {
      Push({Kind::kRemoveItem, path, {}, "", key});
    }
    for (const Element* one : alike) {
      Push({Kind::kAddItem, path, {one}, "", {}});
    }
    return {};
  }

  static std::vector<const Element*> ItemsOf(const Element* target, std::string_view name,
                                             std::span<const Operation::KeyPart> key) {
    std::vector<const Element*> items;
    const Element* child = target == nullptr ? nullptr : target->first_child();
    for (; child != nullptr; child = child->next()) {
      if (child->name() == name && HasKey(*child, key)) {
        items.push_back(child);
      }
    }
    return items;
  }

  // A security label, or a tag. It belongs to who set it: nobody else lifts it.
  Status Label(const Element& item, const std::string& path, const Place& place) {
    std::vector<Operation::KeyPart> key = KeyOf(item);
    if (key.empty()) {
      return Keyless(item);
    }
    const std::string_view action = MarkOf(item, kActionMark);
    bool own = false;
    bool others = false;
    const Element* old = place.target == nullptr ? nullptr : place.target->Child(item.name());
    for (; old != nullptr && old->name() == item.name(); old = old->next()) {
      if (old->TextAt("system") == item.TextAt("system") &&
          old->TextAt("code") == item.TextAt("code")) {
        (SourceOf(*old) == SourceOf(item) ? own : others) = true;
      }
    }
    if (action == "UC" || IsTakenOut(action)) {
      if (action != "UC" && (known_ || own)) {
        Push({Kind::kRemoveItem, path, {}, "", std::move(key)});
      }
      if (others || (own && action == "UC")) {
        Tell(comparison_.notes, "label-stands",
             "a restriction stands that this field cannot lift: " + path);
      }
      return {};
    }
    if (own) {
      return {};
    }
    if (only_items_) {
      Leave(path);
      return {};
    }
    if (known_) {
      Push({Kind::kRemoveItem, path, {}, "", std::move(key)});
    }
    Push({Kind::kAddItem, path, {&item}, "", {}});
    return {};
  }

  static std::string_view SourceOf(const Element& label) {
    return label.TextAt("extension.url") == kLabelSource ? label.TextAt("extension.value")
                                                         : std::string_view();
  }

  // An item that a segment with an action code of its own speaks of.
  Status MarkedItem(const Element& item, const std::string& path, const Place& place) {
    const std::string_view action = MarkOf(item, kActionMark);
    std::vector<Operation::KeyPart> key = KeyOf(item);
    if (key.empty()) {
      return Keyless(item);
    }
    if (action == "UC") {
      return {};
    }
    const Element* old = place.target == nullptr || IsGone(path, key)
                             ? nullptr
                             : FindItem(*place.target, item.name(), key);
    if (IsTakenOut(action)) {
      if (known_ || old != nullptr) {
        Push({Kind::kRemoveItem, path, {}, "", std::move(key)});
        return {};
      }
      if (action == "UN") {
        TellUnlinked(comparison_.notes, path);
        return {};
      }
      return comparison_.repeated ? Status() : UnknownKey(change_, kNothingToTakeOut);
    }
    if (!known_ && old == nullptr && IsChange(action) && place.target != nullptr) {
      const Element* filled = FindByFiller(*place.target, item);
      if (filled != nullptr) {
        return Elements({item, filled, "", filled});
      }
    }
    if (!known_ && old == nullptr && IsChange(action) && !comparison_.upsert) {
      return UnknownKey(change_, kNothingToChange);
    }
    if (!known_ && old != nullptr && IsChange(action)) {
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

  static const Element* FillerOf(const Element& item) {
    for (const Element* child = item.first_child(); child != nullptr; child = child->next()) {
      if (child->name() == "extension" && child->TextAt("url") == kFillerNumber) {
        return child->Child("value");
      }
    }
    return nullptr;
  }

  // The item that keeps, beside the placer's number, the filler's by which alone this one is named;
  // null where there is none, or several.
  static const Element* FindByFiller(const Element& parent, const Element& item) {
    const Element* number = FillerOf(item);
    const bool is_alone = number != nullptr &&
                          item.TextAt("id").starts_with(std::string(number->TextAt("value")) + ":");
    number = is_alone ? number : nullptr;
    const Element* found = nullptr;
    for (const Element* child = parent.first_child(); child != nullptr && number != nullptr;
         child = child->next()) {
      const Element* other = child->name() == item.name() ? FillerOf(*child) : nullptr;
      if (other == nullptr || other->TextAt("value") != number->TextAt("value") ||
          other->TextAt("system") != number->TextAt("system")) {
        continue;
      }
      if (found != nullptr) {
        return nullptr;
      }
      found = child;
    }
    return found;
  }

  // Has an item of this change taken it out already?
  bool IsGone(std::string_view path, std::span<const Operation::KeyPart> key) const {
    return std::any_of(
        operations_.begin(), operations_.end(), [path, key](const Operation& operation) {
          return operation.kind == Kind::kRemoveItem && operation.path == path &&
                 std::equal(operation.key.begin(), operation.key.end(), key.begin(), key.end(),
                            [](const Operation::KeyPart& a, const Operation::KeyPart& b) {
                              return a.path == b.path && a.text == b.text;
                            });
        });
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
  const Comparison& comparison_;
  bool only_items_ = false;
  std::string left_;  // what a change of items alone says besides
  std::vector<std::string_view> skipped_;
  std::vector<Operation> operations_;
};

Operation RemoveTag() {
  return {Kind::kRemoveItem,
          "meta.tag",
          {},
          "",
          {{"system", std::string(kTagSystem)}, {"code", std::string(kStubTag)}}};
}

// Is there a grant to take back? A refusal, and what is not in force, ends instead (decision 1).
bool IsGrant(const fhir::Resource& consent) {
  if (consent.root().TextAt("status") != "active") {
    return false;
  }
  const std::string_view decision = DecisionOf(consent.root());
  if (!decision.empty()) {
    return decision != "R";
  }
  const Element* provision = consent.root().Child("provision");
  return provision != nullptr &&
         (provision->TextAt("type") == "permit" || provision->Child("provision") != nullptr);
}

// What holds whether the current version is at hand or not.
Result<std::vector<Operation>> Difference(const Change& change, const fhir::Resource* current,
                                          const Comparison& comparison) {
  const bool known = current == nullptr;
  Differ differ(change, known, comparison);
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
  if (!known && !ChangesItemsOnly(change) && IsStub(current->root())) {
    differ.Push(RemoveTag());
  }
  return differ.Take();
}

}  // namespace

bool IsStub(const Element& resource) {
  const Element* meta = resource.Child("meta");
  const Operation tag = RemoveTag();
  return meta != nullptr && FindItem(*meta, "tag", tag.key) != nullptr;
}

std::string_view DecisionOf(const Element& consent) {
  for (const Element* child = consent.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "extension" && child->TextAt("url") == kConsentDecision) {
      return child->TextAt("value.code");
    }
  }
  return {};
}

Error UnknownKey(const Change& change, std::string_view rule) {
  return {Code::kNotFound, std::string(rule), change.where, hl7_code::kUnknownKeyIdentifier};
}

void TellUnlinked(std::vector<Note>* notes, std::string_view list) {
  Tell(notes, "unlinked-unknown", "what is to be unlinked is not there: " + std::string(list));
}

Result<std::vector<Operation>> OperationsOnKnown(const Change& change) {
  return Difference(change, nullptr, {});
}

Result<std::vector<Operation>> OperationsOf(const Change& change, const fhir::Resource& current,
                                            const Comparison& comparison) {
  if (current.type() != change.fragment.type()) {
    return Error{Code::kUnprocessable, "the key belongs to a resource of another type",
                 change.where};
  }
  GW_TRY(auto operations, Difference(change, &current, comparison));
  if (change.action == Action::kAdd && !change.stub && !operations.empty() &&
      !IsStub(current.root())) {
    return Error{Code::kConflict, "the key is taken, by other content", change.where,
                 hl7_code::kDuplicateKeyIdentifier};
  }
  return operations;
}

}  // namespace gw::map
