#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <set>

#include "gateway/map/change/change.h"
#include "gateway/map/export/internal.h"

// What one message takes of an Outbound, and what it leaves unsaid.
namespace gw::map {
namespace {

using fhir::Element;
using fhir::Resource;

constexpr std::string_view kIdentifier = "identifier";

// The Reference that a leaf is part of; null where it is of none.
const Element* ReferenceOf(const Element& leaf) {
  const Element* holder = leaf.parent();
  while (holder != nullptr && holder->type().name() != "Reference" && !holder->is_resource()) {
    holder = holder->parent();
  }
  return holder != nullptr && holder->type().name() == "Reference" ? holder : nullptr;
}

// Valued elements without valued children of their own, as a run counts them.
size_t CountLeaves(const Element& element) {
  size_t count = element.has_text() || element.is_null() ? 1U : 0U;
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    count += CountLeaves(*child);
  }
  return count;
}

// CWE has room for two codings: no message says a third, whatever a map has asked of it.
void AddThirdCodings(const Element& element, const Element& resource, std::set<std::string>* left) {
  size_t codings = 0;
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    codings += child->name() == "coding" ? 1U : 0U;
    if (child->name() != "coding" || codings <= 2) {
      AddThirdCodings(*child, resource, left);
      continue;
    }
    for (const Element* leaf = child->first_child(); leaf != nullptr; leaf = leaf->next()) {
      if (leaf->has_text()) {
        left->insert(PathBelow(*leaf, resource));
      }
    }
  }
}

// Part of an extension by which maps steer changes (change.h).
bool IsPartOfMark(const Element& leaf) {
  const Element* extension = leaf.parent();
  const std::string_view url =
      extension != nullptr && extension->name() == "extension" ? extension->TextAt("url") : "";
  return url == kActionMark || url == kDefaultMark || url == kRemoveMark || url == kChangedMark;
}

// What conditions ask of a resource, and what it refers to, says nothing of it yet.
bool IsContent(const Element& leaf, const Element& resource) {
  constexpr std::string_view kAsked[] = {"id",     "meta",     "status", "lifecycleStatus",
                                         "intent", "category", "type"};
  const Element* top = &leaf;
  while (top->parent() != &resource) {
    top = top->parent();
  }
  return ReferenceOf(leaf) == nullptr && !IsPartOfMark(leaf) &&
         std::find(std::begin(kAsked), std::end(kAsked), top->name()) == std::end(kAsked);
}

// Has a message said something of the resource? One without any content it may have said whole.
bool SaysSomethingOf(const Element& resource, const std::set<const Element*>& unread) {
  bool has_content = false;
  const Element* node = resource.first_child();
  while (node != nullptr) {
    if ((node->has_text() || node->is_null()) && IsContent(*node, resource)) {
      has_content = true;
      if (!unread.contains(node)) {
        return true;
      }
    }
    if (node->first_child() != nullptr) {
      node = node->first_child();
      continue;
    }
    while (node != &resource && node->next() == nullptr) {
      node = node->parent();
    }
    node = node == &resource ? nullptr : node->next();
  }
  return !has_content;
}

}  // namespace

std::string PathBelow(const Element& node, const Element& resource) {
  if (&node == &resource) {
    return {};
  }
  std::string path = PathBelow(*node.parent(), resource);
  path.append(1, '.').append(node.name());
  if (node.definition() == nullptr || node.definition()->max != 1) {
    size_t index = 0;
    for (const Element* item = node.parent()->first_child(); item != &node; item = item->next()) {
      index += item->definition() == node.definition() ? 1U : 0U;
    }
    path.append(1, '[').append(std::to_string(index)).append(1, ']');
  }
  return path;
}

// A plan or goal that has a message of its own holds what it refers to there; the team of a plan
// goes with the plan.
bool Outbound::IsToldElsewhere(size_t index, const std::set<size_t>& focus) const {
  const Entry& entry = entries_[index];
  const std::string_view type = entry.resource->type().name();
  if (type == "CarePlan" || type == "Goal") {
    return IsSpokenOf(entry);
  }
  return type == "CareTeam" &&
         std::any_of(entry.plans.begin(), entry.plans.end(), [&](const size_t plan) {
           const std::vector<size_t>& held = entries_[plan].refers_to;
           return std::none_of(held.begin(), held.end(),
                               [&focus](const size_t to) { return focus.contains(to); });
         });
}

Result<Resource> Outbound::Cut(const std::vector<size_t>& focus, const std::set<size_t>& without,
                               std::vector<size_t>* from) const {
  const std::set<size_t> focused(focus.begin(), focus.end());
  std::set<size_t> taken;
  std::deque<size_t> open;
  const auto take = [&](size_t index) {
    if (!without.contains(index) && taken.insert(index).second) {
      open.push_back(index);
    }
  };
  std::for_each(focus.begin(), focus.end(), take);
  for (; !open.empty(); open.pop_front()) {
    const Entry& entry = entries_[open.front()];
    std::for_each(entry.refers_to.begin(), entry.refers_to.end(), take);
    for (const size_t holder : entry.attached) {
      if (!IsToldElsewhere(holder, focused)) {
        take(holder);
      }
    }
  }
  GW_TRY(Resource cut, Resource::Make("Bundle", *definitions_));
  GW_RETURN_IF_ERROR(cut.root().Add("type", "searchset"));
  for (const size_t index : taken) {
    GW_TRY(Element * entry, cut.root().AddCopy("entry", *entries_[index].node));
    GW_TRY(Element * search, entry->Add("search"));
    GW_RETURN_IF_ERROR(search->Add("mode", focused.contains(index) ? "match" : "include"));
    from->push_back(index);
  }
  return cut;
}

Status Outbound::CheckNamed(const std::vector<size_t>& from,
                            const std::vector<const Element*>& unread, const Resource& cut) const {
  const auto is_nameless = [this](size_t index) { return entries_[index].is_nameless; };
  if (std::none_of(from.begin(), from.end(), is_nameless)) {
    return {};
  }
  const std::set<const Element*> left(unread.begin(), unread.end());
  auto index = from.begin();
  for (const Element* entry = cut.root().first_child(); entry != nullptr; entry = entry->next()) {
    if (entry->name() != "entry") {
      continue;
    }
    const bool is_focus = entry->TextAt("search.mode") == "match";
    if (is_nameless(*index) && (is_focus || SaysSomethingOf(*entry->Child("resource"), left))) {
      return Error{Code::kUnprocessable, "neither identifier, id nor fullUrl names it",
                   entries_[*index].label};
    }
    ++index;
  }
  return {};
}

std::set<size_t> Outbound::WithReferrers(size_t entry) const {
  std::set<size_t> found = {entry};
  for (size_t before = 0; before != found.size();) {
    before = found.size();
    for (size_t i = 0; i < entries_.size(); ++i) {
      const std::vector<size_t>& to = entries_[i].refers_to;
      const bool leads_to_one = std::any_of(
          to.begin(), to.end(), [&found](const size_t target) { return found.contains(target); });
      if (leads_to_one && entries_[i].resource->type().name() != "Provenance") {
        found.insert(i);
      }
    }
  }
  return found;
}

// It, or what it is part of, was added.
bool Outbound::IsAdded(const std::string& place) const {
  for (size_t at = place.find_first_of(".["); at != place.npos;
       at = place.find_first_of(".[", at + 1)) {
    if (added_.contains(place.substr(0, at))) {
      return true;
    }
  }
  return added_.contains(place);
}

bool Outbound::IsSaid(const Element& leaf, const Said& said) const {
  const Element* reference = ReferenceOf(leaf);
  if (reference == nullptr) {
    return IsPartOfMark(leaf);
  }
  if (leaf.parent() == reference && leaf.name() == "reference") {
    return reference->name() == "subject" || reference->name() == "patient";
  }
  const Element* identifier = reference->Child(kIdentifier);
  const Element* value = identifier == nullptr ? nullptr : identifier->Child("value");
  const Element* display = reference->Child("display");
  const bool is_key = leaf.parent() != reference;  // a name does not say the key
  if ((value != nullptr && !said.unread.contains(value)) ||
      (!is_key && display != nullptr && !said.unread.contains(display))) {
    return true;
  }
  const auto target = by_url_.find(reference->TextAt("reference"));
  return target != by_url_.end() && said.entries.contains(target->second);
}

std::vector<std::string> Outbound::Merge(const std::vector<size_t>& from,
                                         const std::vector<const Element*>& unread,
                                         const Resource& cut) {
  std::map<const Element*, size_t> by_resource;
  std::map<size_t, const Element*> resources;
  std::map<size_t, size_t> leaves;
  size_t at = 0;
  for (const Element* entry = cut.root().first_child(); entry != nullptr; entry = entry->next()) {
    if (entry->name() == "entry") {
      const Element* resource = entry->Child("resource");
      leaves[from[at]] = CountLeaves(*resource);
      resources[from[at]] = resource;
      by_resource[resource] = from[at++];
    }
  }
  std::map<size_t, std::vector<const Element*>> unread_of;
  for (const Element* leaf : unread) {
    const Element* resource = leaf;
    while (resource != nullptr && !by_resource.contains(resource)) {
      resource = resource->parent();
    }
    if (resource != nullptr) {
      unread_of[by_resource[resource]].push_back(leaf);
    }
  }
  Said said{{unread.begin(), unread.end()}, {}};
  for (const size_t index : from) {
    if (unread_of[index].size() != leaves[index]) {
      said.entries.insert(index);  // the message speaks of it
    }
  }
  std::vector<std::string> unwritten;
  for (const size_t index : from) {
    if (!said.entries.contains(index)) {
      continue;
    }
    Entry& entry = entries_[index];
    const Element* resource = resources[index];
    std::set<std::string> now;
    for (const Element* leaf : unread_of[index]) {
      if (!IsSaid(*leaf, said)) {
        now.insert(PathBelow(*leaf, *resource));
      }
    }
    AddThirdCodings(*resource, *resource, &now);
    for (const std::string& path : now) {
      if (!IsAdded(entry.label + path)) {
        unwritten.push_back(entry.label + path);
      }
    }
    if (!entry.unread) {
      entry.unread = std::move(now);
      continue;
    }
    std::erase_if(*entry.unread, [&now](const std::string& path) { return !now.contains(path); });
  }
  return unwritten;
}

std::string Outbound::PlaceIn(const std::vector<size_t>& from, const std::string& place) const {
  constexpr std::string_view kStart = "Bundle.entry[";
  constexpr std::string_view kResource = "].resource";
  size_t index = 0;
  const char* end = place.data() + place.size();
  const bool starts = place.starts_with(kStart);
  const auto number =
      std::from_chars(place.data() + (starts ? kStart.size() : place.size()), end, index);
  const std::string_view rest(number.ptr, static_cast<size_t>(end - number.ptr));
  if (!starts || number.ec != std::errc() || index >= from.size() || !rest.starts_with(kResource)) {
    return place;
  }
  return entries_[from[index]].label + std::string(rest.substr(kResource.size()));
}

std::vector<std::string> Outbound::Unread() const {
  std::vector<std::string> places;
  for (const Entry& entry : entries_) {
    if (!entry.unread) {
      continue;
    }
    for (const std::string& path : *entry.unread) {
      const std::string place = entry.label + path;
      if (!IsAdded(place)) {
        places.push_back(place);
      }
    }
  }
  return places;
}

}  // namespace gw::map
