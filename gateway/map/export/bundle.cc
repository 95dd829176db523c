#include <algorithm>
#include <array>
#include <utility>

#include "gateway/map/change/internal.h"
#include "gateway/map/export/internal.h"

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

// What a message finds its resource by, or whom it speaks of: never to be invented.
bool NeedsKey(std::string_view type) {
  constexpr std::array<std::string_view, 9> kKeyed = {
      "Patient",   "CarePlan",       "Goal",          "Condition",        "Consent",
      "Encounter", "ServiceRequest", "Communication", "DocumentReference"};
  return std::find(kKeyed.begin(), kKeyed.end(), type) != kKeyed.end();
}

bool IsAbsolute(std::string_view url) {
  return url.starts_with("urn:") || url.find("://") != url.npos;
}

// "https://server/fhir" of "https://server/fhir/Goal/7"; empty for a fullUrl of another form.
std::string BaseOf(std::string_view url, std::string_view type) {
  const size_t id_at = url.rfind('/');
  const std::string_view holder = url.substr(0, id_at == url.npos ? 0 : id_at);
  const bool is_restful = url.find("://") != url.npos && holder.size() > type.size() &&
                          holder.ends_with(type) && holder[holder.size() - type.size() - 1] == '/';
  return is_restful ? std::string(holder.substr(0, holder.size() - type.size() - 1)) : "";
}

// What a Provenance is of: it goes where that goes, and leads to nothing else that it is of.
bool IsOfProvenance(const Element& reference) {
  return reference.name() == "target" && reference.parent()->type().name() == "Provenance";
}

std::string NameOf(std::string_view type, std::string_view system, std::string_view value) {
  return std::string(type) + "|" + std::string(system) + "|" + std::string(value);
}

bool IsInError(const Element& resource) {
  return resource.TextAt("status") == "entered-in-error" ||
         resource.TextAt("lifecycleStatus") == "entered-in-error" ||
         resource.TextAt("verificationStatus.coding.code") == "entered-in-error";
}

// The action that an entry of a plain Bundle asks for.
std::string_view ActionOf(const Element& entry, const Element& resource) {
  const std::string_view mark = MarkOf(entry, kActionMark);
  if (!mark.empty()) {
    return mark;
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

}  // namespace

Result<size_t> Outbound::Append(const Element& resource, std::string url, std::string_view action) {
  GW_TRY(Element * entry, bundle_.root().Add("entry"));
  GW_TRY(Element * mark, entry->Add("extension"));
  GW_RETURN_IF_ERROR(mark->Add("url", kActionMark));
  GW_RETURN_IF_ERROR(mark->Add("valueCode", action));
  Entry made;
  made.node = entry;
  GW_TRY(made.resource, entry->AddCopy("resource", resource));
  const std::string type(resource.type().name());
  made.label = type + "[" + std::to_string(++number_of_[type]) + "]";
  made.base = BaseOf(url, type);
  made.key = made.resource->TextAt("id");
  if (made.key.empty() && !url.empty()) {
    made.key = url.substr(url.find_last_of(":/") + 1);
  }
  made.url = url.empty() ? "urn:caregate:entry:" + made.label : std::move(url);
  made.action = mark->TextAt("value");
  GW_RETURN_IF_ERROR(entry->Add("fullUrl", made.url));
  entries_.push_back(std::move(made));
  return entries_.size() - 1;
}

Status Outbound::AppendEntry(const Element& entry) {
  const Element* resource = entry.Child("resource");
  const std::string_view method = entry.TextAt("request.method");
  if (resource == nullptr) {
    if (method == "DELETE") {
      refused_.push_back({Code::kUnprocessable,
                          "a DELETE names no business identifier and no person: no message says it",
                          entry.Location() + ".request"});
    }
    return {};
  }
  if (method == "PATCH") {
    return AppendPatch(entry, *resource);
  }
  GW_TRY(const size_t index,
         Append(*resource, std::string(entry.TextAt("fullUrl")), ActionOf(entry, *resource)));
  return Lift(index);
}

// A patch that cannot be read is refused in its place, and the rest is sent.
Status Outbound::AppendPatch(const Element& entry, const Element& patch) {
  auto fragment = FragmentOfPatch(patch, entry.TextAt("request.url"), *definitions_);
  if (!fragment && fragment.error().code == Code::kInternal) {
    return fragment.error();
  }
  if (!fragment) {
    refused_.push_back({Code::kUnprocessable, fragment.error().detail, entry.Location()});
    return {};
  }
  GW_TRY(const size_t index, Append(fragment->root(), std::string(entry.TextAt("fullUrl")),
                                    ActionOf(entry, fragment->root())));
  added_.insert(entries_[index].label + ".id");  // of the request's URL
  return {};
}

// Contained resources become entries of their own. Their ids are known in their container alone:
// what names the container names them.
Status Outbound::Lift(size_t index) {
  Element* resource = entries_[index].resource;
  const std::string url = entries_[index].url;
  std::vector<Resource> parts;
  for (const Element* child = resource->first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "contained") {
      parts.push_back(Resource::CopyOf(*child));
    }
  }
  resource->Clear("contained");
  // Its business identifier, where it has no id.
  const bool has_key = !entries_[index].key.empty();
  const std::string_view system = has_key ? "" : resource->TextAt("identifier.system");
  const std::string container =
      has_key ? entries_[index].key : std::string(resource->TextAt("identifier.value"));
  for (const Resource& part : parts) {
    const std::string id = "#" + std::string(part.id());
    GW_TRY(const size_t at, Append(part.root(), url + id, "UC"));
    entries_[at].is_contained = true;
    entries_[at].base = entries_[index].base;
    entries_[at].key = container.empty() ? "" : container + id;
    entries_[at].key_system = system;
  }
  return {};
}

Result<Outbound> Outbound::FromBundle(const Resource& resource,
                                      const fhir::Definitions& definitions) {
  GW_TRY(Resource bundle, Resource::Make("Bundle", definitions));
  Outbound outbound(std::move(bundle), definitions);
  GW_RETURN_IF_ERROR(outbound.bundle_.root().Add("type", "collection"));
  if (resource.type() != "Bundle") {
    GW_TRY(const size_t index,
           outbound.Append(resource.root(), {}, ActionOf(resource.root(), resource.root())));
    GW_RETURN_IF_ERROR(outbound.Lift(index));
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

// Gives the resource an identifier, where it has none and something names it, and makes it known by
// all its names.
Status Outbound::Identify(size_t index) {
  Entry& entry = entries_[index];
  Element* resource = entry.resource;
  const std::string_view type = resource->type().name();
  const bool has_none =
      resource->type().Find(kIdentifier) != nullptr && resource->Child(kIdentifier) == nullptr;
  const std::string system =
      entry.key_system.empty() ? std::string(kLocal) + std::string(KindOf(type)) : entry.key_system;
  if (has_none && (entry.key.empty() || IsTaken(NameOf(type, system, entry.key), entry))) {
    entry.is_nameless = NeedsKey(type);
  } else if (has_none) {
    GW_TRY(Element * identifier, resource->Add(kIdentifier));
    GW_RETURN_IF_ERROR(identifier->Add("system", system));
    GW_RETURN_IF_ERROR(identifier->Add("value", entry.key));
    added_.insert(entry.label + ".identifier");
  }
  by_url_.emplace(entry.url, index);
  if (const std::string_view id = resource->TextAt("id"); !id.empty() && !entry.is_contained) {
    by_id_[std::string(type) + "/" + std::string(id)].push_back(index);
  }
  for (const Element* child = resource->first_child(); child != nullptr; child = child->next()) {
    if (child->name() == kIdentifier && !child->TextAt("value").empty()) {
      by_url_.emplace(NameOf(type, child->TextAt("system"), child->TextAt("value")), index);
    }
  }
  return {};
}

// Is that the name of another server's resource with the same id?
bool Outbound::IsTaken(const std::string& name, const Entry& entry) const {
  const auto found = by_url_.find(name);
  return found != by_url_.end() && entries_[found->second].base != entry.base;
}

Status Outbound::Finish() {
  for (size_t i = 0; i < entries_.size(); ++i) {
    GW_RETURN_IF_ERROR(Identify(i));
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    GW_RETURN_IF_ERROR(Resolve(i, entries_[i].resource));
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    Attach(i);
  }
  return {};
}

std::optional<size_t> Outbound::Known(std::string_view name) const {
  const auto found = by_url_.find(name);
  return found == by_url_.end() ? std::nullopt : std::optional(found->second);
}

const Outbound::Entry* Outbound::EntryOf(std::string_view url) const {
  const std::optional<size_t> found = Known(url);
  return found ? &entries_[*found] : nullptr;
}

// R4 bundle.html 2.36.4.1: a relative reference is of the server of the entry that it stands in.
// Where that has no RESTful fullUrl, it is what the Bundle has under that type and id, of one
// server.
std::optional<size_t> Outbound::FindRelative(std::string_view reference,
                                             const std::string& base) const {
  if (!base.empty()) {
    if (const auto found = Known(base + "/" + std::string(reference))) {
      return found;
    }
  }
  const auto candidates = by_id_.find(reference);
  std::optional<size_t> found;
  for (const size_t index :
       candidates == by_id_.end() ? std::vector<size_t>() : candidates->second) {
    const std::string& other = entries_[index].base;
    if (!base.empty() && !other.empty() && other != base) {
      continue;
    }
    if (found && entries_[*found].base != other) {
      return std::nullopt;
    }
    found = found ? found : index;
  }
  return found;
}

std::optional<size_t> Outbound::Find(std::string_view reference, const Element* holder,
                                     const std::string& base) const {
  std::optional<size_t> found = Known(reference);
  if (const size_t query = reference.find('?'); !found && query != reference.npos) {
    const std::optional<QueriedKey> key = KeyOfQuery(reference.substr(query + 1));
    found = key ? Known(NameOf(reference.substr(0, query), key->system, key->value)) : std::nullopt;
  }
  const std::string_view current = reference.substr(0, reference.find("/_history/"));
  if (!found && !current.empty()) {
    found = IsAbsolute(current) ? Known(current) : FindRelative(current, base);
  }
  const Element* identifier = holder->Child(kIdentifier);
  if (!found && identifier != nullptr) {
    found = Known(
        NameOf(holder->TextAt("type"), identifier->TextAt("system"), identifier->TextAt("value")));
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
      const std::string& url = entries_[index].url;
      reference = (entries_[index].is_contained ? url.substr(0, url.rfind('#')) : url) + reference;
    }
    const std::optional<size_t> found = Find(reference, element, entries_[index].base);
    if (found) {
      const Entry& target = entries_[*found];
      if (!IsOfProvenance(*element)) {
        entries_[index].refers_to.push_back(*found);
      }
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

// Makes it known to what it refers to that it does.
void Outbound::Attach(size_t index) {
  const Entry& entry = entries_[index];
  const std::string_view type = entry.resource->type().name();
  const auto add = [index](std::vector<size_t>* list) {
    if (list->empty() || list->back() != index) {
      list->push_back(index);
    }
  };
  for (const size_t target : entry.refers_to) {
    if (type == "CarePlan") {
      add(&entries_[target].plans);
    }
  }
  for (const Attached& attached : kAttached) {
    const Element* child = attached.type == type ? entry.resource->first_child() : nullptr;
    for (; child != nullptr; child = child->next()) {
      const std::optional<size_t> target =
          child->name() == attached.path ? Known(child->TextAt("reference")) : std::nullopt;
      if (target) {
        add(&entries_[*target].attached);
      }
    }
  }
}

}  // namespace gw::map
