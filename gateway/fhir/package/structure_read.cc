#include <algorithm>
#include <map>
#include <utility>

#include "gateway/fhir/package/structure_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kSystemType = "http://hl7.org/fhirpath/System.";
constexpr std::string_view kFhirType =
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";
constexpr std::string_view kMaxValueSet =
    "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";

const std::map<std::string_view, Strength> kStrengths = {{"example", Strength::kExample},
                                                         {"preferred", Strength::kPreferred},
                                                         {"extensible", Strength::kExtensible},
                                                         {"required", Strength::kRequired}};
const std::map<std::string_view, DiscriminatorKind> kDiscriminators = {
    {"value", DiscriminatorKind::kValue},
    {"exists", DiscriminatorKind::kExists},
    {"pattern", DiscriminatorKind::kPattern},
    {"type", DiscriminatorKind::kType},
    {"profile", DiscriminatorKind::kProfile}};
const std::map<std::string_view, SlicingRules> kRules = {{"closed", SlicingRules::kClosed},
                                                         {"open", SlicingRules::kOpen},
                                                         {"openAtEnd", SlicingRules::kOpenAtEnd}};
const std::map<std::string_view, ContextKind> kContexts = {{"element", ContextKind::kElement},
                                                           {"extension", ContextKind::kExtension},
                                                           {"fhirpath", ContextKind::kFhirPath}};

// R4's own deepest path has nine parts, and nothing of it is resliced more than once.
constexpr std::ptrdiff_t kPathPartsMax = 64;
constexpr std::ptrdiff_t kReslicesMax = 8;

// The value of a code, or an error that names the element.
template <typename Value>
Result<Value> CodeIn(const std::map<std::string_view, Value>& codes, std::string_view code,
                     std::string_view what, std::string_view where) {
  const auto found = codes.find(code);
  if (found == codes.end()) {
    return Error{Code::kInvalid, "an unknown code: " + std::string(what), std::string(where)};
  }
  return found->second;
}

bool IsTrue(const Json& json, std::string_view name) {
  const Json* value = json.Find(name);
  return value != nullptr && value->boolean();
}

std::vector<std::string> Texts(const Json& json, std::string_view name) {
  std::vector<std::string> texts;
  for (const Json& item : ItemsOf(json, name)) {
    if (!item.text().empty()) {
      texts.push_back(item.text());
    }
  }
  return texts;
}

const Json* ExtensionOf(const Json& json, std::string_view url) {
  for (const Json& extension : ItemsOf(json, "extension")) {
    if (extension.TextOf("url") == url) {
      return &extension;
    }
  }
  return nullptr;
}

// The text of a number or string member.
Result<uint16_t> Cardinality(const std::string& text, std::string_view where) {
  if (text == "*") {
    return kMany;
  }
  if (text.empty() || text.size() > 4 ||
      text.find_first_not_of("0123456789") != std::string::npos) {
    return Error{Code::kInvalid, "min and max are whole numbers, max may be *", std::string(where)};
  }
  return static_cast<uint16_t>(std::stoi(text));
}

Status ReadCardinality(const Json& json, std::string_view name, std::string_view where,
                       std::optional<uint16_t>* out) {
  const Json* member = json.Find(name);
  if (member == nullptr) {
    return {};
  }
  GW_TRY(*out, Cardinality(member->text(), where));
  return {};
}

// The snapshots give ids, Extension.url and the values of primitives the types of FHIRPath and say
// in an extension which type of FHIR is meant.
TypeDraft ReadType(const Json& json, std::string_view path) {
  TypeDraft type;
  type.code = json.TextOf("code");
  type.profiles = Texts(json, "profile");
  type.targets = Texts(json, "targetProfile");
  if (type.code.starts_with(kSystemType)) {
    const Json* extension = ExtensionOf(json, kFhirType);
    type.code = extension == nullptr ? std::string() : std::string(extension->TextOf("valueUrl"));
    if (type.code.empty()) {
      type.code = path.ends_with(".url") ? "uri" : "string";
    }
  }
  return type;
}

// fixed[x] and the like: the member's name goes on with the type.
void ReadValue(const std::pair<std::string, Json>& member, std::string_view prefix,
               std::optional<ValueDraft>* out) {
  const std::string& name = member.first;
  if (name.size() > prefix.size() && name.starts_with(prefix) && name[prefix.size()] >= 'A' &&
      name[prefix.size()] <= 'Z') {
    ValueDraft value = {name.substr(prefix.size()), {}};
    AppendJson(member.second, &value.json);
    *out = std::move(value);
  }
}

Status ReadSlicing(const Json& json, ElementDraft* element) {
  SlicingDraft slicing;
  slicing.ordered = IsTrue(json, "ordered");
  GW_TRY(slicing.rules, CodeIn(kRules, json.TextOf("rules", "open"), "slicing.rules", element->id));
  for (const Json& item : ItemsOf(json, "discriminator")) {
    DiscriminatorDraft discriminator;
    GW_TRY(discriminator.kind,
           CodeIn(kDiscriminators, item.TextOf("type"), "discriminator.type", element->id));
    discriminator.path = item.TextOf("path");
    if (discriminator.path.empty()) {
      return Error{Code::kInvalid, "a discriminator has a path", element->id};
    }
    slicing.discriminators.push_back(std::move(discriminator));
  }
  element->slicing = std::move(slicing);
  return {};
}

Status ReadBinding(const Json& json, ElementDraft* element) {
  BindingDraft binding;
  GW_TRY(binding.strength,
         CodeIn(kStrengths, json.TextOf("strength"), "binding.strength", element->id));
  binding.value_set = json.TextOf("valueSet");
  if (const Json* maximum = ExtensionOf(json, kMaxValueSet); maximum != nullptr) {
    binding.max_value_set = maximum->TextOf("valueCanonical", maximum->TextOf("valueUri"));
  }
  element->binding = std::move(binding);
  return {};
}

void ReadConstraints(const Json& json, std::string_view structure, ElementDraft* element) {
  for (const Json& item : ItemsOf(json, "constraint")) {
    element->constraints.push_back(
        {std::string(item.TextOf("key")), std::string(item.TextOf("expression")),
         std::string(item.TextOf("human")), std::string(item.TextOf("source", structure)),
         item.TextOf("severity", "error") == "error"});
  }
}

Result<ElementDraft> ReadElement(const Json& json, std::string_view structure) {
  ElementDraft element;
  element.path = json.TextOf("path");
  element.id = json.TextOf("id", element.path);
  element.slice_name = json.TextOf("sliceName");
  if (element.path.empty()) {
    return Error{Code::kInvalid, "an ElementDefinition has a path", element.id};
  }
  if (std::count(element.path.begin(), element.path.end(), '.') >= kPathPartsMax ||
      std::count(element.id.begin(), element.id.end(), '/') > kReslicesMax ||
      std::count(element.slice_name.begin(), element.slice_name.end(), '/') > kReslicesMax) {
    return Error{Code::kTooLarge, "an ElementDefinition is nested too deep", element.id};
  }
  // "#Bundle.link", or with the canonical of the structure before it.
  const std::string_view reference = json.TextOf("contentReference");
  element.content_reference = reference.find('#') == std::string_view::npos
                                  ? reference
                                  : reference.substr(reference.find('#') + 1);
  for (const Json& type : ItemsOf(json, "type")) {
    element.types.push_back(ReadType(type, element.path));
  }
  ReadConstraints(json, structure, &element);
  if (const Json* binding = json.Find("binding"); binding != nullptr) {
    GW_RETURN_IF_ERROR(ReadBinding(*binding, &element));
  }
  if (const Json* slicing = json.Find("slicing"); slicing != nullptr) {
    GW_RETURN_IF_ERROR(ReadSlicing(*slicing, &element));
  }
  for (const auto& member : json.members()) {
    ReadValue(member, "fixed", &element.fixed);
    ReadValue(member, "pattern", &element.pattern);
    ReadValue(member, "minValue", &element.min_value);
    ReadValue(member, "maxValue", &element.max_value);
  }
  GW_RETURN_IF_ERROR(ReadCardinality(json, "min", element.id, &element.min));
  GW_RETURN_IF_ERROR(ReadCardinality(json, "max", element.id, &element.max));
  if (const Json* base = json.Find("base"); base != nullptr) {
    GW_RETURN_IF_ERROR(ReadCardinality(*base, "max", element.id, &element.base_max));
  }
  if (const Json* length = json.Find("maxLength"); length != nullptr) {
    GW_TRY(const int64_t number, length->integer());
    element.max_length = static_cast<uint32_t>(number);
  }
  element.modifier = IsTrue(json, "isModifier");
  element.must_support = IsTrue(json, "mustSupport");
  return element;
}

Status ReadElements(const Json& json, std::string_view part, std::string_view structure,
                    std::vector<ElementDraft>* out) {
  const Json* holder = json.Find(part);
  if (holder == nullptr) {
    return {};
  }
  for (const Json& item : ItemsOf(*holder, "element")) {
    GW_TRY(ElementDraft element, ReadElement(item, structure));
    out->push_back(std::move(element));
  }
  return {};
}

// R4 says string for the id of a resource where its page says id.
void SetTypeOfId(std::vector<ElementDraft>* elements) {
  for (ElementDraft& element : *elements) {
    const size_t dot = element.path.find('.');
    if (dot != std::string::npos && element.path.substr(dot) == ".id" &&
        element.types.size() == 1) {
      element.types.front().code = "id";
    }
  }
}

}  // namespace

Result<StructureDraft> ReadStructure(const Json& json) {
  StructureDraft structure;
  structure.url = json.TextOf("url");
  structure.version = json.TextOf("version");
  structure.name = json.TextOf("name");
  structure.base = json.TextOf("baseDefinition");
  structure.type = json.TextOf("type");
  structure.is_abstract = IsTrue(json, "abstract");
  structure.is_constraint = json.TextOf("derivation") == "constraint";
  structure.is_logical = json.TextOf("kind") == "logical";
  if (structure.url.empty() || structure.type.empty()) {
    return Error{Code::kInvalid, "a StructureDefinition has a url and a type",
                 structure.url.empty() ? "url" : "type"};
  }
  for (const Json& item : ItemsOf(json, "context")) {
    ContextDraft context;
    GW_TRY(context.kind, CodeIn(kContexts, item.TextOf("type"), "context.type", "context"));
    context.expression = item.TextOf("expression");
    structure.contexts.push_back(std::move(context));
  }
  structure.context_invariants = Texts(json, "contextInvariant");
  GW_RETURN_IF_ERROR(ReadElements(json, "snapshot", structure.url, &structure.elements));
  if (structure.elements.empty()) {
    GW_RETURN_IF_ERROR(ReadElements(json, "differential", structure.url, &structure.differential));
  }
  if (json.TextOf("kind") == "resource") {
    SetTypeOfId(&structure.elements);
    SetTypeOfId(&structure.differential);
  }
  return structure;
}

const std::vector<Json>& ItemsOf(const Json& json, std::string_view name) {
  static const Json nothing;
  const Json* items = json.Find(name);
  return items == nullptr ? nothing.items() : items->items();
}

namespace {

void Append(const Json& json, JsonWriter* writer) {
  switch (json.kind()) {
    case Json::Kind::kNull:
      writer->Null();
      break;
    case Json::Kind::kBool:
      writer->Bool(json.boolean());
      break;
    case Json::Kind::kNumber:
      writer->Raw(json.text());
      break;
    case Json::Kind::kString:
      writer->String(json.text());
      break;
    case Json::Kind::kArray:
      writer->ArrayStart();
      for (const Json& item : json.items()) {
        Append(item, writer);
      }
      writer->ArrayEnd();
      break;
    case Json::Kind::kObject:
      writer->ObjectStart();
      for (const auto& [name, value] : json.members()) {
        writer->Key(name);
        Append(value, writer);
      }
      writer->ObjectEnd();
      break;
  }
}

}  // namespace

void AppendJson(const Json& json, std::string* out) {
  JsonWriter writer(out);
  Append(json, &writer);
}

}  // namespace gw::fhir
