#include <algorithm>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/percent.h"
#include "gateway/map/change/internal.h"
#include "gateway/map/export/internal.h"

namespace gw::map {
namespace {

using fhir::Element;
using fhir::Resource;

Error Unreadable(std::string_view what) {
  return Error{Code::kUnprocessable, "a PATCH that cannot be sent on: " + std::string(what),
               "Bundle.entry.resource"};
}

const Element* PartNamed(const Element& operation, std::string_view name) {
  for (const Element* part = operation.first_child(); part != nullptr; part = part->next()) {
    if (part->name() == "part" && part->TextAt("name") == name) {
      return part;
    }
  }
  return nullptr;
}

// One step of a path: "participant.where(id='R-1:X')" is the name and what is in the brackets.
struct Step {
  std::string name;
  std::vector<std::pair<std::string, std::string>> keys;
};

// Reads key='value' pairs joined by " and "; moves *at behind the closing bracket.
bool ReadKeys(std::string_view path, size_t* at, Step* step) {
  while (*at < path.size() && path[*at] != ')') {
    const size_t equals = path.find('=', *at);
    if (equals == path.npos || equals + 1 >= path.size() || path[equals + 1] != '\'') {
      return false;
    }
    std::string key(path.substr(*at, equals - *at));
    std::string value;
    size_t end = equals + 2;
    for (; end < path.size() && path[end] != '\''; ++end) {
      end += path[end] == '\\' ? 1U : 0U;
      value += end < path.size() ? path[end] : '\0';
    }
    step->keys.emplace_back(std::move(key), std::move(value));
    *at = std::min(end + 1, path.size());
    *at += path.substr(*at).starts_with(" and ") ? 5U : 0U;
  }
  ++*at;
  return true;
}

bool ReadPath(std::string_view path, std::vector<Step>* steps) {
  for (size_t at = 0; at < path.size();) {
    at += path[at] == '.' ? 1U : 0U;
    if (path.substr(at).starts_with("where(") && !steps->empty()) {
      at += 6;
      if (!ReadKeys(path, &at, &steps->back())) {
        return false;
      }
    } else if (path.substr(at).starts_with("[0]")) {
      at += 3;
    } else {
      const size_t end = std::min(path.find_first_of(".[", at), path.size());
      if (end == at) {
        return false;
      }
      steps->push_back({std::string(path.substr(at, end - at)), {}});
      at = end;
    }
  }
  return !steps->empty();
}

// Sets "identifier.value" below an item that a key names.
Status SetKey(Element* item, std::string_view path, std::string_view text) {
  const size_t dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  if (dot == path.npos) {
    GW_RETURN_IF_ERROR(item->Add(name, text));
    return {};
  }
  Element* child = item->Child(name);
  if (child == nullptr) {
    GW_TRY(child, item->Add(name));
  }
  return SetKey(child, path.substr(dot + 1), text);
}

// The element of a step, made where it is not there yet.
Result<Element*> Enter(Element* parent, const Step& step) {
  for (Element* child = parent->first_child(); child != nullptr; child = child->next()) {
    const bool fits = child->name() == step.name &&
                      std::all_of(step.keys.begin(), step.keys.end(), [child](const auto& key) {
                        return child->TextAt(key.first) == key.second;
                      });
    if (fits) {
      return child;
    }
  }
  const fhir::ElementDef* element = parent->type().Find(step.name);
  auto made = element != nullptr && element->choice ? parent->AddOf(*element, *element->types[0])
                                                    : parent->Add(step.name);
  if (!made) {
    return Unreadable("a path that cannot be followed");
  }
  for (const auto& [path, text] : step.keys) {
    GW_RETURN_IF_ERROR(SetKey(*made, path, text));
  }
  return *made;
}

// An item that is taken out; said once, however often the patch deletes it.
Status MarkDeleted(Element* item) {
  if (!MarkOf(*item, kActionMark).empty()) {
    return {};
  }
  GW_TRY(Element * mark, item->Add("extension"));
  GW_RETURN_IF_ERROR(mark->Add("url", kActionMark));
  GW_RETURN_IF_ERROR(mark->Add("valueCode", "DE"));
  return {};
}

// An item that was deleted by its key and is set again: only what it becomes is said. Which action
// it was nobody knows, so it has none: a receiver adds it, or sets what it has.
void ReplaceDeleted(Element* parent, const Element& item) {
  const std::vector<Operation::KeyPart> key = KeyOf(item);
  Element* next = nullptr;
  for (Element* child = parent->first_child(); !key.empty() && child != nullptr; child = next) {
    next = child->next();
    if (child != &item && child->name() == item.name() && MarkOf(*child, kActionMark) == "DE" &&
        HasKey(*child, key)) {
      parent->Remove(child);
    }
  }
}

// A value given as value[x], or as parts that are named like the elements (R4 fhirpatch.html).
Result<Element*> AddValue(Element* parent, std::string_view name, const Element& part) {
  for (Element* child = parent->Child(name); child != nullptr && child->is_null();
       child = parent->Child(name)) {
    parent->Remove(child);  // deleted first, then set: it is replaced
  }
  if (const Element* value = part.Child("value"); value != nullptr) {
    const fhir::ElementDef* element = parent->type().Find(name);
    const std::string_view json_name = element != nullptr && element->choice
                                           ? parent->type().JsonName(*element, value->type())
                                           : name;
    auto copy = parent->AddCopy(json_name, *value);
    return copy ? copy : Result<Element*>(Unreadable("a value that does not fit"));
  }
  auto made = parent->Add(name);
  if (!made) {
    return Unreadable("a value that does not fit");
  }
  for (const Element* child = part.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "part") {
      GW_RETURN_IF_ERROR(AddValue(*made, child->TextAt("name"), *child));
    }
  }
  return *made;
}

Status Apply(const Element& operation, Element* root) {
  const Element* type = PartNamed(operation, "type");
  const Element* path = PartNamed(operation, "path");
  std::vector<Step> steps;
  if (type == nullptr || path == nullptr || !ReadPath(path->TextAt("value"), &steps) ||
      steps.front().name != root->type().name()) {
    return Unreadable("an operation without a type or path");
  }
  const std::string_view verb = type->TextAt("value");
  const bool is_delete = verb == "delete";
  const size_t depth = is_delete ? steps.size() - 1 : steps.size();
  Element* at = root;
  for (size_t i = 1; i < depth; ++i) {
    GW_TRY(at, Enter(at, steps[i]));
  }
  const Element* name = PartNamed(operation, "name");
  const Element* value = PartNamed(operation, "value");
  if (verb == "add" && name != nullptr && value != nullptr) {
    GW_TRY(const Element* added, AddValue(at, name->TextAt("value"), *value));
    ReplaceDeleted(at, *added);
    return {};
  }
  if (!is_delete || steps.size() < 2) {
    return Unreadable("an operation that is neither add nor delete");
  }
  GW_TRY(Element * gone, Enter(at, steps.back()));
  if (!steps.back().keys.empty()) {
    return MarkDeleted(gone);
  }
  gone->SetNull();
  return {};
}

// The key that the request names: "Goal?identifier=system|value", or "Goal/7".
Status AddKey(std::string_view url, Element* resource) {
  const std::string_view rest = url.substr(std::min(resource->type().name().size(), url.size()));
  if (rest.starts_with('/') && rest.size() > 1 && rest.find_first_of("/?#", 1) == rest.npos) {
    GW_RETURN_IF_ERROR(resource->Add("id", rest.substr(1)));
    return {};
  }
  const auto key = rest.starts_with('?') ? KeyOfQuery(rest.substr(1)) : std::nullopt;
  if (!key) {
    return Unreadable("a URL that names no resource by its id or by one identifier");
  }
  GW_TRY(Element * identifier, resource->Add("identifier"));
  if (!key->system.empty()) {
    GW_RETURN_IF_ERROR(identifier->Add("system", key->system));
  }
  GW_RETURN_IF_ERROR(identifier->Add("value", key->value));
  return {};
}

Status ReadFhirPathPatch(const Element& parameters, Element* root) {
  for (const Element* operation = parameters.first_child(); operation != nullptr;
       operation = operation->next()) {
    if (operation->name() == "parameter" && operation->TextAt("name") == "operation") {
      GW_RETURN_IF_ERROR(Apply(*operation, root));
    }
  }
  return {};
}

}  // namespace

std::optional<QueriedKey> KeyOfQuery(std::string_view query) {
  constexpr std::string_view kParameter = "identifier=";
  if (!query.starts_with(kParameter) || query.find('&') != query.npos) {
    return std::nullopt;
  }
  const std::string token = PercentDecoded(query.substr(kParameter.size()));
  std::optional<QueriedKey> key;
  std::string part;
  for (size_t i = 0; i < token.size(); ++i) {
    const bool is_escaped = token[i] == '\\' && i + 1 < token.size();
    if (!is_escaped && (token[i] == ',' || (token[i] == '|' && key))) {
      return std::nullopt;  // one of several, or no token
    }
    if (!is_escaped && token[i] == '|') {
      key = QueriedKey{std::move(part), {}};
      part.clear();
      continue;
    }
    i += is_escaped ? 1U : 0U;
    part += token[i];
  }
  if (!key || part.empty()) {
    return std::nullopt;
  }
  key->value = std::move(part);
  return key;
}

Result<Resource> FragmentOfPatch(const Element& patch, std::string_view url,
                                 const fhir::Definitions& definitions) {
  const std::string type(url.substr(0, url.find_first_of("?/")));
  auto fragment = Resource::Make(type, definitions);
  if (!fragment) {
    return Unreadable("a URL that names no type of resource");
  }
  GW_RETURN_IF_ERROR(AddKey(url, &fragment->root()));
  if (patch.type().name() == "Parameters") {
    GW_RETURN_IF_ERROR(ReadFhirPathPatch(patch, &fragment->root()));
    return fragment;
  }
  const auto bytes = patch.TextAt("contentType") == "application/json-patch+json"
                         ? crypto::FromBase64(patch.TextAt("data"))
                         : std::nullopt;
  if (!bytes) {
    return Unreadable("a body of neither of the two forms");
  }
  GW_RETURN_IF_ERROR(ReadJsonPatch(*bytes, definitions, &*fragment));
  return fragment;
}

}  // namespace gw::map
