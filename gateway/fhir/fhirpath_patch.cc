// R4 fhirpatch.html.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/fhir/patch.h"
#include "gateway/fhir/path/path.h"

namespace gw::fhir {
namespace {

// One operation, as its parts say.
struct Request {
  std::string_view type;
  std::string_view path;
  std::string_view name;
  std::optional<uint32_t> index;
  std::optional<uint32_t> source;
  std::optional<uint32_t> destination;
  const Element* value = nullptr;  // the part of that name
};

Error Malformed(std::string detail) { return {Code::kInvalid, std::move(detail), {}}; }
Error Unfit(std::string detail) { return {Code::kUnprocessable, std::move(detail), {}}; }

Status ReadCount(const Element& part, std::optional<uint32_t>* out) {
  uint32_t count = 0;
  const Element* value = part.Child("value");
  const std::string_view text = value == nullptr ? std::string_view() : value->text();
  const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return Malformed("index, source and destination are integers from 0");
  }
  *out = count;
  return {};
}

Status ReadPart(const Element& part, Request* out) {
  const std::string_view name = part.TextAt("name");
  if (name == "type") {
    out->type = part.TextAt("value");
  } else if (name == "path") {
    out->path = part.TextAt("value");
  } else if (name == "name") {
    out->name = part.TextAt("value");
  } else if (name == "value") {
    out->value = &part;
  } else if (name == "index") {
    return ReadCount(part, &out->index);
  } else if (name == "source") {
    return ReadCount(part, &out->source);
  } else if (name == "destination") {
    return ReadCount(part, &out->destination);
  } else {
    return Malformed("a part is none of type, path, name, value, index, source, destination");
  }
  return {};
}

Result<Request> ReadRequest(const Element& parameter) {
  if (parameter.TextAt("name") != "operation") {
    return Malformed("each parameter of a patch is named operation");
  }
  Request out;
  for (const Element* child = parameter.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "part") {
      GW_RETURN_IF_ERROR(ReadPart(*child, &out));
    }
  }
  if (out.path.empty()) {
    return Malformed("an operation needs a path");
  }
  return out;
}

uint32_t PlaceAmongItsName(const Element& element) {
  uint32_t place = 0;
  for (const Element* child = element.parent()->first_child(); child != &element;
       child = child->next()) {
    place += child->definition() == element.definition() ? 1u : 0u;
  }
  return place;
}

// Adds the element `name` to `holder` with what a part holds: value[x], a resource, or parts for an
// element of an unnamed type, each of which is one of its elements.
Result<Element*> AddPart(Element* holder, std::string_view name, const Element& part) {
  const TypeDef::Property property = holder->type().ByJsonName(name);
  const ElementDef* definition =
      property.element != nullptr ? property.element : holder->type().Find(name);
  if (definition == nullptr) {
    return Unfit("the element that is added to has no element of this name");
  }
  if (definition->max == 1 && holder->Child(definition->name) != nullptr) {
    return Unfit("the element stands already and may not repeat");
  }
  const Element* value = part.Child("value");
  value = value == nullptr ? part.Child("resource") : value;
  if (value != nullptr) {
    auto added = holder->AddCopy(definition->name, *value);
    if (!added) {
      return Unfit("the value is not of the element's type");
    }
    const bool form = !value->has_text() || (*added)->type().primitive() == Primitive::kNone ||
                      IsLexicalForm((*added)->type().primitive(), value->text());
    return form ? Result<Element*>(*added) : Unfit("the value is no lexical form of its type");
  }
  if (part.Child("part") == nullptr) {
    return Malformed("a part has no value");
  }
  if (definition->choice || definition->types.size() != 1 || definition->types[0]->is_abstract()) {
    return Unfit("an element of several types needs its value as value[x] or resource");
  }
  auto added = holder->AddTyped(definition->name, *definition->types[0]);
  if (!added) {
    return Unfit("the value is not of the element's type");
  }
  for (const Element* inner = part.first_child(); inner != nullptr; inner = inner->next()) {
    if (inner->name() == "part") {
      GW_TRY([[maybe_unused]] const Element* child, AddPart(*added, inner->TextAt("name"), *inner));
    }
  }
  return *added;
}

// Takes out what has neither text nor children. `depth` is that of the element in JSON, where a
// list is a level of its own. False past `depth_max`: operations can build on one another.
bool Prune(Element* element, uint32_t depth, uint32_t depth_max) {
  if (depth > depth_max) {
    return false;
  }
  for (Element* child = element->first_child(); child != nullptr;) {
    Element* next = child->next();
    if (!Prune(child, depth + (child->definition()->max == 1 ? 1u : 2u), depth_max)) {
      return false;
    }
    if (!child->has_text() && child->first_child() == nullptr && !child->is_resource()) {
      element->Remove(child);
    }
    child = next;
  }
  return true;
}

class FhirPathPatch {
 public:
  FhirPathPatch(Element* root, const Definitions& definitions)
      : root_(root), definitions_(definitions) {}

  Status Apply(const Element& parameter) {
    GW_TRY(const Request request, ReadRequest(parameter));
    if (request.type == "add") {
      return Add(request);
    }
    if (request.type == "insert") {
      return Insert(request);
    }
    if (request.type == "delete") {
      return Delete(request);
    }
    if (request.type == "replace") {
      return Replace(request);
    }
    return request.type == "move"
               ? Move(request)
               : Malformed("the type is none of add, insert, delete, replace, move");
  }

 private:
  // The elements of the resource at hand that the path leads to.
  Result<std::vector<Element*>> Follow(std::string_view path) const {
    auto compiled = path::Expression::Compile(path, definitions_, path::Mode::kStrict);
    if (!compiled) {
      return Malformed("path: " + compiled.error().detail + ", " + compiled.error().where);
    }
    Arena arena;
    path::Environment environment;
    environment.arena = &arena;
    environment.definitions = &definitions_;
    auto found = compiled->Evaluate(root_, environment);
    if (!found) {
      return Unfit("path: " + found.error().detail + ", " + found.error().where);
    }
    std::vector<Element*> out;
    for (const path::Value& value : *found) {
      if (value.element() == nullptr) {
        return Unfit("path: it leads to a value that is no element of the resource");
      }
      // All elements that it can reach are of the copy, which is ours to change.
      out.push_back(const_cast<Element*>(value.element()));
    }
    return out;
  }

  // Null where the path leads nowhere.
  Result<Element*> FollowToOne(std::string_view path) const {
    GW_TRY(const std::vector<Element*> found, Follow(path));
    if (found.size() > 1) {
      return Unfit("path: it leads to several elements, one is needed");
    }
    return found.empty() ? nullptr : found.front();
  }

  // All repetitions of one element of one holder.
  Result<std::vector<Element*>> FollowToList(std::string_view path) const {
    GW_TRY(std::vector<Element*> found, Follow(path));
    if (found.empty()) {
      return Unfit("path: nothing stands there");
    }
    const Element* first = found.front();
    const bool one_list = first->parent() != nullptr &&
                          std::all_of(found.begin(), found.end(),
                                      [first](const Element* element) {
                                        return element->parent() == first->parent() &&
                                               element->definition() == first->definition();
                                      }) &&
                          first->parent()->Count(first->name()) == found.size();
    return one_list ? Result<std::vector<Element*>>(std::move(found))
                    : Unfit("path: it does not lead to one whole list");
  }

  Status Add(const Request& request) const {
    if (request.name.empty() || request.value == nullptr) {
      return Malformed("add needs a name and a value");
    }
    GW_TRY(Element * holder, FollowToOne(request.path));
    if (holder == nullptr) {
      return Unfit("path: nothing stands there");
    }
    GW_TRY([[maybe_unused]] const Element* added, AddPart(holder, request.name, *request.value));
    return {};
  }

  Status Insert(const Request& request) const {
    if (!request.index || request.value == nullptr) {
      return Malformed("insert needs an index and a value");
    }
    GW_TRY(const std::vector<Element*> list, FollowToList(request.path));
    if (*request.index > list.size()) {
      return Unfit("the index is past the end of the list");
    }
    Element* holder = list.front()->parent();
    GW_TRY(Element * added, AddPart(holder, list.front()->name(), *request.value));
    holder->MoveTo(added, *request.index);
    return {};
  }

  Status Delete(const Request& request) const {
    GW_TRY(Element * element, FollowToOne(request.path));
    if (element == nullptr) {
      return {};
    }
    if (element->parent() == nullptr) {
      return Unfit("a patch cannot delete the resource itself");
    }
    element->parent()->Remove(element);
    return {};
  }

  Status Replace(const Request& request) const {
    if (request.value == nullptr) {
      return Malformed("replace needs a value");
    }
    GW_TRY(Element * element, FollowToOne(request.path));
    if (element == nullptr) {
      return Unfit("path: nothing stands there");
    }
    if (element->parent() == nullptr) {
      return Unfit("a patch cannot replace the resource itself");
    }
    Element* holder = element->parent();
    const uint32_t place = PlaceAmongItsName(*element);
    const std::string_view name = element->name();
    holder->Remove(element);
    GW_TRY(Element * added, AddPart(holder, name, *request.value));
    holder->MoveTo(added, place);
    return {};
  }

  Status Move(const Request& request) const {
    if (!request.source || !request.destination) {
      return Malformed("move needs a source and a destination");
    }
    GW_TRY(const std::vector<Element*> list, FollowToList(request.path));
    if (*request.source >= list.size() || *request.destination >= list.size()) {
      return Unfit("source or destination is past the end of the list");
    }
    Element* holder = list.front()->parent();
    holder->MoveTo(holder->Child(list.front()->name(), *request.source), *request.destination);
    return {};
  }

  Element* root_;
  const Definitions& definitions_;
};

}  // namespace

Result<Resource> ApplyFhirPathPatch(const Resource& resource, const Resource& parameters,
                                    const Definitions& definitions, const Limits& limits) {
  if (parameters.type() != "Parameters") {
    return Error{Code::kInvalid, "a FHIRPath patch is a Parameters resource",
                 std::string(parameters.type())};
  }
  if (parameters.root().Count("parameter") > kPatchOperationsMax) {
    return Error{Code::kTooLarge, "a patch of too many operations", "Parameters.parameter"};
  }
  Resource patched = resource.Clone();
  FhirPathPatch patch(&patched.root(), definitions);
  for (const Element* child = parameters.root().first_child(); child != nullptr;
       child = child->next()) {
    if (child->name() != "parameter") {
      continue;
    }
    if (Status applied = patch.Apply(*child); !applied) {
      applied.error().where = child->Location();
      return std::move(applied).error();
    }
  }
  if (!Prune(&patched.root(), 1, limits.json_depth_max)) {
    return Error{Code::kTooLarge, "the patched resource is nested too deeply", "Parameters"};
  }
  return patched;
}

}  // namespace gw::fhir
