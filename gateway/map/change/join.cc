#include <map>
#include <string>
#include <vector>

#include "gateway/map/change/change.h"
#include "gateway/map/change/internal.h"

namespace gw::map {

namespace {

using fhir::Element;

bool IsTakenOut(std::string_view action) { return action == "DE" || action == "UN"; }

// Does a child steer the items of its list, name its resource or restrict who sees it?
bool IsItem(const Element& child) {
  return !MarkOf(child, kActionMark).empty() || child.name() == "identifier" ||
         child.name() == "meta" || IsMark(child);
}

bool HasSame(const Element& parent, const Element& item) {
  for (const Element* child = parent.Child(item.name()); child != nullptr; child = child->next()) {
    if (child->name() == item.name() && child->is_null() == item.is_null() &&
        SameElement(*child, item)) {
      return true;
    }
  }
  return false;
}

const Element* EndOfList(const Element* first) {
  const Element* end = first->next();
  while (end != nullptr && end->definition() == first->definition()) {
    end = end->next();
  }
  return end;
}

// Takes two elements of one type together, in the one that came first.
class Joiner {
 public:
  // `later_wins`: of two values the later stands, else the earlier. `only_items`: of the later only
  // what IsItem is taken. `is_replaced`: a list that is a value is one value, and the winner's.
  Joiner(bool later_wins, bool only_items, bool is_replaced)
      : later_wins_(later_wins), only_items_(only_items), is_replaced_(is_replaced) {}

  bool is_dropped() const { return is_dropped_; }

  Status Elements(const Element& from, Element* to) {
    const Element* child = from.first_child();
    while (child != nullptr) {
      const Element* end = EndOfList(child);
      const fhir::ElementDef* definition = child->definition();
      GW_RETURN_IF_ERROR(definition == nullptr || definition->max == 1 ? Single(*child, to)
                                                                       : List(child, end, to));
      child = end;
    }
    return {};
  }

  // Takes out what gives way to what the winner says.
  void KeepItems(const Element& winner, Element* loser) {
    Element* child = loser->first_child();
    while (child != nullptr) {
      Element* next = child->next();
      if (!IsItem(*child)) {
        is_dropped_ |= !HasSame(winner, *child);
        loser->Remove(child);
      }
      child = next;
    }
  }

 private:
  Status Single(const Element& child, Element* to) {
    Element* standing = to->Child(child.name());
    if (only_items_ && !IsItem(child)) {
      is_dropped_ |= !HasSame(*to, child);
      return {};
    }
    if (standing == nullptr) {
      return Append(child, to);
    }
    if (child.name() == "meta") {
      Joiner labels(later_wins_, false, false);  // restrictions add up
      return labels.Elements(child, standing);
    }
    if (&standing->type() == &child.type() && HasSeparateParts(child) && !child.is_null() &&
        !standing->is_null()) {
      return Elements(child, standing);
    }
    if (standing->is_null() == child.is_null() && SameElement(*standing, child)) {
      return {};
    }
    // What is written only where nothing stands gives way to what is said.
    const bool is_default = MarkOf(child, kDefaultMark) == "true";
    const bool was_default = MarkOf(*standing, kDefaultMark) == "true";
    is_dropped_ |= !is_default && !was_default;
    if (was_default || (later_wins_ && !is_default)) {
      to->Remove(standing);
      return Append(child, to);
    }
    return {};
  }

  // Items that segments speak of follow each other; those of lists that are added to are joined by
  // their keys; any other list is one value where actions speak of it, and else is added to.
  Status List(const Element* first, const Element* end, Element* to) {
    std::vector<Element*> standing;
    for (Element* old = to->Child(first->name());
         old != nullptr && old->definition() == first->definition(); old = old->next()) {
      standing.push_back(old);
    }
    const bool is_value = is_replaced_ && !standing.empty() && !IsAddedTo(*first) &&
                          MarkOf(*first, kActionMark).empty() &&
                          MarkOf(*standing.front(), kActionMark).empty();
    for (const Element* item = first; item != end; item = item->next()) {
      if ((only_items_ && !IsItem(*item)) || (is_value && !later_wins_)) {
        is_dropped_ |= !HasSame(*to, *item);
      } else {
        GW_RETURN_IF_ERROR(Item(*item, &standing, to));
      }
    }
    if (is_value && later_wins_) {
      for (Element* old : standing) {
        is_dropped_ = true;
        to->Remove(old);
      }
    }
    return {};
  }

  // Takes what the item is joined with out of `standing`.
  Status Item(const Element& item, std::vector<Element*>* standing, Element* to) {
    if (IsMark(item) && FindMark(*to, item.TextAt("url")) != nullptr) {
      return {};
    }
    const std::string_view action = MarkOf(item, kActionMark);
    // A label belongs to who set it: it never takes another's place.
    const bool has_place = action.empty() && IsAddedTo(item) && item.type().name() != "Coding";
    const std::vector<Operation::KeyPart> key =
        has_place ? KeyOf(item) : std::vector<Operation::KeyPart>();
    for (auto old = standing->begin(); old != standing->end(); ++old) {
      if (MarkOf(**old, kActionMark) != action) {
        continue;
      }
      if ((*old)->is_null() == item.is_null() && SameElement(**old, item)) {
        standing->erase(old);
        return {};
      }
      if (HasKey(**old, key)) {
        is_dropped_ = true;
        if (!later_wins_) {
          return {};
        }
        to->Remove(*old);
        standing->erase(old);
        break;
      }
    }
    return Append(item, to);
  }

  static Status Append(const Element& child, Element* to) {
    GW_TRY([[maybe_unused]] Element * copy, to->AddCopy(JsonNameOf(child), child));
    return {};
  }

  const bool later_wins_;
  const bool only_items_;
  const bool is_replaced_;
  bool is_dropped_ = false;
};

void SetAction(std::string_view code, Element* item) {
  for (Element* child = item->first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "extension" && child->TextAt("url") == kActionMark) {
      child->Child("value")->SetText(code);
    }
  }
}

// What two items come to that are both there afterwards.
std::string_view CodeOfBoth(std::string_view was, std::string_view is) {
  for (const std::string_view code : {"SP", "AD", "CO"}) {
    if (was == code || is == code) {
      return code;
    }
  }
  return "UP";
}

// The earlier and the later of two items with one key as one, which is given back; where the first
// is taken out and another put in its place, both stay.
Result<Element*> FoldTwo(Element* earlier, Element* later, bool* is_dropped) {
  const std::string_view was = MarkOf(*earlier, kActionMark);
  const std::string_view is = MarkOf(*later, kActionMark);
  Element* holder = earlier->parent();
  if (is == "UC" || (is == "LI" && !IsTakenOut(was) && was != "UC") ||
      (IsTakenOut(is) && IsTakenOut(was))) {
    holder->Remove(later);
    return earlier;
  }
  if (!IsTakenOut(is) && !IsTakenOut(was) && was != "UC" && was != "LI") {
    Joiner joiner(true, false, true);
    GW_RETURN_IF_ERROR(joiner.Elements(*later, earlier));
    *is_dropped |= joiner.is_dropped();
    SetAction(CodeOfBoth(was, is), earlier);
    holder->Remove(later);
    return earlier;
  }
  if (IsTakenOut(was) && is != "LI") {
    return later;
  }
  if (IsTakenOut(is) && (was == "AD" || was == "LI" || was == "SP")) {
    SetAction("UN", later);  // it need not have been there before
  }
  holder->Remove(earlier);
  return later;
}

// What an item that segments speak of is found by in its list; empty: it is none, or has no key.
std::string KeyText(const Element& item) {
  if (MarkOf(item, kActionMark).empty()) {
    return {};
  }
  std::string text;
  for (const Operation::KeyPart& part : KeyOf(item)) {
    text.append("|").append(part.text);
  }
  return text.empty() ? text : std::string(item.name()) + text;
}

}  // namespace

int RankOf(Action action) {
  switch (action) {
    case Action::kAdd:
      return 9;
    case Action::kCorrect:
      return 8;
    case Action::kUpdate:
      return 7;
    case Action::kSnapshot:
      return 6;
    case Action::kDelete:
      return 5;
    case Action::kMerge:
      return 4;
    case Action::kLink:
      return 3;
    case Action::kUnlink:
      return 2;
    case Action::kUnchanged:
      return 1;
  }
  return 0;
}

int RankOf(const Change& change) { return change.stub ? 0 : RankOf(change.action); }

Result<bool> JoinChanges(const Change& from, Change* to) {
  const int rank = RankOf(from);
  const int standing = RankOf(*to);
  const bool later_wins = rank >= standing;
  const Change& loser = later_wins ? *to : from;
  const Change& winner = later_wins ? from : *to;
  const bool gives_way = !loser.stub && ChangesItemsOnly(loser) && !ChangesItemsOnly(winner);
  // What is added twice is added once; of other actions the list that is sent is the list.
  const bool is_replaced =
      winner.action != Action::kMerge && (rank != standing || winner.action != Action::kAdd);
  Joiner joiner(later_wins, gives_way && !later_wins, is_replaced);
  if (gives_way && later_wins) {
    joiner.KeepItems(from.fragment.root(), &to->fragment.root());
  }
  const bool is_told = !loser.stub;
  GW_RETURN_IF_ERROR(joiner.Elements(from.fragment.root(), &to->fragment.root()));
  if (RankOf(from.action) > RankOf(to->action)) {
    to->action = from.action;
  }
  to->done = later_wins && !from.done.empty() ? from.done : to->done;
  to->stub = to->stub && from.stub;
  to->if_known = to->if_known && from.if_known;
  return is_told && joiner.is_dropped();
}

Result<bool> FoldItems(Change* change) {
  bool is_dropped = false;
  if (!HasMarkedItems(change->fragment)) {
    return is_dropped;
  }
  std::map<std::string, Element*> standing;
  Element* next = nullptr;
  for (Element* child = change->fragment.root().first_child(); child != nullptr; child = next) {
    next = child->next();
    const std::string key = KeyText(*child);
    if (key.empty()) {
      continue;
    }
    Element*& earlier = standing.try_emplace(key, child).first->second;
    if (earlier != child) {
      GW_TRY(earlier, FoldTwo(earlier, child, &is_dropped));
    }
  }
  return is_dropped;
}

}  // namespace gw::map
