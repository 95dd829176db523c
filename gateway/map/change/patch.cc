#include <algorithm>

#include "gateway/base/json.h"
#include "gateway/map/change/internal.h"
#include "gateway/map/change/patch_internal.h"

namespace gw::map {

namespace {

using fhir::Element;
using Kind = Operation::Kind;

// A dotted path resolved against the types: what FHIRPath calls it, and its last element.
struct Resolved {
  std::string holder;  // FHIRPath of what holds the last element: "Goal", "CarePlan.period"
  const fhir::ElementDef* last = nullptr;
  const fhir::TypeDef* holder_type = nullptr;
};

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "'";
}

std::string Where(std::span<const Operation::KeyPart> key) {
  std::string out = ".where(";
  for (size_t i = 0; i < key.size(); ++i) {
    out += (i == 0 ? "" : " and ") + key[i].path + "=" + Quoted(key[i].text);
  }
  return out + ")";
}

const fhir::ElementDef* ElementNamed(const fhir::TypeDef& type, std::string_view name) {
  const fhir::ElementDef* element = type.ByJsonName(name).element;
  return element != nullptr ? element : type.Find(name);
}

Result<Resolved> Resolve(const Change& change, const Operation& operation) {
  Resolved resolved;
  resolved.holder = std::string(change.fragment.type());
  resolved.holder_type = &change.fragment.root().type();
  if (!operation.list.empty()) {
    resolved.last = ElementNamed(*resolved.holder_type, operation.list);
    if (resolved.last == nullptr) {
      return Error{Code::kInternal, "no such element: " + operation.list, change.where};
    }
    resolved.holder += "." + operation.list + Where(operation.key);
    resolved.holder_type = resolved.last->types[0];
  }
  std::string_view rest = operation.path;
  for (;;) {
    const std::string_view name = CutName(&rest);
    resolved.last = ElementNamed(*resolved.holder_type, name);
    if (resolved.last == nullptr) {
      return Error{Code::kInternal, "no such element: " + operation.path, change.where};
    }
    if (rest.empty()) {
      return resolved;
    }
    resolved.holder += "." + std::string(resolved.last->name);
    resolved.holder_type = resolved.last->types[0];
  }
}

// Appends the parts of FHIRPath Patch operations.
class Patch {
 public:
  explicit Patch(Element* parameters) : parameters_(parameters) {}

  Status Delete(const std::string& path) {
    GW_TRY([[maybe_unused]] Element * operation, Begin("delete", path));
    return {};
  }

  Status Add(const std::string& path, std::string_view name, const Element& value) {
    GW_TRY(Element * operation, Begin("add", path));
    GW_RETURN_IF_ERROR(Text(operation, "name", "valueString", name));
    return Value(operation, "value", value);
  }

 private:
  Result<Element*> Begin(std::string_view type, const std::string& path) {
    GW_TRY(Element * operation, parameters_->Add("parameter"));
    GW_TRY([[maybe_unused]] Element * name, operation->Add("name", "operation"));
    GW_RETURN_IF_ERROR(Text(operation, "type", "valueCode", type));
    GW_RETURN_IF_ERROR(Text(operation, "path", "valueString", path));
    return operation;
  }

  static Status Text(Element* operation, std::string_view name, std::string_view property,
                     std::string_view text) {
    GW_TRY(Element * part, operation->Add("part"));
    GW_TRY([[maybe_unused]] Element * n, part->Add("name", name));
    GW_TRY([[maybe_unused]] Element * v, part->Add(property, text));
    return {};
  }

  static bool MayBeValue(const Element& part, const Element& value) {
    const auto& types = part.type().Find("value")->types;
    return std::find(types.begin(), types.end(), &value.type()) != types.end();
  }

  // A value of a data type as value[x]; one of an unnamed type, or an Extension, as parts named
  // like its elements.
  static Status Value(Element* holder, std::string_view name, const Element& value) {
    if (!IsValued(value)) {
      return {};
    }
    GW_TRY(Element * part, holder->Add("part"));
    GW_TRY([[maybe_unused]] Element * n, part->Add("name", name));
    if (!MayBeValue(*part, value)) {
      for (const Element* child = value.first_child(); child != nullptr; child = child->next()) {
        GW_RETURN_IF_ERROR(Value(part, child->name(), *child));
      }
      return {};
    }
    GW_TRY(Element * copy, part->AddTyped("value", value.type(), value.text()));
    for (const Element* child = value.first_child(); child != nullptr; child = child->next()) {
      GW_TRY([[maybe_unused]] Element * added, CopyValued(copy, child->name(), *child));
    }
    return {};
  }

  Element* parameters_;
};

// One member to be set in JSON Patch, or taken away by being set and removed.
void JsonAdd(std::string_view path, std::string_view value, JsonWriter* writer) {
  writer->ObjectStart().Member("op", "add").Member("path", path).Key("value").Raw(value);
  writer->ObjectEnd();
}

void JsonRemove(std::string_view path, JsonWriter* writer) {
  JsonAdd(path, "\"\"", writer);
  writer->ObjectStart().Member("op", "remove").Member("path", path).ObjectEnd();
}

std::string Pointer(std::string_view dotted) {
  std::string pointer = "/" + std::string(dotted);
  for (char& c : pointer) {
    c = c == '.' ? '/' : c;
  }
  return pointer;
}

// "/_birthDate" of "/birthDate": where the extensions of a primitive stand (R4 json.html 2.1.2.1).
std::string ExtensionPointer(std::string pointer) {
  pointer.insert(pointer.rfind('/') + 1, 1, '_');
  return pointer;
}

// What a member of the resource holds, and the member beside it that holds what a primitive has
// besides its text; empty where there is none.
struct JsonForms {
  std::string value;
  std::string beside;
};

// What a primitive has besides its text, without marks and nulls.
Result<std::string> JsonBeside(const Element& value, std::string_view name, Element* scratch) {
  scratch->Clear(name);
  GW_TRY(Element * holder, scratch->AddTyped(name, value.type()));
  for (const Element* child = value.first_child(); child != nullptr; child = child->next()) {
    GW_RETURN_IF_ERROR(CopyValued(holder, child->name(), *child));
  }
  std::string json;
  if (holder->first_child() != nullptr) {
    fhir::WriteJson(*holder, &json);
  }
  return json;
}

// The value as it stands in a resource under that name, without marks and nulls.
Result<JsonForms> JsonOf(const Element& value, std::string_view name, Element* scratch) {
  JsonForms forms;
  const bool is_primitive = value.type().kind() == fhir::Kind::kPrimitive;
  if (is_primitive && value.first_child() != nullptr) {
    GW_TRY(forms.beside, JsonBeside(value, name, scratch));
  }
  scratch->Clear(name);
  GW_TRY(const Element* copy, CopyValued(scratch, name, value));
  if (copy != nullptr && (copy->has_text() || !is_primitive)) {
    fhir::WriteJson(*copy, &forms.value);
  }
  return forms;
}

// The arrays of a list of primitives are of one length: null fills their gaps.
std::string ArrayOf(const std::vector<std::string>& items) {
  std::string json;
  for (const std::string& item : items) {
    json += (json.empty() ? "[" : ",") + (item.empty() ? "null" : item);
  }
  return json + "]";
}

Result<JsonForms> JsonOfValues(const Operation& operation, std::string_view name,
                               Element* scratch) {
  std::vector<std::string> values, beside;
  for (const Element* value : operation.values) {
    GW_TRY(JsonForms item, JsonOf(*value, name, scratch));
    if (!item.value.empty() || !item.beside.empty()) {
      values.push_back(std::move(item.value));
      beside.push_back(std::move(item.beside));
    }
  }
  const auto is_valued = [](const std::string& item) { return !item.empty(); };
  const bool has_values = std::any_of(values.begin(), values.end(), is_valued);
  const bool has_beside = std::any_of(beside.begin(), beside.end(), is_valued);
  if (operation.kind != Kind::kReplaceList) {
    return JsonForms{has_values ? values.front() : "", has_beside ? beside.front() : ""};
  }
  return JsonForms{has_values ? ArrayOf(values) : "", has_beside ? ArrayOf(beside) : ""};
}

// Both members become what `forms` says: one of which it says nothing goes.
void JsonSet(const std::string& pointer, const fhir::TypeDef& type, const JsonForms& forms,
             JsonWriter* writer) {
  const auto set = [writer](const std::string& member, const std::string& json) {
    json.empty() ? JsonRemove(member, writer) : JsonAdd(member, json, writer);
  };
  set(pointer, forms.value);
  if (type.kind() == fhir::Kind::kPrimitive) {
    set(ExtensionPointer(pointer), forms.beside);
  }
}

}  // namespace

bool NeedsJsonPatch(std::span<const Operation> operations) {
  bool replaces = false;
  for (const Operation& operation : operations) {
    if (!operation.list.empty() || operation.kind == Kind::kAddItem ||
        operation.kind == Kind::kRemoveItem) {
      return false;
    }
    replaces |= operation.kind == Kind::kReplaceList;
  }
  return replaces;
}

Status WriteJsonPatch(const Change& change, std::span<const Operation> operations,
                      std::string* out) {
  JsonWriter writer(out);
  writer.ArrayStart();
  for (const Operation& operation : operations) {
    GW_TRY(const Resolved resolved, Resolve(change, operation));
    const std::string pointer = Pointer(operation.path);
    // A value of another type is another member.
    const std::string holder = pointer.substr(0, pointer.rfind('/') + 1);
    for (const fhir::TypeDef* type : resolved.last->types) {
      const std::string other =
          holder + std::string(resolved.holder_type->JsonName(*resolved.last, *type));
      if (resolved.last->choice && (other != pointer || operation.values.empty())) {
        JsonSet(other, *type, {}, &writer);
      }
    }
    if (!operation.values.empty()) {
      fhir::Resource scratch = fhir::Resource::MakeOf(*resolved.holder_type);
      GW_TRY(const JsonForms forms, JsonOfValues(operation, resolved.last->name, &scratch.root()));
      JsonSet(pointer, operation.values.front()->type(), forms, &writer);
    } else if (!resolved.last->choice) {
      JsonSet(pointer, *resolved.last->types[0], {}, &writer);
    }
  }
  writer.ArrayEnd();
  return {};
}

Status WriteFhirPathPatch(const Change& change, std::span<const Operation> operations,
                          Element* parameters) {
  Patch patch(parameters);
  for (const Operation& operation : operations) {
    GW_TRY(const Resolved resolved, Resolve(change, operation));
    const std::string path = resolved.holder + "." + std::string(resolved.last->name);
    const bool list = resolved.last->max != 1;
    switch (operation.kind) {
      case Kind::kRemoveItem: {
        const std::string item = path + Where(operation.key);
        const bool several = resolved.last->types[0]->name() == "Extension";
        for (int i = 0; i < (several ? kListClears : 1); ++i) {
          GW_RETURN_IF_ERROR(patch.Delete(several ? item + "[0]" : item));
        }
        break;
      }
      case Kind::kAddItem:
        break;
      case Kind::kSet:
      case Kind::kRemove:
      case Kind::kReplaceList:
        for (int i = 0; i < (list ? kListClears : 1); ++i) {
          GW_RETURN_IF_ERROR(patch.Delete(list ? path + "[0]" : path));
        }
        break;
    }
    for (const Element* value : operation.values) {
      GW_RETURN_IF_ERROR(patch.Add(resolved.holder, resolved.last->name, *value));
    }
  }
  return {};
}

}  // namespace gw::map
