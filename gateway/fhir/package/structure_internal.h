#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/fhir/package.h"
#include "gateway/fhir/package/compiled_internal.h"

namespace gw::fhir {

// A StructureDefinition while its snapshot is being made. Needs no Definitions: the compiler of
// R4's own tables reads them in the same way.

// A value of any type: fixed[x], pattern[x].
struct ValueDraft {
  std::string type;  // as in the property name: "CodeableConcept", "Uri"
  std::string json;
  bool operator==(const ValueDraft&) const = default;
};

struct TypeDraft {
  std::string code;
  std::vector<std::string> profiles;
  std::vector<std::string> targets;
};

struct ConstraintDraft {
  std::string key, expression, human, source;
  bool is_error = true;
};

struct BindingDraft {
  Strength strength = Strength::kNone;
  std::string value_set, max_value_set;
};

struct DiscriminatorDraft {
  DiscriminatorKind kind = DiscriminatorKind::kValue;
  std::string path;
  bool operator==(const DiscriminatorDraft&) const = default;
};

struct SlicingDraft {
  SlicingRules rules = SlicingRules::kOpen;
  bool ordered = false;
  std::vector<DiscriminatorDraft> discriminators;
};

// What is not said is empty: a differential says little.
struct ElementDraft {
  std::string id, path, slice_name, content_reference;
  std::vector<TypeDraft> types;
  std::vector<ConstraintDraft> constraints;
  std::optional<BindingDraft> binding;
  std::optional<SlicingDraft> slicing;
  std::optional<ValueDraft> fixed, pattern, min_value, max_value;
  std::optional<uint32_t> max_length;
  std::optional<uint16_t> min, max, base_max;
  bool modifier = false;
  bool must_support = false;
};

struct ContextDraft {
  ContextKind kind = ContextKind::kElement;
  std::string expression;
};

struct StructureDraft {
  std::string url, version, name, package, base, type;
  std::string file;  // where it stands, for errors
  bool is_abstract = false;
  bool is_constraint = false;
  bool is_logical = false;
  std::vector<ContextDraft> contexts;
  std::vector<std::string> context_invariants;
  std::vector<ElementDraft> elements;      // the snapshot; empty: not made yet
  std::vector<ElementDraft> differential;  // kept only while there is no snapshot
};

// Reads one StructureDefinition. Errors: kInvalid, where = the element or member at fault.
Result<StructureDraft> ReadStructure(const Json& json);

// Appends a structure that has its snapshot.
void PackStructure(const StructureDraft& structure, compiled::Writer* out);
// Values as the Parameters resource that the compiled form keeps.
std::string ValuesJson(const std::vector<ValueDraft>& values);
// The other way.
StructureDraft UnpackStructure(const compiled::View& view, const compiled::ProfileRow& row);

// Appends `json` as text, without white space.
void AppendJson(const Json& json, std::string* out);
// The items of an array member; none where there is no such member.
const std::vector<Json>& ItemsOf(const Json& json, std::string_view name);

}  // namespace gw::fhir
