#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gw::fhir {

class TypeDef;

enum class Kind : uint8_t {
  kPrimitive,  // date, string, xhtml ...
  kComplex,    // HumanName, Reference ...
  kBackbone,   // an unnamed type inside a resource or data type: "CarePlan.activity"
  kResource,   // Patient, DomainResource ...
  kModel,  // not R4: an HL7 v2 message, group, segment or data type, a CSV row (map/), a logical
           // model
};

// Which primitive a type is, for code that switches on its lexical form (primitive.cc, json.cc).
enum class Primitive : uint8_t {
  kNone,  // not a primitive of R4
  kBase64Binary,
  kBoolean,
  kCanonical,
  kCode,
  kDate,
  kDateTime,
  kDecimal,
  kId,
  kInstant,
  kInteger,
  kMarkdown,
  kOid,
  kPositiveInt,
  kString,
  kTime,
  kUnsignedInt,
  kUri,
  kUrl,
  kUuid,
  kXhtml,
};

enum class Strength : uint8_t { kNone, kExample, kPreferred, kExtensible, kRequired };

inline constexpr uint16_t kMany = 0xFFFF;

// One element of a type, inherited ones included.
struct ElementDef {
  std::string_view name;  // "value" for value[x]
  std::span<const TypeDef* const>
      types;  // one; several for a choice; for Bundle.entry.resource: Resource
  std::span<const std::string_view>
      targets;                 // what a Reference may point at ("Patient"); empty: anything
  std::string_view value_set;  // canonical of the binding, without version; empty if unbound
  uint16_t min = 0;
  uint16_t max = 1;  // kMany for *
  Strength binding = Strength::kNone;
  bool choice = false;  // value[x]
  bool modifier = false;
  bool summary = false;
};

struct Invariant {
  std::string_view key;         // "cpl-3"
  std::string_view expression;  // FHIRPath
  std::string_view human;
  std::string_view element;  // where it is tested, relative to the type: "" or "name"
  bool error = true;         // false: a warning
};

// A type: of R4, or of a source model. Addresses are stable while the Definitions live; immutable;
// any thread.
class TypeDef {
 public:
  // A JSON property of this type: "valueQuantity" is element "value" with type Quantity.
  struct Property {
    const ElementDef* element = nullptr;  // null: no such property
    const TypeDef* type = nullptr;
  };

  std::string_view name() const { return name_; }  // "Patient", "CarePlan.activity", "dateTime"
  Kind kind() const { return kind_; }
  Primitive primitive() const { return primitive_; }  // kNone unless kind() is kPrimitive
  const TypeDef* base() const { return base_; }       // null: Element, Resource, v2 and CSV
  bool is_abstract() const { return abstract_; }
  bool Is(std::string_view type_name) const;  // itself or an ancestor
  std::span<const ElementDef> elements() const { return elements_; }
  std::span<const Invariant> invariants() const { return invariants_; }
  const ElementDef* Find(std::string_view element_name) const;
  Property ByJsonName(std::string_view json_name) const;  // one or two probes, no allocation
  // The JSON property name of `element` with `type`: "valueQuantity". A view into the tables.
  std::string_view JsonName(const ElementDef& element, const TypeDef& type) const;

 private:
  friend class Definitions;
  friend class DefinitionsBuilder;
  friend class ModelBuilder;
  struct NamedProperty {
    std::string_view json_name;
    Property property;
  };
  static size_t SlotOf(std::string_view json_name, size_t slots);
  // How many slots a table of so many properties has: a power of two, at most half full.
  static size_t SlotCount(size_t properties);
  // Enters the properties, which stand already, in a table of zeros.
  void SetSlots(std::span<uint16_t> slots);

  std::string_view name_;
  const TypeDef* base_ = nullptr;
  Kind kind_ = Kind::kComplex;
  Primitive primitive_ = Primitive::kNone;
  bool abstract_ = false;
  std::span<const ElementDef> elements_;
  std::span<const Invariant> invariants_;
  std::span<const NamedProperty> properties_;  // sorted by json_name
  std::span<const uint16_t> slots_;            // 0, or 1 + a place in properties_; probed linearly
};

enum class SearchKind : uint8_t {
  kNumber,
  kDate,
  kString,
  kToken,
  kReference,
  kComposite,
  kQuantity,
  kUri,
  kSpecial
};

struct SearchParameter {
  std::string_view code;        // "subject"
  std::string_view base;        // the resource type it is for, "Resource" for _id and the like
  std::string_view expression;  // FHIRPath, of this base only where R4 joins several with |
  SearchKind kind = SearchKind::kString;
  std::span<const std::string_view> targets;
};

// R4 4.0.1 as the program knows it: types, bindings with their codes, invariants, search
// parameters. The constant tables are made at build time from the npm package (docs/decisions);
// nothing is fetched or parsed at run time. Immutable after it is built; any thread.
class Definitions {
 public:
  ~Definitions();
  Definitions(Definitions&&) noexcept;

  // Indexes the constant tables; under a millisecond.
  static Definitions R4();

  const TypeDef* Find(std::string_view type_name) const;  // null if unknown
  // All types, sorted by name, side by side: a side table may go by the place in it.
  std::span<const TypeDef> types() const;
  std::span<const TypeDef* const> resource_types() const;  // concrete ones, sorted by name

  // Search parameters of a type, those of Resource and DomainResource included.
  const SearchParameter* FindSearch(std::string_view type_name, std::string_view code) const;
  std::span<const SearchParameter* const> SearchParametersOf(std::string_view type_name) const;

  enum class Membership : uint8_t {
    kMember,
    kNotMember,
    kUnknown
  };  // kUnknown: the set cannot be expanded here
  // `system` may be empty: then any system of the set serves, as for a FHIR code.
  Membership IsMember(std::string_view value_set, std::string_view system,
                      std::string_view code) const;

  // Is `code` the same as or below `ancestor` in a code system with a hierarchy that is compiled in
  // (v3-ActCode, v3-ActReason, v3-Confidentiality ...)?
  bool Subsumes(std::string_view system, std::string_view ancestor, std::string_view code) const;
  bool KnowsCode(std::string_view system, std::string_view code) const;

  // Does the Patient compartment hold `type_name`, and by which search parameters? Empty: it does
  // not.
  std::span<const std::string_view> PatientCompartment(std::string_view type_name) const;

 private:
  friend class DefinitionsBuilder;
  struct Tables;
  explicit Definitions(std::unique_ptr<Tables> tables);
  std::unique_ptr<Tables> tables_;
};

// Builds types that are not FHIR's: the source models of HL7 v2 and CSV (map/v2/model.h,
// map/csv/model.h). Owns what it builds; types may refer to each other in any order. Not
// thread-safe; the built types are.
class ModelBuilder {
 public:
  explicit ModelBuilder(const Definitions& definitions);
  ~ModelBuilder();
  struct ElementSpec {
    std::string name;
    std::string
        type;  // of this model or of R4 ("dateTime"), looked up by Finish(); "A|B" is a choice
    uint16_t max = kMany;
  };
  // `name` may be "name#key": the key is hidden. `base`: the name of what it specializes, of this
  // model or of R4; its elements are not inherited here.
  void AddType(std::string name, std::vector<ElementSpec> elements, std::string base = {});
  Status Finish();  // kInvalid: names the unknown type, or one whose bases go in a circle
  const TypeDef* Find(std::string_view type_name) const;  // null before Finish()

 private:
  struct Types;
  const Definitions& definitions_;
  std::unique_ptr<Types> types_;
};

}  // namespace gw::fhir
