#include "gateway/fhir/compiler/types.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "gateway/fhir/definitions.h"

namespace gw::fhir::compiler {
namespace {

constexpr std::string_view kStructureUrl = "http://hl7.org/fhir/StructureDefinition/";
constexpr std::string_view kSystemTypeUrl = "http://hl7.org/fhirpath/System.";
constexpr std::string_view kFhirTypeUrl =
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";
constexpr std::string_view kSimpleQuantity = "SimpleQuantity";

struct InvariantDraft {
  std::string key, expression, human;
  bool is_error;
  bool operator<(const InvariantDraft& other) const {
    return std::tie(key, expression, human, is_error) <
           std::tie(other.key, other.expression, other.human, other.is_error);
  }
};

struct ElementDraft {
  std::string name;
  std::vector<std::string> types;
  std::vector<std::string> targets;
  std::vector<InvariantDraft> invariants;
  std::string value_set;
  Strength binding = Strength::kNone;
  uint16_t min = 0;
  uint16_t max = 1;
  uint8_t flags = 0;
};

struct TypeDraft {
  std::string base;
  Kind kind = Kind::kBackbone;
  bool is_abstract = false;
  std::vector<ElementDraft> elements;
  std::vector<InvariantDraft> invariants;
};

using Drafts = std::map<std::string, TypeDraft, std::less<>>;

bool IsTrue(const Json& json, std::string_view name) {
  const Json* value = json.Find(name);
  return value != nullptr && value->boolean();
}

std::string_view AfterPrefix(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

uint16_t Cardinality(std::string_view text) {
  return text == "*" ? kMany : Narrow(static_cast<size_t>(std::atoi(std::string(text).c_str())));
}

const std::map<std::string_view, Strength> kStrengths = {{"example", Strength::kExample},
                                                         {"preferred", Strength::kPreferred},
                                                         {"extensible", Strength::kExtensible},
                                                         {"required", Strength::kRequired}};

Strength StrengthOf(std::string_view code) {
  const auto found = kStrengths.find(code);
  return found == kStrengths.end() ? Strength::kNone : found->second;
}

Kind KindOf(std::string_view code) {
  if (code == "primitive-type") {
    return Kind::kPrimitive;
  }
  return code == "resource" ? Kind::kResource : Kind::kComplex;
}

const std::map<std::string_view, Primitive> kPrimitives = {
    {"base64Binary", Primitive::kBase64Binary},
    {"boolean", Primitive::kBoolean},
    {"canonical", Primitive::kCanonical},
    {"code", Primitive::kCode},
    {"date", Primitive::kDate},
    {"dateTime", Primitive::kDateTime},
    {"decimal", Primitive::kDecimal},
    {"id", Primitive::kId},
    {"instant", Primitive::kInstant},
    {"integer", Primitive::kInteger},
    {"markdown", Primitive::kMarkdown},
    {"oid", Primitive::kOid},
    {"positiveInt", Primitive::kPositiveInt},
    {"string", Primitive::kString},
    {"time", Primitive::kTime},
    {"unsignedInt", Primitive::kUnsignedInt},
    {"uri", Primitive::kUri},
    {"url", Primitive::kUrl},
    {"uuid", Primitive::kUuid},
    {"xhtml", Primitive::kXhtml}};

Primitive PrimitiveOf(std::string_view name) {
  const auto found = kPrimitives.find(name);
  return found == kPrimitives.end() ? Primitive::kNone : found->second;
}

std::vector<InvariantDraft> InvariantsOf(const Json& element) {
  std::vector<InvariantDraft> invariants;
  for (const Json& constraint : ItemsOf(element, "constraint")) {
    invariants.push_back(
        {std::string(constraint.TextOf("key")), std::string(constraint.TextOf("expression")),
         std::string(constraint.TextOf("human")), constraint.TextOf("severity") == "error"});
  }
  return invariants;
}

// The snapshots give ids, Extension.url and the values of primitives the types of FHIRPath and say
// in an extension which type of FHIR is meant; R4 says string for a resource's id where its page
// says id.
std::string TypeName(const Json& type, std::string_view path, bool is_resource) {
  const std::string_view code = type.TextOf("code");
  if (!code.starts_with(kSystemTypeUrl)) {
    return std::string(code);
  }
  if (is_resource && path.ends_with(".id") && std::count(path.begin(), path.end(), '.') == 1) {
    return "id";
  }
  for (const Json& extension : ItemsOf(type, "extension")) {
    if (extension.TextOf("url") == kFhirTypeUrl) {
      return std::string(extension.TextOf("valueUrl"));
    }
  }
  return "string";
}

void ReadTypes(const Json& element, std::string_view path, bool is_resource,
               const std::vector<InvariantDraft>& simple_quantity, ElementDraft* draft) {
  for (const Json& type : ItemsOf(element, "type")) {
    draft->types.push_back(TypeName(type, path, is_resource));
    for (const Json& profile : ItemsOf(type, "profile")) {
      if (AfterPrefix(profile.text(), kStructureUrl) == kSimpleQuantity) {
        draft->invariants.insert(draft->invariants.end(), simple_quantity.begin(),
                                 simple_quantity.end());
      }
    }
    if (type.TextOf("code") != "Reference") {
      continue;
    }
    for (const Json& target : ItemsOf(type, "targetProfile")) {
      draft->targets.emplace_back(AfterPrefix(target.text(), kStructureUrl));
    }
  }
  if (std::find(draft->targets.begin(), draft->targets.end(), "Resource") != draft->targets.end()) {
    draft->targets.clear();
  }
}

void ReadElement(const Json& element, std::string_view path, bool is_resource,
                 const std::vector<InvariantDraft>& simple_quantity, TypeDraft* owner) {
  ElementDraft draft;
  draft.name = path.substr(path.rfind('.') + 1);
  if (draft.name.ends_with("[x]")) {
    draft.name.resize(draft.name.size() - 3);
    draft.flags |= tables::kChoice;
  }
  if (IsTrue(element, "isModifier")) {
    draft.flags |= tables::kModifier;
  }
  if (IsTrue(element, "isSummary")) {
    draft.flags |= tables::kSummary;
  }
  draft.max = Cardinality(element.TextOf("max"));
  if (const Json* min = element.Find("min"); min != nullptr) {
    draft.min = Cardinality(min->text());
  }
  draft.invariants = InvariantsOf(element);
  ReadTypes(element, path, is_resource, simple_quantity, &draft);
  if (const std::string_view reference = element.TextOf("contentReference"); !reference.empty()) {
    draft.types = {std::string(reference.substr(1))};
  }
  if (const Json* binding = element.Find("binding"); binding != nullptr) {
    draft.value_set = WithoutVersion(binding->TextOf("valueSet"));
    draft.binding = StrengthOf(binding->TextOf("strength"));
  }
  if (draft.max > 0) {
    owner->elements.push_back(std::move(draft));
  }
}

void ReadStructure(const Json& structure, const std::vector<InvariantDraft>& simple_quantity,
                   Drafts* drafts) {
  const std::string name(structure.TextOf("name"));
  const std::vector<Json>& snapshot = ItemsOf(*structure.Find("snapshot"), "element");
  TypeDraft& root = (*drafts)[name];
  root.kind = KindOf(structure.TextOf("kind"));
  root.base = AfterPrefix(structure.TextOf("baseDefinition"), kStructureUrl);
  root.is_abstract = IsTrue(structure, "abstract");
  std::set<std::string, std::less<>> parents;
  for (const Json& element : snapshot) {
    const std::string_view path = element.TextOf("path");
    parents.emplace(path.substr(0, path.rfind('.')));
  }
  for (const Json& element : snapshot) {
    const std::string_view path = element.TextOf("path");
    const size_t dot = path.rfind('.');
    if (dot == std::string_view::npos) {
      root.invariants = InvariantsOf(element);
      continue;
    }
    // A primitive's value is the text of its node.
    if (root.kind == Kind::kPrimitive && path.substr(dot) == ".value") {
      continue;
    }
    TypeDraft& owner = drafts->find(path.substr(0, dot))->second;
    ReadElement(element, path, root.kind == Kind::kResource, simple_quantity, &owner);
    if (parents.contains(path)) {
      ElementDraft& draft = owner.elements.back();
      TypeDraft& inner = (*drafts)[std::string(path)];
      inner.base = std::exchange(draft.types, {std::string(path)}).front();
      inner.invariants = std::exchange(draft.invariants, {});
    }
  }
}

// SimpleQuantity is a profile, yet R4's own elements ask for it: its rule goes with them.
std::vector<InvariantDraft> SimpleQuantityRules(const Package& package) {
  const Json* snapshot = package.simple_quantity.Find("snapshot");
  return snapshot == nullptr ? std::vector<InvariantDraft>{}
                             : InvariantsOf(ItemsOf(*snapshot, "element").front());
}

// Leaves what an element asks beyond what its types ask of themselves wherever they stand.
void DropInherited(const Drafts& drafts, ElementDraft* element) {
  std::set<std::string> known = {"ele-1"};
  for (const std::string& type_name : element->types) {
    const auto type = drafts.find(type_name);
    if (type == drafts.end()) {
      continue;  // the Emitter names it
    }
    for (const InvariantDraft& invariant : type->second.invariants) {
      known.insert(invariant.key);
    }
  }
  std::erase_if(element->invariants, [&known](const InvariantDraft& invariant) {
    return !known.insert(invariant.key).second;
  });
}

class Emitter {
 public:
  Emitter(const Drafts& drafts, TableWriter* out) : drafts_(drafts), out_(*out) {
    for (const auto& [name, type] : drafts_) {
      rows_.emplace(name, Narrow(rows_.size()));
    }
  }

  Status Emit() {
    for (const auto& [name, type] : drafts_) {
      GW_RETURN_IF_ERROR(EmitType(name, type));
    }
    return {};
  }

 private:
  Status EmitType(const std::string& name, const TypeDraft& type) {
    tables::TypeRow row = {};
    row.name = out_.TextOf(name);
    row.base = tables::kNoRow;
    if (!type.base.empty()) {
      GW_TRY(row.base, RowOf(type.base, name));
    }
    row.kind = static_cast<uint8_t>(type.kind);
    row.primitive = static_cast<uint8_t>(PrimitiveOf(name));
    row.is_abstract = type.is_abstract ? 1 : 0;
    row.element = Narrow(out_.elements.size());
    row.element_count = Narrow(type.elements.size());
    row.property = Narrow(out_.properties.size());
    row.invariant = Narrow(out_.invariant_uses.size());
    std::map<std::string, tables::PropertyRow> properties;
    EmitInvariants(type.invariants, {});
    for (const ElementDraft& element : type.elements) {
      GW_RETURN_IF_ERROR(
          EmitElement(element, name, Narrow(out_.elements.size() - row.element), &properties));
      EmitInvariants(element.invariants, element.name);
    }
    for (const auto& [json_name, property] : properties) {
      out_.properties.push_back(property);
    }
    row.property_count = Narrow(properties.size());
    row.invariant_count = Narrow(out_.invariant_uses.size() - row.invariant);
    out_.types.push_back(row);
    return {};
  }

  Status EmitElement(const ElementDraft& element, const std::string& owner, uint16_t index,
                     std::map<std::string, tables::PropertyRow>* properties) {
    std::vector<uint16_t> types;
    for (const std::string& name : element.types) {
      GW_TRY(const uint16_t type, RowOf(name, owner + "." + element.name));
      types.push_back(type);
      std::string json_name = element.name;
      if ((element.flags & tables::kChoice) != 0) {
        json_name += static_cast<char>(name[0] >= 'a' ? name[0] - 'a' + 'A' : name[0]);
        json_name += name.substr(1);
      }
      (*properties)[json_name] = {out_.TextOf(json_name), index, type};
    }
    const TableWriter::Range type_range = out_.TypeList(types);
    const TableWriter::Range targets = out_.TextList(element.targets);
    out_.elements.push_back({out_.TextOf(element.name), type_range.first, type_range.count,
                             targets.first, targets.count, out_.TextOf(element.value_set),
                             element.min, element.max, static_cast<uint8_t>(element.binding),
                             element.flags});
    return {};
  }

  void EmitInvariants(const std::vector<InvariantDraft>& invariants, std::string_view element) {
    for (const InvariantDraft& invariant : invariants) {
      const auto [place, is_new] =
          invariant_rows_.emplace(invariant, Narrow(out_.invariants.size()));
      if (is_new) {
        out_.invariants.push_back({out_.TextOf(invariant.key), out_.TextOf(invariant.expression),
                                   out_.TextOf(invariant.human),
                                   static_cast<uint8_t>(invariant.is_error ? 1 : 0)});
      }
      out_.invariant_uses.push_back({place->second, out_.TextOf(element)});
    }
  }

  Result<uint16_t> RowOf(const std::string& type, const std::string& where) const {
    const auto found = rows_.find(type);
    if (found == rows_.end()) {
      return Error{Code::kInvalid, "a snapshot names a type that does not exist: " + type, where};
    }
    return found->second;
  }

  const Drafts& drafts_;
  TableWriter& out_;
  std::map<std::string, uint16_t> rows_;
  std::map<InvariantDraft, uint16_t> invariant_rows_;
};

}  // namespace

Status CompileTypes(const Package& package, TableWriter* out) {
  Drafts drafts;
  const std::vector<InvariantDraft> simple_quantity = SimpleQuantityRules(package);
  for (const Json& structure : package.structures) {
    ReadStructure(structure, simple_quantity, &drafts);
  }
  for (auto& [name, type] : drafts) {
    for (ElementDraft& element : type.elements) {
      DropInherited(drafts, &element);
    }
  }
  return Emitter(drafts, out).Emit();
}

}  // namespace gw::fhir::compiler
