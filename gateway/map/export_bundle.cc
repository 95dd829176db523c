#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <utility>

#include "gateway/map/export_internal.h"

namespace gw::map {
namespace {

using fhir::Element;
using fhir::Resource;

constexpr std::string_view kIdentifier = "identifier";
constexpr std::string_view kLocal = "urn:caregate:id:fhir:";

// Resources that say something about another one without being referred to by it: they go where
// the other goes.
struct Attached {
  std::string_view type;
  std::string_view path;  // of the Reference
};
constexpr std::array<Attached, 14> kAttached = {{{"RelatedPerson", "patient"},
                                                 {"Communication", "about"},
                                                 {"PractitionerRole", "practitioner"},
                                                 {"Task", "focus"},
                                                 {"Observation", "subject"},
                                                 {"CareTeam", "subject"},
                                                 {"DocumentReference", "subject"},
                                                 {"Provenance", "target"},
                                                 {"AllergyIntolerance", "patient"},
                                                 {"Condition", "encounter"},
                                                 {"Procedure", "encounter"},
                                                 {"Goal", "addresses"},
                                                 {"CarePlan", "addresses"},
                                                 {"CarePlan", "goal"}}};

// What a resource of that type is called in the identifiers of decision 9.
std::string_view KindOf(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kKinds = {
      {{"CarePlan", "plan"},
       {"Goal", "goal"},
       {"Condition", "problem"},
       {"Consent", "consent"},
       {"DocumentReference", "doc"},
       {"Encounter", "visit"},
       {"ServiceRequest", "order"},
       {"CareTeam", "team"},
       {"Communication", "variance"},
       {"Observation", "obs"}}};
  for (const auto& [name, kind] : kKinds) {
    if (name == type) {
      return kind;
    }
  }
  return "person";
}

bool IsStub(const Element& resource) {
  const Element* meta = resource.Child("meta");
  for (const Element* tag = meta == nullptr ? nullptr : meta->first_child(); tag != nullptr;
       tag = tag->next()) {
    if (tag->name() == "tag" && tag->TextAt("system") == kTagSystem &&
        tag->TextAt("code") == kStubTag) {
      return true;
    }
  }
  return false;
}

bool IsInError(const Element& resource) {
  return resource.TextAt("status") == "entered-in-error" ||
         resource.TextAt("lifecycleStatus") == "entered-in-error" ||
         resource.TextAt("verificationStatus.coding.code") == "entered-in-error";
}

// The action that an entry of a plain Bundle asks for.
std::string_view ActionOf(const Element& entry, const Element& resource) {
  const Element* mark = nullptr;
  for (const Element* child = entry.first_child(); child != nullptr; child = child->next()) {
    mark = child->name() == "extension" && child->TextAt("url") == kActionMark ? child : mark;
  }
  if (mark != nullptr) {
    return mark->TextAt("value");
  }
  if (IsInError(resource)) {
    return "DE";
  }
  if (IsStub(resource)) {
    return "LI";
  }
  const std::string_view method = entry.TextAt("request.method");
  return method == "PUT" || method == "PATCH" ? "UP" : method == "DELETE" ? "DE" : "AD";
}

// ".goal[0].reference" of "Bundle.entry[3].resource.goal[0].reference".
std::string PathBelow(const Element& node, const Element& resource) {
  const std::string whole = node.Location();
  const std::string prefix = resource.Location();
  return whole.substr(std::min(prefix.size(), whole.size()));
}

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
bool IsMark(const Element& leaf) {
  const Element* extension = leaf.parent();
  const std::string_view url =
      extension != nullptr && extension->name() == "extension" ? extension->TextAt("url") : "";
  return url == kActionMark || url == kDefaultMark || url == kRemoveMark;
}

}  // namespace

Result<Element*> Outbound::Append(const Element& resource, std::string url,
                                  std::string_view action) {
  GW_TRY(Element * entry, bundle_.root().Add("entry"));
  GW_TRY(Element * mark, entry->Add("extension"));
  GW_RETURN_IF_ERROR(mark->Add("url", kActionMark));
  GW_RETURN_IF_ERROR(mark->Add("valueCode", action));
  Entry made;
  made.node = entry;
  GW_TRY(made.resource, entry->AddCopy("resource", resource));
  const std::string type(resource.type().name());
  const auto of_type = std::count_if(entries_.begin(), entries_.end(), [&](const Entry& other) {
    return other.resource->type().name() == type;
  });
  made.label = type + "[" + std::to_string(of_type + 1) + "]";
  made.url = url.empty() ? "urn:caregate:entry:" + made.label : std::move(url);
  made.action = mark->TextAt("value");
  GW_RETURN_IF_ERROR(entry->Add("fullUrl", made.url));
  entries_.push_back(std::move(made));
  return entry;
}

Status Outbound::AppendEntry(const Element& entry) {
  const Element* resource = entry.Child("resource");
  if (resource == nullptr) {
    if (entry.TextAt("request.method") == "DELETE") {
      refused_.push_back({Code::kUnprocessable,
                          "a DELETE names no business identifier and no person: no message says it",
                          entry.Location() + ".request"});
    }
    return {};
  }
  const std::string_view url = entry.TextAt("fullUrl");
  if (entry.TextAt("request.method") == "PATCH" && resource->type().name() == "Parameters") {
    GW_TRY(const Resource fragment,
           FragmentOfPatch(*resource, entry.TextAt("request.url"), *definitions_));
    GW_RETURN_IF_ERROR(Append(fragment.root(), std::string(url), ActionOf(entry, fragment.root())));
    return {};
  }
  GW_RETURN_IF_ERROR(Append(*resource, std::string(url), ActionOf(entry, *resource)));
  return Lift(entries_.size() - 1);
}

// Contained resources become entries of their own.
Status Outbound::Lift(size_t index) {
  Element* resource = entries_[index].resource;
  const std::string base = entries_[index].url;
  std::vector<Resource> parts;
  for (const Element* child = resource->first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "contained") {
      parts.push_back(Resource::CopyOf(*child));
    }
  }
  resource->Clear("contained");
  for (const Resource& part : parts) {
    GW_RETURN_IF_ERROR(Append(part.root(), base + "#" + std::string(part.id()), "UC"));
  }
  return {};
}

Result<Outbound> Outbound::FromBundle(const Resource& resource,
                                      const fhir::Definitions& definitions) {
  GW_TRY(Resource bundle, Resource::Make("Bundle", definitions));
  Outbound outbound(std::move(bundle), definitions);
  GW_RETURN_IF_ERROR(outbound.bundle_.root().Add("type", "collection"));
  if (resource.type() != "Bundle") {
    GW_RETURN_IF_ERROR(
        outbound.Append(resource.root(), {}, ActionOf(resource.root(), resource.root())));
    GW_RETURN_IF_ERROR(outbound.Lift(0));
    GW_RETURN_IF_ERROR(outbound.Finish());
    return outbound;
  }
  for (const Element* entry = resource.root().first_child(); entry != nullptr;
       entry = entry->next()) {
    if (entry->name() == "entry") {
      GW_RETURN_IF_ERROR(outbound.AppendEntry(*entry));
    }
  }
  GW_RETURN_IF_ERROR(outbound.Finish());
  return outbound;
}

Result<Outbound> Outbound::FromChanges(std::span<const Change> changes,
                                       const fhir::Definitions& definitions) {
  GW_TRY(Resource bundle, Resource::Make("Bundle", definitions));
  Outbound outbound(std::move(bundle), definitions);
  GW_RETURN_IF_ERROR(outbound.bundle_.root().Add("type", "collection"));
  for (const Change& change : changes) {
    const std::string_view action = change.stub ? std::string_view("LI") : CodeOf(change.action);
    GW_RETURN_IF_ERROR(outbound.Append(change.fragment.root(), change.full_url,
                                       action.empty() ? std::string_view("AD") : action));
    outbound.entries_.back().is_merge = change.action == Action::kMerge;
  }
  GW_RETURN_IF_ERROR(outbound.Finish());
  return outbound;
}

// Gives the resource an identifier, where it has none, and makes it known by all its names.
Status Outbound::Identify(Entry* entry) {
  const size_t index = static_cast<size_t>(entry - entries_.data());
  Element* resource = entry->resource;
  const std::string type(resource->type().name());
  const std::string id(resource->TextAt("id"));
  if (resource->type().Find(kIdentifier) != nullptr && resource->Child(kIdentifier) == nullptr) {
    GW_TRY(Element * identifier, resource->Add(kIdentifier));
    GW_RETURN_IF_ERROR(identifier->Add("system", std::string(kLocal) + std::string(KindOf(type))));
    const std::string last = entry->url.substr(entry->url.find_last_of(":/") + 1);
    GW_RETURN_IF_ERROR(identifier->Add("value", id.empty() ? last : id));
    added_.insert(entry->label + ".identifier");
  }
  by_url_.emplace(entry->url, index);
  if (!id.empty()) {
    by_url_.emplace(type + "/" + id, index);
  }
  for (const Element* child = resource->first_child(); child != nullptr; child = child->next()) {
    if (child->name() == kIdentifier && !child->TextAt("value").empty()) {
      by_url_.emplace(type + "|" + std::string(child->TextAt("system")) + "|" +
                          std::string(child->TextAt("value")),
                      index);
    }
  }
  return {};
}

Status Outbound::Finish() {
  for (Entry& entry : entries_) {
    GW_RETURN_IF_ERROR(Identify(&entry));
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    GW_RETURN_IF_ERROR(Resolve(i, entries_[i].resource));
  }
  return {};
}

std::optional<size_t> Outbound::Find(std::string_view reference, const Element* holder) const {
  const auto known = [this](std::string_view name) -> std::optional<size_t> {
    const auto found = by_url_.find(name);
    return found == by_url_.end() ? std::nullopt : std::optional(found->second);
  };
  std::optional<size_t> found = known(reference);
  if (const size_t query = reference.find("?identifier="); !found && query != reference.npos) {
    found = known(std::string(reference.substr(0, query)) + "|" +
                  std::string(reference.substr(query + 12)));
  }
  // "https://server/fhir/Goal/7" and "Goal/7/_history/2" are known as "Goal/7".
  const std::string_view current = reference.substr(0, reference.find("/_history/"));
  const size_t id_at = current.rfind('/');
  const size_t type_at =
      id_at == 0 || id_at == current.npos ? id_at : current.rfind('/', id_at - 1);
  if (!found && id_at != current.npos) {
    found = known(current.substr(type_at == current.npos ? 0 : type_at + 1));
  }
  const Element* identifier = holder->Child(kIdentifier);
  if (!found && identifier != nullptr) {
    found = known(std::string(holder->TextAt("type")) + "|" +
                  std::string(identifier->TextAt("system")) + "|" +
                  std::string(identifier->TextAt("value")));
  }
  return found;
}

Status Outbound::Resolve(size_t index, Element* element) {
  if (element->type().name() == "Identifier") {
    systems_.insert(std::string(element->TextAt("system")));
  }
  if (element->type().name() == "Reference") {
    std::string reference(element->TextAt("reference"));
    if (reference.starts_with('#')) {
      reference = entries_[index].url + reference;
    }
    const std::optional<size_t> found = Find(reference, element);
    if (found) {
      const Entry& target = entries_[*found];
      entries_[index].refers_to.push_back(*found);
      element->Clear("reference");
      GW_RETURN_IF_ERROR(element->Add("reference", target.url));
      const Element* identifier = target.resource->Child(kIdentifier);
      if (element->Child(kIdentifier) == nullptr && identifier != nullptr) {
        GW_RETURN_IF_ERROR(element->AddCopy(kIdentifier, *identifier));
        added_.insert(entries_[index].label + PathBelow(*element, *entries_[index].resource) +
                      ".identifier");
      }
    }
  }
  for (Element* child = element->first_child(); child != nullptr; child = child->next()) {
    GW_RETURN_IF_ERROR(Resolve(index, child));
  }
  return {};
}

bool Outbound::RefersToOneOf(const Element& holder, std::string_view path,
                             const std::set<size_t>& taken) const {
  for (const Element* child = holder.first_child(); child != nullptr; child = child->next()) {
    const auto target =
        child->name() == path ? by_url_.find(child->TextAt("reference")) : by_url_.end();
    if (target != by_url_.end() && taken.contains(target->second)) {
      return true;
    }
  }
  return false;
}

// A plan or goal that has a message of its own holds what it refers to there; the team of a plan
// goes with the plan.
bool Outbound::IsToldElsewhere(size_t index, const std::set<size_t>& focus) const {
  const Entry& entry = entries_[index];
  const std::string_view type = entry.resource->type().name();
  if (type == "CarePlan" || type == "Goal") {
    return entry.action != "LI" && entry.action != "UC" && entry.action != "UN";
  }
  if (type != "CareTeam") {
    return false;
  }
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& plan) {
    const auto refers = [&plan](size_t to) {
      return std::find(plan.refers_to.begin(), plan.refers_to.end(), to) != plan.refers_to.end();
    };
    return plan.resource->type().name() == "CarePlan" && refers(index) &&
           std::none_of(focus.begin(), focus.end(), refers);
  });
}

Result<Resource> Outbound::Cut(const std::vector<size_t>& focus, std::vector<size_t>* from) const {
  const std::set<size_t> focused(focus.begin(), focus.end());
  std::set<size_t> taken = focused;
  std::deque<size_t> open(focus.begin(), focus.end());
  const auto follow = [&] {
    while (!open.empty()) {
      const size_t at = open.front();
      open.pop_front();
      for (const size_t next : entries_[at].refers_to) {
        if (taken.insert(next).second) {
          open.push_back(next);
        }
      }
    }
  };
  follow();
  for (size_t i = 0; i < entries_.size(); ++i) {
    for (const Attached& attached : kAttached) {
      const Element* holder = entries_[i].resource;
      if (holder->type().name() != attached.type || taken.contains(i)) {
        continue;
      }
      if (!IsToldElsewhere(i, focused) && RefersToOneOf(*holder, attached.path, taken)) {
        taken.insert(i);
        open.push_back(i);
      }
    }
  }
  follow();
  GW_TRY(Resource cut, Resource::Make("Bundle", *definitions_));
  GW_RETURN_IF_ERROR(cut.root().Add("type", "searchset"));
  for (const size_t index : taken) {
    GW_TRY(Element * entry, cut.root().AddCopy("entry", *entries_[index].node));
    GW_TRY(Element * search, entry->Add("search"));
    const bool is_focus = std::find(focus.begin(), focus.end(), index) != focus.end();
    GW_RETURN_IF_ERROR(search->Add("mode", is_focus ? "match" : "include"));
    from->push_back(index);
  }
  return cut;
}

bool Outbound::IsAdded(const std::string& place) const {
  return std::any_of(added_.begin(), added_.end(),
                     [&place](const std::string& added) { return place.starts_with(added); });
}

bool Outbound::IsSaid(const Element& leaf, const Said& said) const {
  const Element* reference = ReferenceOf(leaf);
  if (reference == nullptr) {
    return IsMark(leaf);
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
